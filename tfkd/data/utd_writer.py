"""Writes recordings as UTD-MHAD's official files, for example the synthetic ones."""

from pathlib import Path

import numpy as np

from tfkd.data.recordings import DataError
from tfkd.files import atomic_path


def write_utd_mhad(recordings, folder):
    """Writes the `imu` and `skeleton` streams in UTD-MHAD's official layout and format.

    The files are MATLAB v5 with one float64 array each: `Inertial/a1_s1_t1_inertial.mat` holds `d_iner`
    `(time, 6)`, `Skeleton/a1_s1_t1_skeleton.mat` holds `d_skel` `(20, 3, time)`. The action number is the
    label plus 1, whatever the class is called. A recording that lacks a stream gets no file for it.

    Args:
        recordings: `Recordings` with units g, deg/s and metres.
        folder: where `Inertial` and `Skeleton` go; made if absent.

    Returns:
        The paths written, in the order of the recordings.

    Raises:
        DataError: a recording has no label, two would get the same name, or a stream has another shape
            than UTD-MHAD's.
        OutputError: a file cannot be written.
    """
    from scipy.io import savemat

    written = {}
    for recording in recordings:
        if recording.label < 0:
            raise DataError(f"{recording.id} has no label, and UTD-MHAD's file names need one.")
        trial = f"a{recording.label + 1}_s{recording.subject}_t{recording.trial}"
        for modality, kind, key, shape in (
            ("imu", "inertial", "d_iner", (6,)),
            ("skeleton", "skeleton", "d_skel", (20, 3)),
        ):
            if modality not in recording.streams:
                continue
            values = np.asarray(recording.streams[modality], "float64")
            if values.shape[1:] != shape:
                raise DataError(
                    f"{modality} of {recording.id} has shape {values.shape}; UTD-MHAD's files hold "
                    f"{('time', *shape)}."
                )
            path = Path(folder) / kind.capitalize() / f"{trial}_{kind}.mat"
            if path in written:
                raise DataError(f"{recording.id} and {written[path]} would both be written to {path}.")
            with atomic_path(path) as temporary:
                savemat(temporary, {key: values if modality == "imu" else values.transpose(1, 2, 0)})
            written[path] = recording.id
    return list(written)
