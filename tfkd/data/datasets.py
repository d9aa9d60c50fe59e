"""The data sets that tfkd reads, by the name they have on the command line."""

import os

from tfkd.data.recordings import DataError

NAMES = ("utd", "synthetic")


def read(
    dataset, data_dir=None, on_error="raise", modalities=("imu", "skeleton"), frame_size=64, most_frames=32
):
    """Reads a data set as `Recordings`.

    Args:
        dataset: one of `NAMES`.
        data_dir: where its files are; the environment variable `TFKD_DATA` if it is `None`.
        on_error: `"raise"` or `"skip"`, for files that cannot be read.
        modalities: what to read; also `"depth"` and, of UTD-MHAD, `"video"`.
        frame_size, most_frames: pixels a side and number of frames that are kept of depth and video.

    Raises:
        DataError: the data is not there, or a file of it is bad.
    """
    if dataset == "synthetic":
        from tfkd.data.synthetic import read_synthetic

        return read_synthetic(modalities=modalities, frame_size=frame_size, most_frames=most_frames)
    if dataset != "utd":
        raise ValueError(f"There is no data set {dataset!r}; known: {', '.join(NAMES)}.")
    from tfkd.data.utd_mhad import missing_data_message, read_utd_mhad

    data_dir = data_dir or os.environ.get("TFKD_DATA")
    if not data_dir or not os.path.isdir(data_dir):
        found = f"{data_dir} is not a folder. " if data_dir else ""
        raise DataError(found + missing_data_message(None, modalities))
    return read_utd_mhad(data_dir, modalities, on_error, frame_size=frame_size, most_frames=most_frames)
