"""2D poses as pose estimators write them: for each joint of COCO-17 a place in the image and a confidence.

An estimator misses joints (confidence 0, or close to it) and whole frames. Here poses get their shape, and what was
not seen is filled in over time. A pose is `(time, 17, 3)`: x and y in pixels, y pointing down, and the confidence, so
in a stream of poses the third value of a joint is no coordinate.
"""

import dataclasses

import numpy as np

from tfkd.data.recordings import DataError

JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""COCO's keypoints, in its order."""

BONES = (
    (0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11), (11, 13), (13, 15),
    (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16),
)  # fmt: skip
"""Pairs of joints from the nose outwards: the tree that graph networks on COCO poses use, since COCO has no middle of
the hips to begin from."""

LEAST_JOINTS = 3
"""A frame with fewer joints than this does not show a person."""


class NotSeenError(DataError):
    """The person is not seen in enough frames."""


def parsed(people, names):
    """A pose out of the numbers of a file, frame by frame.

    Args:
        people: for each frame the 51 numbers `x, y, confidence` of 17 joints, flat or nested; nothing (`None` or an
            empty list) where nobody was found.
        names: what to call each frame in an error.

    Returns:
        `(frames, 17, 3)` float32, zeros where nobody was found.

    Raises:
        DataError: a frame holds something else; the first such frame is named.
    """
    pose = np.zeros((len(people), len(JOINTS), 3), "float32")
    found = [i for i, person in enumerate(people) if person not in (None, [])]
    try:
        values = np.array([people[i] for i in found], dtype="float64").reshape(-1, *pose.shape[1:])
        good = len(values) == len(found) and np.isfinite(values).all()
    except (TypeError, ValueError):
        good = False
    if not good:
        raise DataError(next(f"{names[i]} {fault}" for i in found if (fault := _fault(people[i]))))
    pose[found] = values
    return pose


def _fault(person):
    """What is wrong with the numbers of one frame; `None` if nothing is."""
    try:
        values = np.array(person, dtype="float64")
    except (TypeError, ValueError):
        return f"holds {str(person)[:40]}..., expected 51 numbers (x, y and confidence of 17 joints)"
    if values.size != len(JOINTS) * 3:
        return f"holds {values.size} numbers, expected 51 (x, y and confidence of 17 joints)"
    if not np.isfinite(values).all():
        return f"holds {int((~np.isfinite(values)).sum())} numbers that are NaN or infinite"
    return None


def cleaned(pose, name, least_confidence=0.0, least_seen=0.5):
    """A pose without holes: what was not seen is interpolated over time, joint by joint, and held at both ends.

    A joint that is seen in no frame is put in the middle of the others. The confidence of whatever is filled in is 0;
    elsewhere it stays as it was.

    Args:
        pose: `(time, joints, 3)`: x, y, confidence.
        name: what to call it in an error.
        least_confidence: joints count as seen above this. Some estimators give 0 for what they did not find; others
            guess every joint, with a low confidence.
        least_seen: share of frames that must show the person (at least `LEAST_JOINTS` joints).

    Returns:
        `(pose, counts)`: float32, and how many joints of how many frames were `"interpolated"`, how many of the joints
        were `"never seen"`, and how many `"frames"` do not show the person.

    Raises:
        NotSeenError: fewer frames show the person, or there are fewer than two frames.
    """
    pose = np.array(pose, dtype="float32")
    seen = np.isfinite(pose).all(axis=2) & (pose[:, :, 2] > least_confidence)
    shown = seen.sum(axis=1) >= LEAST_JOINTS
    if len(pose) < 2 or shown.mean() < least_seen or not shown.any():
        raise NotSeenError(
            f"{name}: {int(shown.sum())} of {len(pose)} frames show the person ({LEAST_JOINTS} joints or more), at "
            f"least {least_seen:.0%} and two are needed."
        )
    time, ever = np.arange(len(pose)), seen.any(axis=0)
    for joint in np.flatnonzero(ever & ~seen.all(axis=0)):
        here = seen[:, joint]
        for axis in (0, 1):
            pose[~here, joint, axis] = np.interp(time[~here], time[here], pose[here, joint, axis])
    pose[:, ~ever, :2] = pose[:, ever, :2].mean(axis=1, keepdims=True)
    pose[~seen, 2] = 0
    counts = {
        "interpolated": int((~seen[:, ever]).sum()),
        "never seen": int((~ever).sum()),
        "frames": int((~shown).sum()),
    }
    return pose, counts


def centred_poses(recordings):
    """Recordings whose 2D poses are relative to where the person is, in units of their size in the image.

    Takes out where in the image the person is and how near to the camera, and keeps how they moved about. The middle is
    the mean of all joints of all frames; the size, the root mean square distance of the joints from the middle of their
    frame; both weighed by the confidence, which itself stays as it is. The counterpart of
    `tfkd.data.centred_skeletons`, whose torso a camera often does not see (behind a desk); form chosen here.

    Raises:
        DataError: all joints of a pose lie in one place.
    """

    def centred(recording):
        if "skeleton" not in recording.streams:
            return recording
        pose = recording.streams["skeleton"]
        places, weight = pose[:, :, :2].astype("float64"), pose[:, :, 2:].astype("float64")
        middles = (places * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
        apart = ((places - middles[:, None]) ** 2).sum(axis=2, keepdims=True)
        size = np.sqrt((apart * weight).sum() / weight.sum()) if weight.any() else 0
        if not size > 0:
            raise DataError(f"{recording.id}: all joints of the pose lie in one place.")
        middle = (places * weight).sum(axis=(0, 1)) / weight.sum()
        moved = np.concatenate([(places - middle) / size, weight], axis=2).astype("float32")
        return dataclasses.replace(recording, streams={**recording.streams, "skeleton": moved})

    return recordings.mapped(centred)
