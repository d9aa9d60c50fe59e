"""Tiny UTD-MHAD trees with the official names and format, and the faults that people's copies have.

A test builds a tree, spoils one thing and reads it:

    tree = build(tmp_path)
    path = fault_truncated(tree, "a1_s1_t1")

`layout_*` functions rearrange the whole tree, in ways that a reader must not mind. `fault_*` functions
spoil one trial and return the path of the spoilt (or removed) file. Where a `modality` can be given it is
`"imu"` or `"skeleton"`.
"""

import functools
import shutil
import zipfile
from pathlib import Path

import numpy as np
from scipy.io import loadmat, savemat

from tfkd.data.synthetic import read_synthetic
from tfkd.data.utd_writer import write_utd_mhad

ABSENT = ("a8_s1_t4", "a23_s6_t4", "a27_s8_t4")  # in the official release, in every modality
FOLDER = {"imu": "Inertial", "skeleton": "Skeleton"}
KEY = {"imu": "d_iner", "skeleton": "d_skel"}


@functools.cache
def recordings(actions=(1, 2, 3), subjects=2, trials=2):
    """Synthetic recordings; action numbers start at 1, as in file names, and end at 16."""
    made = read_synthetic(subjects, trials)
    return made.where(lambda r: r.label + 1 in actions)


def build(folder, actions=(1, 2, 3), subjects=2, trials=2):
    """Writes a flawless tree and returns its folder."""
    write_utd_mhad(recordings(tuple(actions), subjects, trials), folder)
    return Path(folder)


def path_of(tree, trial, modality="imu"):
    """Where `build` put a file."""
    kind = FOLDER[modality]
    return Path(tree) / kind / f"{trial}_{kind.lower()}.mat"


def values_of(path):
    """The only array in a file, as stored."""
    (values,) = [v for k, v in loadmat(path).items() if not k.startswith("__")]
    return values


# ---- Other layouts of the same data ----


def layout_nested(tree):
    """`Inertial/Inertial/...mat`, as unzipping into a folder of the same name gives."""
    for name in FOLDER.values():
        (tree / name).rename(tree / "moving")
        (tree / name).mkdir()
        (tree / "moving").rename(tree / name / name)


def layout_odd_case(tree):
    """`inertial/` and `SKELETON/`, with the case of some file names changed too."""
    for old, new in (("Inertial", "inertial"), ("Skeleton", "SKELETON")):
        # In two steps, since some file systems take the two names for one.
        (tree / old).rename(tree / "moving")
        (tree / "moving").rename(tree / new)
    first = min((tree / "SKELETON").iterdir())
    first.rename(first.with_name(first.name.upper()))


def layout_zips(tree, flat=False):
    """`Inertial.zip` and `Skeleton.zip` instead of folders; `flat` ones hold no folder inside.

    Returns:
        The paths of the two zips.
    """
    archives = []
    for name in FOLDER.values():
        archives.append(tree / f"{name}.zip")
        with zipfile.ZipFile(archives[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tree / name).iterdir()):
                archive.write(path, path.name if flat else f"{name}/{path.name}")
        shutil.rmtree(tree / name)
    return archives


def layout_stray_files(tree):
    """Files that are no data beside the data; call it before `layout_zips` to have some inside.

    Returns:
        Their paths.
    """
    stray = {
        "Skeleton/Skeleton_joint_order.txt": b"1. head;\n2. shoulder_center;\n",
        "Inertial/.DS_Store": b"\0\0\0\1Bud1",
        "Inertial/._a1_s1_t1_inertial.mat": b"\0\5\26\7\0\2\0\0Mac OS X",
        "Inertial/a1_s1_t1_inertial.mat.crdownload": b"half",
        "__MACOSX/._a1_s1_t1_inertial.mat": b"\0\5\26\7\0\2\0\0Mac OS X",
        "Sample_Code/show_inertial.m": b"% plot\n",
        "readme.txt": b"UTD-MHAD\n",
    }
    for name, content in stray.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes(content)
    return [tree / name for name in stray]


# ---- Faults of one trial ----


def _rewrite(tree, trial, modality, change, key=None):
    path = path_of(tree, trial, modality)
    savemat(path, {key or KEY[modality]: change(values_of(path))})
    return path


def fault_missing(tree, trial):
    """The trial is absent from every modality, as the `ABSENT` ones are. Returns both paths."""
    paths = [path_of(tree, trial, modality) for modality in FOLDER]
    for path in paths:
        path.unlink()
    return paths


def fault_no_imu(tree, trial):
    """A skeleton without its IMU file."""
    path = path_of(tree, trial, "imu")
    path.unlink()
    return path


def fault_truncated(tree, trial, modality="imu"):
    """An interrupted download: the first half of the file."""
    path = path_of(tree, trial, modality)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def fault_empty(tree, trial, modality="imu"):
    """A file of no bytes."""
    path = path_of(tree, trial, modality)
    path.write_bytes(b"")
    return path


def fault_web_page(tree, trial, modality="imu"):
    """An error page that was saved under the file's name."""
    path = path_of(tree, trial, modality)
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>" * 10)
    return path


def fault_wrong_key(tree, trial, modality="imu", key="data"):
    """The right array under another variable name."""
    return _rewrite(tree, trial, modality, lambda values: values, key)


def fault_renamed(tree, trial):
    """An inertial file under the skeleton's name."""
    path = path_of(tree, trial, "skeleton")
    shutil.copyfile(path_of(tree, trial, "imu"), path)
    return path


def fault_nan(tree, trial, modality="imu", value=np.nan):
    """One value is not a number."""

    def change(values):
        values[(1,) * values.ndim] = value
        return values

    return _rewrite(tree, trial, modality, change)


def fault_infinite(tree, trial, modality="imu"):
    """One value is infinite."""
    return fault_nan(tree, trial, modality, np.inf)


def fault_constant_channel(tree, trial, channel=0):
    """A dead IMU channel: its first value, repeated."""

    def change(values):
        values[:, channel] = values[0, channel]
        return values

    return _rewrite(tree, trial, "imu", change)


def fault_zero_length(tree, trial, modality="imu"):
    """No samples in time."""
    return _rewrite(
        tree, trial, modality, lambda values: values[:0] if modality == "imu" else values[..., :0]
    )


def fault_wrong_channels(tree, trial, modality="imu"):
    """One IMU channel, or one joint, too few."""
    return _rewrite(
        tree, trial, modality, lambda values: values[:, :-1] if modality == "imu" else values[:-1]
    )


def fault_text(tree, trial, modality="imu"):
    """Text instead of numbers under the right key."""
    return _rewrite(tree, trial, modality, lambda values: "see the other folder")


def fault_duplicate(tree, trial, modality="imu", factor=1.0):
    """The same trial a second time, in `copy/`; its values times `factor`. Returns the copy."""
    original = path_of(tree, trial, modality)
    copy = tree / "copy" / original.parent.name / original.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    savemat(copy, {KEY[modality]: factor * values_of(original)})
    return copy
