"""UTD-MHAD's depth and video files, one clip at a time, and whether a clip can be this trial's."""

from collections import Counter

import numpy as np

from tfkd.data.frames import ENCODING, encode_depth
from tfkd.data.recordings import DataError
from tfkd.data.sources import WAY_OUT
from tfkd.data.utd_files import load_mat
from tfkd.data.video import read_video

MODALITIES = ("depth", "video")
FEWEST = 8  # frames: a teacher takes one from each of 8 segments
DEPTH_HEIGHT, DEPTH_HZ = 240, 30.0  # of the official depth files
PLAUSIBLE_MM = 300, 10_000  # distance of the person


def settings(modality, size, most):
    """What the encoded clips depend on besides the files."""
    return [size, most, *(ENCODING if modality == "depth" else ())]


def read(source, modality, size, most):
    """One clip's arrays by name; see `read_depth` and `read_avi`."""
    return (read_depth if modality == "depth" else read_avi)(source, size, most)


def read_depth(source, size, most):
    """Reads and encodes `d_depth` `(height, width, frames)` in mm.

    A copy that was halved in height and width is taken to be halved in time as well (15 Hz instead of 30), and so on.

    Returns:
        Arrays by name: `depth` uint8 `(time, size, size, 3)`, and `depth_facts` `(1, 4)`: frames in the file, their
        height and width, and the rate in Hz.
    """
    values = load_mat(source, "depth")
    if values.ndim != 3:
        raise DataError(f"{source}: d_depth has shape {values.shape}, expected (height, width, frames). {WAY_OUT}")
    depth = np.ascontiguousarray(values.transpose(2, 0, 1))
    _enough(source, len(depth))
    rate = DEPTH_HZ * depth.shape[1] / DEPTH_HEIGHT
    if not depth.any():
        raise DataError(f"{source}: nothing but zeros, so nobody in view. {WAY_OUT}")
    middle = float(np.median(depth[depth != 0]))
    if not PLAUSIBLE_MM[0] <= middle <= PLAUSIBLE_MM[1]:
        raise DataError(f"{source}: the person is {middle:g} mm away; depth in mm expected. {WAY_OUT}")
    return {"depth": encode_depth(depth, size, rate, most), "depth_facts": np.array([[*depth.shape, rate]])}


def read_avi(source, size, most):
    """As `read_depth`, for a colour video: `video` and `video_facts`, whose rate is NaN where the file tells none."""
    try:
        with source.open() as file:
            frames, shape, rate = read_video(file, size, most)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error}. {WAY_OUT}") from error
    except DataError as error:
        raise DataError(f"{source} {error}. {WAY_OUT}") from error
    _enough(source, shape[0])
    return {"video": frames, "video_facts": np.array([[*shape, rate or np.nan]])}


def _enough(source, frames):
    if frames < FEWEST:
        raise DataError(f"{source}: only {frames} frames, at least {FEWEST} are needed. {WAY_OUT}")


def usual_size(facts):
    """The most common height and width in a list of facts."""
    return Counter(tuple(f[0, 1:3]) for f in facts).most_common(1)[0][0]


def not_this_trial(modality, facts, usual, streams):
    """Why a clip does not fit the rest of its set or trial, or `None`.

    Depth has as many frames as the skeleton, at the same nominal rate; the inertial samples at 50 Hz last as long as
    the clip only roughly, since the frames' true rate varies (1 inertial sample to 0.37 frames of 30 Hz, 0.22 to 0.42).

    Args:
        modality: `"depth"` or `"video"`.
        facts: `(1, 4)`, as read.
        usual: height and width of the other clips.
        streams: what else was read of the trial.
    """
    count, height, width, rate = facts[0]
    if (height, width) != tuple(usual):
        return f"frames of {height:g} x {width:g} pixels, while the other clips have {usual[0]:g} x {usual[1]:g}"
    if modality == "depth" and "skeleton" in streams:
        expected = len(streams["skeleton"]) * rate / DEPTH_HZ
        if abs(count - expected) > 1:
            return f"{count:g} frames, while the skeleton's are {expected:g} at this rate: files of different trials?"
    elif "imu" in streams and rate > 0:
        seconds, expected = count / rate, len(streams["imu"]) / 50
        if not 1 / 3 < seconds / expected < 3:
            return f"{seconds:.1f} s long, while the inertial file has {expected:.1f} s: files of different trials?"
    return None
