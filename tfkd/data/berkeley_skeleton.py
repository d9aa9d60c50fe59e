"""Berkeley-MHAD's skeletons: one set of joints from the BVH files, from position CSVs or from the optical markers."""

import dataclasses

import numpy as np

from tfkd.data import bvh
from tfkd.data.berkeley_files import content, forwards
from tfkd.data.recordings import DataError
from tfkd.data.tables import read_plain_numbers

MARKERS = (
    "head", "lhead", "rhead", "rback", "backl", "backt", "lback", "lside", "bell", "chest", "rside",
    "lsho1", "lsho2", "larm", "lelb", "lwri", "lhan1", "lhan2", "lhan3",
    "rsho1", "rsho2", "rarm", "relb", "rwri", "rhan1", "rhan2", "rhan3",
    "lhipb", "lhipf", "lhipl", "lleg", "lkne", "lank", "lhee", "lfoo",
    "rhipb", "rhipf", "rhipl", "rleg", "rkne", "rank", "rhee", "rfoo",
)  # fmt: skip
_MARKER_COLUMNS = (*(f"{marker}_{axis}" for marker in MARKERS for axis in "xyz"), "frame", "seconds")

MADE_OF = {
    "head": ("Head", ("head", "lhead", "rhead")),
    "shoulder_center": ("Neck", ("lsho1", "lsho2", "rsho1", "rsho2")),
    "spine": ("spine1", ("backl", "bell")),
    "hip_center": ("Hips", ("lhipb", "lhipf", "lhipl", "rhipb", "rhipf", "rhipl")),
    "left_shoulder": ("LeftArm", ("lsho1", "lsho2")),
    "left_elbow": ("LeftForeArm", ("lelb",)),
    "left_wrist": ("LeftHand", ("lwri",)),
    "right_shoulder": ("RightArm", ("rsho1", "rsho2")),
    "right_elbow": ("RightForeArm", ("relb",)),
    "right_wrist": ("RightHand", ("rwri",)),
    "left_hip": ("LeftUpLeg", ("lhipb", "lhipf", "lhipl")),
    "left_knee": ("LeftLeg", ("lkne",)),
    "left_ankle": ("LeftFoot", ("lank",)),
    "left_foot": ("LeftToeBase", ("lfoo",)),
    "right_hip": ("RightUpLeg", ("rhipb", "rhipf", "rhipl")),
    "right_knee": ("RightLeg", ("rkne",)),
    "right_ankle": ("RightFoot", ("rank",)),
    "right_foot": ("RightToeBase", ("rfoo",)),
}
"""Joint -> its node in BVH and CSV, and the markers whose mean stands for it. Markers sit on the skin: their mean is
near the joint, not in it, so skeletons from markers differ from the others by some centimetres."""

JOINTS = tuple(MADE_OF)
"""UTD-MHAD's joints in its order, without the hands, which the CSVs do not have."""

BONES = (
    (3, 2), (2, 1), (1, 0), (1, 4), (4, 5), (5, 6), (1, 7), (7, 8), (8, 9),
    (3, 10), (10, 11), (11, 12), (12, 13), (3, 14), (14, 15), (15, 16), (16, 17),
)  # fmt: skip
"""Pairs of joints, from the hip outwards."""

TORSO = 0.25, 1.0  # metres; anything else is another unit


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """The joints in one trial.

    Attributes:
        seconds: `(frames,)`; unix time if `absolute`, else from the first frame.
        joints: `(frames, joints, 3)` in metres, y up.
        absolute: whether the file tells when it was recorded.
        notes: kind -> sentence, of what was repaired.
    """

    seconds: np.ndarray
    joints: np.ndarray
    absolute: bool = False
    notes: dict[str, str] = dataclasses.field(default_factory=dict)


def read_skeleton(source, kind):
    """Reads one trial's skeleton, all frames.

    BVH files are taken to be in centimetres, as the CSVs converted from them are; no official BVH file was at hand to
    verify it. The length of the torso is checked, so that another unit does not go unnoticed.

    Args:
        source: `Source`.
        kind: `"bvh"`, `"csv"` or `"markers"`.

    Returns:
        `Skeleton`.

    Raises:
        DataError: the file is bad, lacks a joint, or is in another unit or frame.
    """
    skeleton = {"bvh": _from_bvh, "csv": _from_csv, "markers": _from_markers}[kind](source)
    if len(skeleton.seconds) < 2 or not skeleton.seconds[0] < skeleton.seconds[-1]:
        raise DataError(f"{source}: {len(skeleton.seconds)} frames over no time.")
    spine = skeleton.joints[:, JOINTS.index("shoulder_center")] - skeleton.joints[:, JOINTS.index("hip_center")]
    torso = np.median(np.linalg.norm(spine, axis=1))
    if not TORSO[0] <= torso <= TORSO[1]:
        unit = "millimetres" if kind == "markers" else "centimetres"
        raise DataError(f"{source}: the torso is {torso:.3g} m long. Is the file in another unit than {unit}?")
    if spine[:, 1].max() < torso / 2:
        raise DataError(f"{source}: the shoulders are never above the hips. Does another axis than y point up?")
    return skeleton


