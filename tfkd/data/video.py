"""Video files as frames, decoded by PyAV.

PyAV brings FFmpeg in its wheel, reads from open files (so from inside a zip too) and scales while it converts; it is
the extra `[video]`, since nothing else needs it.
"""

import numpy as np

from tfkd.data.frames import evenly
from tfkd.data.recordings import DataError


def require():
    """Imports PyAV.

    Raises:
        DataError: it is not installed; the message names the extra.
    """
    try:
        import av
    except ImportError as error:
        raise DataError(
            f"Videos are decoded by PyAV, which could not be imported ({error}). Install the extra: "
            "pip install 'tfkd[video]', or leave 'video' out of the modalities."
        ) from error
    return av


def read_video(file, size=64, most=None):
    """Decodes a video's middle square.

    Args:
        file: path, or open binary file.
        size: height and width of the result in pixels.
        most: keep at most this many frames, evenly chosen.

    Returns:
        `(frames, (count, height, width), rate)`: uint8 RGB `(frames, size, size, 3)`, how many frames of which size
        the file holds, and the frame rate in Hz that it tells (`None` if none).

    Raises:
        DataError: PyAV is missing, the file is no video, or it ends early.
    """
    av = require()
    try:
        with av.open(file) as container:
            if not container.streams.video:
                raise DataError("holds no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            frames = [_middle_square(frame, size) for frame in container.decode(stream)]
            height, width, rate, declared = stream.height, stream.width, stream.average_rate, stream.frames
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"cannot be decoded ({error})") from error
    if not frames:
        raise DataError("cannot be decoded: no frame in it")
    if len(frames) < declared:
        raise DataError(f"ends early: {declared} frames declared, {len(frames)} decoded")
    count = len(frames)
    chosen = evenly(count, min(most or count, count))
    return np.stack([frames[i] for i in chosen]), (count, height, width), float(rate) if rate else None


def _middle_square(frame, size):
    """RGB `(size, size, 3)` of a decoded frame; scaled first, by FFmpeg, so that little is copied."""
    scale = size / min(frame.width, frame.height)
    width, height = max(size, round(frame.width * scale)), max(size, round(frame.height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
    top, left = (height - size) // 2, (width - size) // 2
    return pixels[top : top + size, left : left + size]
