"""What the synthetic packers do: poses that they take and strokes that they repeat, in degrees, as in `actions`.

The operations are those of OpenPack. Several of them ask the same strokes of the right arm and differ in the left arm,
in where the person turns, and in how the trunk and legs help; the right wrist feels little of that. How often each of
the strokes comes differs too, so that something of it can be felt.
"""

import dataclasses

from tfkd.data.actions import ANGLES, beat, both, hold, left, path, right

TRACKS = (*ANGLES, "x", "z")
"""What a pose consists of: the angles, and how many metres to the right (x) and to the front (z) a person has gone."""


@dataclasses.dataclass(frozen=True)
class Work:
    """One operation."""

    seconds: float  # its median duration
    pose: dict[str, float]  # track -> how it differs from `AT_BENCH` throughout
    strokes: tuple[tuple[float, dict], ...]  # (how often, angle -> moves over a stroke)
    stroke: float  # seconds that a stroke takes


AT_BENCH = both(lift=14, plane=45, elbow=68, spread=3) | {"trunk_lean": 9, "head_nod": 20}
IDLE = both(lift=7, plane=70, elbow=16, spread=3) | {"trunk_lean": 2, "head_nod": 8}

# ---- Strokes ----

REACH = right(lift=path((0.35, 34), (0.6, 34)), elbow=path((0.35, -38), (0.6, -38)), roll=path((0.5, 25)))
PUT_DOWN = right(lift=path((0.4, 20), (0.65, 16)), plane=path((0.4, -28), (0.65, -28)), elbow=path((0.4, -26)))
PRESS = right(elbow=[path((0.3, -20), (0.7, -20)), beat(5, 2)], roll=path((0.3, 35), (0.7, 35)))
RUB = right(lift=hold(12), plane=beat(13, 2), elbow=[hold(-14), beat(7, 2)])
PEEL = right(twist=[hold(12), beat(9, 3)], roll=[hold(20), beat(14, 3)])
FOLD = right(lift=path((0.3, 32), (0.65, 12)), plane=path((0.3, 20), (0.65, -30)), elbow=path((0.3, -22), (0.65, -5)))
SWEEP = right(lift=hold(22), plane=path((0.3, 30), (0.75, -40)), elbow=path((0.3, -18), (0.75, -10)))
AIM = right(lift=path((0.3, 28), (0.7, 28)), elbow=[path((0.3, -15), (0.7, -15)), beat(4, 2)], twist=hold(-18))
WRITE = right(twist=[hold(14), beat(6, 6)], elbow=beat(4, 6, 0.25), plane=path((0.1, -14), (0.9, 10)))
CARRY = right(lift=path((0.5, 16)), elbow=path((0.5, -14)))


def _mirrored(stroke):
    """What the right arm does, done by the left one too."""
    return stroke | {name.replace("right", "left"): moves for name, moves in stroke.items()}


LEFT_REACH = left(lift=path((0.4, 34), (0.65, 34)), elbow=path((0.4, -38), (0.65, -38)))
LEFT_TURNS = left(plane=beat(20, 1), lift=hold(14), elbow=[hold(-18), beat(12, 1)])
LEFT_SLIDES = left(plane=path((0.3, 25), (0.75, -30)), lift=hold(10))
LEFT_PEELS = left(twist=[hold(10), beat(10, 3)], roll=beat(16, 3))

# ---- Operations ----

# In OpenPack's order; the durations are about those of its sessions.
OPERATIONS = {
    "picking": Work(
        8.0,
        {"heading": -75, "x": 0.35, "trunk_lean": 2, "head_nod": -10} | left(elbow=18, lift=-6, plane=-25),
        ((0.75, REACH | {"trunk_tilt": path((0.5, 5))}), (0.25, PUT_DOWN)), 1.6,
    ),
    "relocate_item_label": Work(
        6.5,
        {"head_nod": 12} | left(elbow=26, plane=-30, lift=6),
        ((0.6, PEEL | LEFT_PEELS), (0.4, PRESS)), 1.3,
    ),
    "assemble_box": Work(
        11.5,
        {"trunk_lean": 6, "trunk_turn": -20} | left(lift=8, elbow=8),
        ((0.75, _mirrored(FOLD)), (0.25, _mirrored(SWEEP))), 1.5,
    ),
    "insert_items": Work(
        8.0,
        {"trunk_lean": 7, "head_nod": 10} | left(lift=24, plane=25, elbow=-28),
        ((0.35, REACH | {"trunk_turn": path((0.5, -14))}), (0.65, PUT_DOWN | LEFT_REACH)), 1.4,
    ),
    "close_box": Work(
        8.5,
        {"trunk_lean": 13} | left(lift=26, plane=-25, elbow=-32) | both(thigh=12, knee=14),
        ((0.3, FOLD), (0.7, SWEEP | LEFT_SLIDES)), 1.7,
    ),
    "attach_box_label": Work(
        5.0,
        {"trunk_lean": 10, "trunk_turn": 30} | left(lift=34, plane=-20, elbow=-42),
        ((0.7, PRESS), (0.3, RUB)), 1.3,
    ),
    "scan_label": Work(
        8.5,
        {"trunk_lean": -5, "head_nod": 6} | left(lift=8, elbow=-8),
        ((0.8, AIM | LEFT_TURNS), (0.2, PUT_DOWN | LEFT_TURNS)), 1.7,
    ),
    "attach_shipping_label": Work(
        6.0,
        {"heading": -35, "trunk_turn": -18, "x": 0.15} | left(lift=-8, plane=25, elbow=-45),
        ((0.2, PRESS), (0.8, RUB)), 1.4,
    ),
    "put_on_back_table": Work(
        4.5,
        {"heading": 150, "z": -0.45, "trunk_lean": 12} | left(lift=16, elbow=-10) | both(plane=-30),
        ((0.7, _mirrored(CARRY) | both(thigh=path((0.5, 18)), knee=path((0.5, 22)))), (0.3, _mirrored(PUT_DOWN))), 1.8,
    ),
    "fill_out_order": Work(
        6.5,
        {"heading": 35, "trunk_lean": 14, "head_nod": 16} | left(lift=10, plane=-25, elbow=12),
        ((0.75, WRITE), (0.25, PRESS)), 1.8,
    ),
}  # fmt: skip
CLASSES = tuple(OPERATIONS)

# What is no operation: waiting, looking around, fetching something.
PAUSES = (
    Work(3.5, {}, ((1.0, {"head_nod": beat(6, 1)}),), 3.0),
    Work(4.0, {"head_nod": -10}, ((1.0, {"heading": beat(25, 1), "trunk_turn": beat(15, 1)}),), 3.5),
    Work(5.0, {"heading": 60, "x": -0.6, "z": -0.3}, ((1.0, REACH),), 2.5),
)
STEPS = {
    "left_thigh": beat(16, 2), "right_thigh": beat(16, 2, 0.5), "left_knee": [hold(12), beat(14, 2, 0.2)],
    "right_knee": [hold(12), beat(14, 2, 0.7)],
}  # fmt: skip
"""The legs, while a person turns or goes elsewhere."""

# ---- The order of work ----

OFTEN_SWAPPED = (
    ("relocate_item_label", "assemble_box"), ("attach_box_label", "scan_label"),
    ("scan_label", "attach_shipping_label"), ("put_on_back_table", "fill_out_order"),
)  # fmt: skip
"""Neighbours in the usual order, which some people do the other way round."""
OFTEN_SKIPPED = {"put_on_back_table": 0.12, "relocate_item_label": 0.06, "fill_out_order": 0.06, "scan_label": 0.03}
"""How often, on average, an operation is left out of a box."""
