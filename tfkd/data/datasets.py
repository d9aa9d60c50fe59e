"""The data sets that tfkd reads, by the name they have on the command line, and the protocols of each."""

import os

from tfkd.data.recordings import DataError

NAMES = ("utd", "berkeley", "mmact", "openpack", "folder", "synthetic", "synthetic_packing")
CHOOSE_SENSORS = ("mmact", "openpack")
"""Data sets of several sensors, of which a recipe chooses."""


def read(
    dataset,
    data_dir=None,
    on_error="raise",
    modalities=("imu", "skeleton"),
    frame_size=64,
    most_frames=32,
    sensors=(),
):
    """Reads a data set as `Recordings`.

    Args:
        dataset: one of `NAMES`.
        data_dir: where its files are; the environment variable `TFKD_DATA` if it is `None`.
        on_error: `"raise"` or `"skip"`, for files that cannot be read.
        modalities: what to read; also `"depth"` and, of UTD-MHAD, `"video"`.
        frame_size, most_frames: pixels a side and number of frames that are kept of depth and video.
        sensors: which make up the IMU stream, of a data set in `CHOOSE_SENSORS`; its usual ones if empty.

    Raises:
        DataError: the data is not there, or a file of it is bad.
        ValueError: the data set does not have a modality or sensor.
    """
    if dataset not in NAMES:
        raise ValueError(f"There is no data set {dataset!r}; known: {', '.join(NAMES)}.")
    if sensors and dataset not in CHOOSE_SENSORS:
        raise ValueError(f"sensors are {list(sensors)}, but are chosen of {' and '.join(CHOOSE_SENSORS)} alone.")
    if dataset == "synthetic":
        from tfkd.data.synthetic import read_synthetic

        return read_synthetic(modalities=modalities, frame_size=frame_size, most_frames=most_frames)
    if dataset == "synthetic_packing":
        from tfkd.data.synthetic_packing import read_synthetic_packing

        return read_synthetic_packing(modalities=modalities)
    reader, message = _reader(dataset)
    data_dir = data_dir or os.environ.get("TFKD_DATA")
    if not data_dir or not os.path.isdir(data_dir):
        found = f"{data_dir} is not a folder. " if data_dir else ""
        raise DataError(found + message(None, modalities))
    settings = {"sensors": sensors} if sensors else {}
    if dataset == "utd":
        settings = {"frame_size": frame_size, "most_frames": most_frames}
    return reader(data_dir, modalities, on_error, **settings)


def missing_data_message(dataset):
    """Where to get a data set that is read from files, and which of them are expected."""
    return _reader(dataset)[1](None)


def modalities(dataset):
    """What a data set can be read of, the IMU first."""
    more = {"utd": ("depth", "video"), "synthetic": ("depth",)}
    return ("imu", "skeleton", *more.get(dataset, ()))


def sensors(dataset):
    """The sensors of a data set in `CHOOSE_SENSORS`; of the others none."""
    if dataset == "mmact":
        from tfkd.data.mmact import AXES

        return tuple(AXES)
    if dataset == "openpack":
        from tfkd.data.openpack import SENSORS

        return SENSORS
    return ()


def protocols(dataset):
    """The protocols of a data set: name -> function `(recordings, validation_subjects)` that returns a `Split`.

    `loso`, which leaves one person out, is there for every data set and not named here; those of `folder` stand in its
    own files, so it has none before it is read.
    """
    if dataset == "berkeley":
        from tfkd.data.berkeley_mhad import PROTOCOLS
    elif dataset == "mmact":
        from tfkd.data.mmact import PROTOCOLS
    elif dataset == "openpack":
        from tfkd.data.openpack_splits import PROTOCOLS
    elif dataset == "folder":
        PROTOCOLS = {}
    else:
        from tfkd.data.splits import PROTOCOLS
    return PROTOCOLS


def _reader(dataset):
    """The function that reads a data set from files, and the one that says what to do where there are none."""
    if dataset == "berkeley":
        from tfkd.data import berkeley_mhad

        return berkeley_mhad.read_berkeley_mhad, berkeley_mhad.missing_data_message
    if dataset == "mmact":
        from tfkd.data import mmact

        return mmact.read_mmact, mmact.missing_data_message
    if dataset == "openpack":
        from tfkd.data import openpack

        return openpack.read_openpack, openpack.missing_data_message
    if dataset == "folder":
        from tfkd.data import folder

        return folder.read_folder, folder.missing_data_message
    from tfkd.data import utd_mhad

    return utd_mhad.read_utd_mhad, utd_mhad.missing_data_message
