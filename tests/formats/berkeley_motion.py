"""A motion that can be told exactly from the time, as Berkeley-MHAD's sensors would record it.

Every accelerometer channel is a line, and so is the hips' way along x, so that interpolation between samples gives back
`acceleration(sensor, seconds)`; the joints are `joints(seconds)`.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from tfkd.data.berkeley_skeleton import MARKERS

BEGIN = 1332864600.25  # unix seconds at which the motion capture of every trial begins
SECONDS = 1.25
MOCAP_HZ = 480.02

# node, parent, offset in cm; the rotations of every joint but the hips are in the order Z X Y
TREE = [
    ("Hips", None, (0, 0, 0)), ("spine", "Hips", (0, 10, 0)), ("spine1", "spine", (0, 12, 0)),
    ("spine2", "spine1", (0, 12, 0)), ("Neck", "spine2", (0, 16, 0)), ("Head", "Neck", (0, 12, 2)),
]  # fmt: skip
for _side, _x in (("Right", -1), ("Left", 1)):
    TREE += [
        (f"{_side}Shoulder", "spine2", (3 * _x, 14, 0)), (f"{_side}Arm", f"{_side}Shoulder", (15 * _x, 2, 0)),
        (f"{_side}ArmRoll", f"{_side}Arm", (14 * _x, 0, 0)), (f"{_side}ForeArm", f"{_side}ArmRoll", (14 * _x, 0, 0)),
        (f"{_side}ForeArmRoll", f"{_side}ForeArm", (12 * _x, 0, 0)),
        (f"{_side}Hand", f"{_side}ForeArmRoll", (12 * _x, 0, 0)),
    ]  # fmt: skip
for _side, _x in (("Right", -1), ("Left", 1)):
    TREE += [
        (f"{_side}UpLeg", "Hips", (9 * _x, 0, 0)), (f"{_side}UpLegRoll", f"{_side}UpLeg", (0, -20, 0)),
        (f"{_side}Leg", f"{_side}UpLegRoll", (0, -22, 0)), (f"{_side}LegRoll", f"{_side}Leg", (0, -20, 0)),
        (f"{_side}Foot", f"{_side}LegRoll", (0, -20, 0)), (f"{_side}ToeBase", f"{_side}Foot", (0, -6, 12)),
    ]  # fmt: skip
NODES = tuple(name for name, _, _ in TREE)
TURNING = ("RightArm", "RightForeArm", "LeftUpLeg", "Neck")


def acceleration(sensor, seconds):
    """What sensor 1 to 6 feels at these unix times, `(time, 3)` in g: lines, all different."""
    rise = np.array([0.1, -0.2, 0.3]) * sensor / 6
    return 0.1 * sensor + np.array([0.0, 0.4, -0.4]) + (np.asarray(seconds) - BEGIN)[:, None] * rise


def sensor_times(trial, sensor):
    """About 31 uneven samples a second, each sensor with its own; all begin before and end after the mocap."""
    rng = np.random.default_rng([sensor, *trial.encode()])
    even = np.arange(int((SECONDS + 0.4) * 31)) / 31
    times = BEGIN - 0.2 + 0.02 * sensor + even + rng.uniform(-0.01, 0.01, len(even))
    return np.round(times, 6)


def mocap_times():
    """Unix times of the rows of the marker files."""
    return BEGIN + np.arange(int(SECONDS * 480)) / MOCAP_HZ


def node_angles(seconds):
    """Node -> `(time, 3)` degrees about z, x, y, of the nodes that turn."""
    phase = 2 * np.pi * (np.asarray(seconds) - BEGIN)
    return {
        node: np.stack([30 * np.sin(phase + i), 20 * np.cos(phase), 10 * np.sin(2 * phase + i)], axis=1)
        for i, node in enumerate(TURNING)
    }


def hips(seconds):
    t = np.asarray(seconds) - BEGIN
    return np.stack([20 * t, np.full_like(t, 95.0), np.full_like(t, 30.0)], axis=1)


def node_positions(seconds):
    """Node -> `(time, 3)` in cm, by another way than the reader's."""
    angles, places, turns = node_angles(seconds), {}, {}
    for node, parent, offset in TREE:
        turn = Rotation.from_euler("ZXY", angles.get(node, np.zeros((len(seconds), 3))), degrees=True)
        if parent is None:
            places[node], turns[node] = hips(seconds), turn
        else:
            places[node] = places[parent] + turns[parent].apply(offset)
            turns[node] = turns[parent] * turn
    return places


def joints(seconds):
    """The common joints `(time, 18, 3)` in metres."""
    places = node_positions(seconds)
    arms = [f"{side}{part}" for side in ("Left", "Right") for part in ("Arm", "ForeArm", "Hand")]
    legs = [f"{side}{part}" for side in ("Left", "Right") for part in ("UpLeg", "Leg", "Foot", "ToeBase")]
    return np.stack([places[node] for node in ("Head", "Neck", "spine1", "Hips", *arms, *legs)], axis=1) / 100


def marker_positions(seconds):
    """`(time, 43, 3)` in mm: around the joints, so that the means of the reader's groups are the joints."""
    places = {node: 10 * place for node, place in node_positions(seconds).items()}
    found = {
        "head": places["Head"] + [0, 60, 0], "lhead": places["Head"] + [70, -30, 0],
        "rhead": places["Head"] + [-70, -30, 0], "backl": places["spine1"] + [0, 0, -110],
        "bell": places["spine1"] + [0, 0, 110],
    }  # fmt: skip
    for side, name in (("l", "Left"), ("r", "Right")):
        for marker, node in (("elb", "ForeArm"), ("wri", "Hand"), ("kne", "Leg"), ("ank", "Foot"), ("foo", "ToeBase")):
            found[side + marker] = places[name + node]
        for marker, offset in (("hipb", (0, 30, -90)), ("hipf", (0, 30, 90)), ("hipl", (0, -60, 0))):
            found[side + marker] = places[f"{name}UpLeg"] + offset
        for marker, depth in (("sho1", 40), ("sho2", -40)):
            found[side + marker] = places[f"{name}Arm"] + [0, 0, depth]
    other = places["spine2"]
    return np.stack([found.get(marker, other + 10 * i) for i, marker in enumerate(MARKERS)], axis=1)