def marker_clock(source):
    """When the first row of `moc_*.txt` was recorded, and how long a row lasts (about 1/480.02 s).

    Only the first and the last row are parsed, since the skeleton is read from elsewhere.

    Returns:
        `(unix seconds, seconds a row, rows)`.

    Raises:
        DataError: these rows are bad, or not in the order of time.
    """
    data = content(source).strip()
    rows = data.count(b"\n") + 1
    try:
        first_and_last = data[: data.find(b"\n") + 1] + data[data.rfind(b"\n") + 1 :]
        begin, end = read_plain_numbers(first_and_last, str(source), _MARKER_COLUMNS)[[0, -1], -1]
    except DataError:
        read_plain_numbers(data, str(source), _MARKER_COLUMNS)  # names the right line
        raise
    if not begin < end:
        raise DataError(f"{source}: column {len(_MARKER_COLUMNS)} (seconds) goes from {begin:.6f} to {end:.6f}.")
    return begin, (end - begin) / (rows - 1), rows


def _from_bvh(source):
    motion = bvh.read_bvh(content(source), str(source))
    placed = bvh.positions(motion)[:, _places(motion.joints, [node for node, _ in MADE_OF.values()], source)]
    return Skeleton(np.arange(len(placed)) * motion.frame_seconds, placed / 100)


def _from_csv(source):
    data = content(source)
    header, _, _ = data.partition(b"\n")
    columns = [name.strip(' "\r') for name in header.decode("utf-8", "replace").split(",")]
    wanted = ["time", *(f"{node}.{axis}" for node, _ in MADE_OF.values() for axis in "xyz")]
    places = _places(columns, wanted, source)
    table = read_plain_numbers(data, str(source), columns, separator=",", skip=1)[:, places]
    forwards(np.append(-np.inf, table[:, 0]), source, "time")  # the header is a line too
    return Skeleton(table[:, 0] - table[0, 0], table[:, 1:].reshape(len(table), -1, 3) / 100)


def _from_markers(source):
    table = read_plain_numbers(content(source), str(source), _MARKER_COLUMNS)
    seconds = table[:, -1]
    forwards(seconds, source, f"{len(_MARKER_COLUMNS)} (seconds)")
    used = sorted({marker for _, markers in MADE_OF.values() for marker in markers}, key=MARKERS.index)
    placed = table[:, :-2].reshape(len(table), len(MARKERS), 3)
    paths, hidden = {}, 0
    for marker in used:
        path = placed[:, MARKERS.index(marker)]
        seen = path.any(axis=1)
        if not seen.any():
            continue
        hidden += (~seen).sum()
        if not seen.all():
            path = np.stack([np.interp(seconds, seconds[seen], axis[seen]) for axis in path.T], axis=1)
        paths[marker] = path
    joints = []
    for joint, (_, markers) in MADE_OF.items():
        at_hand = [paths[marker] for marker in markers if marker in paths]
        if not at_hand:
            raise DataError(f"{source}: {' and '.join(markers)} never seen, and {joint} is made of nothing else.")
        joints.append(np.mean(at_hand, axis=0))
    notes = {}
    if hidden:
        notes["occluded markers, interpolated"] = f"{hidden / (len(table) * len(paths)):.1%} of the positions"
    if never := [marker for marker in used if marker not in paths]:
        notes["markers never seen"] = ", ".join(never)
    return Skeleton(seconds, np.stack(joints, axis=1) / 1000, True, notes)


def _places(names, wanted, source):
    """Where `wanted` are among `names`, whatever the case; the first where a name is there twice."""
    places = {name.lower(): i for i, name in reversed([*enumerate(names)])}
    if absent := [name for name in wanted if name.lower() not in places]:
        found = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise DataError(f"{source} lacks {', '.join(absent[:6])}; it has {found}.")
    return [places[name.lower()] for name in wanted]
