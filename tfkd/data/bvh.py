"""BVH (BioVision hierarchy) motion files: a tree of joints and, frame by frame, their rotations.

Source for the format: Meredith and Maddock, "Motion capture file formats explained", University of Sheffield, 2001.
"""

import dataclasses
import re

import numpy as np

from tfkd.data.recordings import DataError
from tfkd.data.tables import read_plain_numbers

_CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Motion:
    """What a BVH file holds.

    Attributes:
        joints: names, every joint after its parent. An end site is called `<its joint>.end`.
        parents: index of each joint's parent; -1 for a root.
        offsets: `(joints, 3)`, each joint from its parent while nothing is rotated, in the file's unit of length.
        channels: for each joint, its channels in the file's order: `("position" or "rotation", axis 0 to 2)`.
        frame_seconds: time from a frame to the next.
        values: `(frames, channels)`, all joints' channels in order; rotations in degrees.
    """

    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    channels: tuple[tuple[tuple[str, int], ...], ...]
    frame_seconds: float
    values: np.ndarray


def read_bvh(data, name):
    """Reads a BVH file.

    Args:
        data: the file's bytes.
        name: of the file, for errors.

    Returns:
        `Motion`.

    Raises:
        DataError: not BVH, cut off, or a bad number; the line is named, in the table of frames also the column.
    """
    lines = data.decode("latin-1").splitlines()
    motion = next((i for i, line in enumerate(lines) if line.strip().upper() == "MOTION"), None)
    if motion is None:
        raise DataError(f"{name} has no line MOTION among its {len(lines)}: cut off, or not BVH.")
    joints, parents, offsets, channels = _hierarchy(lines[:motion], name)
    frames, line = _setting(lines, motion + 1, "Frames:", int, name)
    frame_seconds, line = _setting(lines, line, "Frame Time:", float, name)
    if not frame_seconds > 0:
        raise DataError(f"{name}, line {line}: Frame Time: must be above 0, got {frame_seconds:g}.")
    columns = [
        f"{joint}.{'XYZ'[axis]}{kind}" for joint, own in zip(joints, channels) for kind, axis in own
    ]
    values = read_plain_numbers(data, name, columns, skip=line)
    if len(values) != frames:
        raise DataError(f"{name}, line {len(lines)}: ends after {len(values)} of {frames} frames.")
    return Motion(joints, parents, np.array(offsets), channels, frame_seconds, values)


def positions(motion):
    """Where the joints are: forward kinematics.

    A joint's rotations apply in the order of its channels, each about an axis that those before it have turned: for
    `Zrotation Xrotation Yrotation` the matrix is `Rz Rx Ry`, applied to columns. A position channel stands instead of
    that coordinate of the offset, which is how Blender takes it; files where the two would add up are not known here.

    Args:
        motion: `Motion`.

    Returns:
        `(frames, joints, 3)` float64, in the file's unit of length.
    """
    frames = len(motion.values)
    placed = np.empty((frames, len(motion.joints), 3))
    turned = []  # for each joint, (frames, 3, 3)
    column = 0
    for joint, (parent, own) in enumerate(zip(motion.parents, motion.channels)):
        local = np.tile(motion.offsets[joint], (frames, 1))
        turn = np.eye(3)[None] if parent < 0 else turned[parent]
        place = 0 if parent < 0 else placed[:, parent]
        rotations = []
        for kind, axis in own:
            if kind == "position":
                local[:, axis] = motion.values[:, column]
            else:
                rotations.append((axis, motion.values[:, column]))
            column += 1
        placed[:, joint] = place + (turn @ local[..., None])[..., 0]
        for axis, degrees in rotations:
            turn = _turned(turn, axis, degrees)
        turned.append(turn)
    return placed


def _turned(matrices, axis, degrees):
    """`matrices @ rotation(axis, degrees)`: two columns are mixed, the axis's own stays."""
    angle = np.radians(degrees)[:, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    product = np.repeat(matrices, len(degrees), axis=0) if len(matrices) == 1 else matrices.copy()
    first, second = product[..., i].copy(), product[..., j].copy()
    product[..., i] = first * cosine + second * sine
    product[..., j] = second * cosine - first * sine
    return product


def _hierarchy(lines, name):
    """Joints, parents, offsets and channels from the part before MOTION."""
    joints, parents, offsets, channels = [], [], [], []
    path, upcoming = [], None  # indices of the open joints; the joint whose brace is next
    for number, line in enumerate(lines, 1):
        for part in filter(str.strip, re.split(r"([{}])", line)):
            word, *rest = part.split()
            keyword = word.upper()
            where = f"{name}, line {number}: {line.strip()[:60]!r}"
            if keyword in ("ROOT", "JOINT", "END"):
                parent = path[-1] if path else -1
                if (parent < 0) != (keyword == "ROOT"):
                    raise DataError(f"{where} is in the wrong place of the hierarchy.")
                upcoming = len(joints)
                joints.append(f"{joints[parent]}.end" if keyword == "END" else " ".join(rest))
                parents.append(parent)
                offsets.append([0.0, 0.0, 0.0])
                channels.append(())
            elif keyword == "{" and upcoming is not None:
                path.append(upcoming)
                upcoming = None
            elif keyword == "}" and path:
                path.pop()
            elif keyword == "OFFSET" and path and (offset := _numbers(rest)) is not None:
                offsets[path[-1]] = offset
            elif keyword == "CHANNELS" and path and (own := _channels(rest)) is not None:
                channels[path[-1]] = own
            elif keyword != "HIERARCHY":
                raise DataError(f"{where} is not understood as part of a BVH hierarchy.")
    if path or not joints:
        raise DataError(f"{name}: the hierarchy before MOTION is not complete.")
    return tuple(joints), tuple(parents), offsets, tuple(channels)


def _numbers(words):
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    return numbers if len(numbers) == 3 and np.isfinite(numbers).all() else None


def _channels(words):
    matches = [_CHANNEL.fullmatch(word) for word in words[1:]]
    if not words or words[0] != str(len(matches)) or not all(matches):
        return None
    return tuple((match[2].lower(), "XYZ".index(match[1].upper())) for match in matches)


def _setting(lines, start, keyword, kind, name):
    """The number in the first line from `start` that is not blank, and the index of the line after it."""
    for at in range(start, len(lines)):
        if text := lines[at].strip():
            value = text[len(keyword) :].strip()
            try:
                if text[: len(keyword)].lower() == keyword.lower():
                    return kind(value), at + 1
            except ValueError:
                pass
            raise DataError(f"{name}, line {at + 1}: expected {keyword!r} and a number, got {text[:60]!r}.")
    raise DataError(f"{name}, line {len(lines)}: ends before {keyword!r}: cut off?")
