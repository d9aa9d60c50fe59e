"""Tiny MMAct trees with the official names and format.

All values are made up here, since the data set's terms forbid passing any of it on. Signals and poses change evenly
over time, so that what a reader interpolates is known exactly. A clip is `(subject, scene, session, action)`.

`layout_*` functions rearrange the whole tree, in ways that a reader must not mind. `mmact_faults` has what spoils one
file.
"""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

CLIPS = tuple(
    (subject, scene, session, action)
    for subject in (1, 17)
    for scene, session in ((1, 1), (2, 5))
    for action in ("walking", "carrying_light")
)
CAMERAS = (1, 4)
RATES = {"acc_watch": 100, "acc_phone": 100, "gyro": 50, "orientation": 50}
HEADERS = dict.fromkeys(("acc_watch", "acc_phone", "gyro"), b"time,x,y,z\n") | {
    "orientation": b"time,azimuth,pitch,roll\n"
}
SECONDS = 0.4
FRAMES = 12


def begins(clip):
    """When the clip begins, in Tokyo."""
    subject, scene, session, _ = clip
    return datetime(2018, 10, subject, 12 + scene, 33, session, 170000)


def signal(clip, sensor, times):
    """What a sensor reads, `times` seconds after the clip began: `(samples, 3)`, in the unit of the files."""
    start = sum(clip[:3]) + list(RATES).index(sensor)
    return np.asarray(times)[:, None] * [3.0, -2.0, 5.0] + [start, 2.0, -4.0]


def pose(clip, camera, frames=FRAMES):
    """Places and confidences of the joints: `(frames, 17, 3)`."""
    values = np.ones((frames, 17, 3))
    values[:, :, 0] = 100 * camera + 10 * np.arange(17) + 2 * np.arange(frames)[:, None]
    values[:, :, 1] = 300 + clip[0] - 7 * np.arange(17) + 3 * np.arange(frames)[:, None]
    values[:, :, 2] = 0.5 + 0.01 * np.arange(17)
    return values


def row(moment, values):
    """A line of a CSV file."""
    return (
        f"{moment:%Y%m%d_%H:%M:%S}.{moment.microsecond // 1000:03d},{','.join(f'{v:.6f}' for v in values)}\n".encode()
    )


def rows(clip, sensor, seconds=SECONDS, late=0.0):
    """The lines of a CSV file whose first sample is `late` seconds after the clip began."""
    times = late + np.arange(round(seconds * RATES[sensor]) + 1) / RATES[sensor]
    return [row(begins(clip) + timedelta(seconds=t), v) for t, v in zip(times, signal(clip, sensor, times))]


def people(values, name="person1"):
    """The frames of a JSON file."""
    return {str(i): {name: frame.ravel().tolist()} for i, frame in enumerate(values)}


def build(folder, clips=CLIPS, cameras=CAMERAS, sensors=tuple(RATES)):
    """Writes a flawless tree and returns its folder."""
    for clip in clips:
        for sensor in sensors:
            write(path_of(folder, clip, sensor), b"".join(rows(clip, sensor)))
        for camera in cameras:
            write(pose_of(folder, clip, camera), json.dumps(people(pose(clip, camera))).encode())
    return Path(folder)


def path_of(tree, clip, sensor):
    """Where `build` put a sensor's file."""
    subject, scene, session, action = clip
    return Path(tree) / f"{sensor}_clip" / f"subject{subject}" / f"scene{scene}" / f"session{session}" / f"{action}.csv"


def pose_of(tree, clip, camera=1, track="cross_view"):
    """Where `build` put a pose."""
    subject, scene, session, action = clip
    place = f"subject{subject}/cam{camera}/scene{scene}/session{session}/{action}.json"
    return Path(tree) / "pose" / track / "trainval" / place


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# ---- Other layouts of the same data ----


def layout_nested(tree):
    """`sensors/acc_watch_clip/...`, and the pose's folder twice, as archives are unpacked."""
    for folder in sorted(tree.glob("*_clip")):
        (tree / "sensors").mkdir(exist_ok=True)
        folder.rename(tree / "sensors" / folder.name)
    (tree / "trimmed_pose").mkdir()
    (tree / "pose").rename(tree / "trimmed_pose" / "pose")


def layout_odd_names(tree):
    """Names as they vary: `Carrying_light.csv`, `carrying light.csv`, `WALKING.json`, `Subject1`."""
    for number, path in enumerate(sorted([*tree.rglob("carrying_light.csv"), *tree.rglob("carrying_light.json")])):
        name = ("Carrying_light", "carrying light", "CARRYING-LIGHT")[number % 3]
        path.rename(path.with_name(name + path.suffix))
    path = next(iter(sorted(tree.rglob("walking.json"))))
    path.rename(path.with_name("WALKING.JSON"))
    for folder in sorted(tree.glob("*/subject1")):
        folder.rename(folder.with_name("moving"))  # some file systems take the two names for one
        folder.with_name("moving").rename(folder.with_name("Subject1"))


def layout_headers(tree):
    """Half of the sensor files begin with a header."""
    for path in sorted(tree.rglob("*.csv"))[::2]:
        sensor = next(part for part in path.parts if part.endswith("_clip")).removesuffix("_clip")
        path.write_bytes(HEADERS[sensor] + path.read_bytes())


def layout_windows_text(tree):
    """Lines that end in CR LF, a byte order mark, blank lines at the end."""
    for path in tree.rglob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")


def layout_quoted(tree):
    """Names and times in quotation marks, and the columns in another order."""
    for path in tree.rglob("*.csv"):
        sensor = next(part for part in path.parts if part.endswith("_clip")).removesuffix("_clip")
        lines = [line.split(",") for line in (HEADERS[sensor] + path.read_bytes()).decode().splitlines()]
        heads = [",".join(f'"{name}"' for name in lines[0][::-1])]
        path.write_text("\n".join(heads + [",".join([*line[:0:-1], f'"{line[0]}"']) for line in lines[1:]]))


def layout_both_tracks(tree):
    """The poses in `cross_scene` too."""
    shutil.copytree(tree / "pose" / "cross_view", tree / "pose" / "cross_scene")


def layout_stray_files(tree):
    """Files that are no data of trimmed clips beside the data. Returns their paths."""
    stray = {
        "acc_watch_clip/subject1/scene1/session1/.DS_Store": b"\0\0\0\1Bud1",
        "acc_watch_clip/subject1/scene1/session1/._walking.csv": b"\0\5\26\7\0\2\0\0Mac OS X",
        "acc_watch_clip/subject1/scene1/session1/standing.csv.crdownload": b"half",
        "acc_watch/subject1/scene1/session1/20181016-133345.csv": b"of an untrimmed recording",
        "trainval/cam1/subject1/scene1/session1/20181016-133345.mp4": b"video",
        "annotation/trainval/subject1/scene1/session1/subject1_scene1_session1.txt": b"see read_annotation",
        "README.md": b"MMAct\n",
        "acc_phone_clip.tar.gz": b"an archive",
    }
    return [write(tree / name, content) for name, content in stray.items()]
