"""Faults of MMAct's release and of people's copies: each spoils one file of a tree of `mmact`, and returns its path."""

import json
import random
from datetime import timedelta

import numpy as np

from tests.formats.mmact import FRAMES, HEADERS, RATES, SECONDS, begins, path_of, pose_of, row, rows, signal, write

# ---- Faults of one sensor file ----


def _lines(tree, clip, sensor, change):
    path = path_of(tree, clip, sensor)
    return write(path, b"".join(change(path.read_bytes().splitlines(keepends=True))))


def fault_out_of_order(tree, clip, sensor="acc_watch"):
    """Some rows stand after later ones: three steps back in time."""

    def change(lines):
        for i in (2, 7, 12):
            lines[i], lines[i + 1] = lines[i + 1], lines[i]
        return lines

    return _lines(tree, clip, sensor, change)


def fault_shuffled(tree, clip, sensor="acc_watch"):
    """All rows in a random order."""

    def change(lines):
        random.Random(0).shuffle(lines)
        return lines

    return _lines(tree, clip, sensor, change)


def fault_repeated(tree, clip, sensor="acc_watch"):
    """Two rows stand there twice."""
    return _lines(tree, clip, sensor, lambda lines: [*lines[:5], *lines[3:5], *lines[5:]])


def fault_no_fraction(tree, clip, sensor="acc_watch"):
    """A clip that begins at a full second, whose first time is written without a fraction."""
    start = begins(clip).replace(microsecond=0)
    times = np.arange(round(SECONDS * RATES[sensor]) + 1) / RATES[sensor]
    lines = [row(start + timedelta(seconds=t), v) for t, v in zip(times, signal(clip, sensor, times))]
    return write(path_of(tree, clip, sensor), b"".join([lines[0].replace(b".000,", b",", 1), *lines[1:]]))


def fault_empty(tree, clip, sensor="acc_watch"):
    """A file of no bytes."""
    return write(path_of(tree, clip, sensor), b"")


def fault_only_blank_lines(tree, clip, sensor="acc_watch"):
    """A file of blank lines."""
    return write(path_of(tree, clip, sensor), b"\r\n\r\n")


def fault_only_a_header(tree, clip, sensor="acc_watch"):
    """A header, and no row."""
    return write(path_of(tree, clip, sensor), HEADERS[sensor])


def fault_one_row(tree, clip, sensor="acc_watch"):
    """A single sample."""
    return _lines(tree, clip, sensor, lambda lines: lines[:1])


def fault_missing(tree, clip, sensor="acc_watch"):
    """The file is not there."""
    path = path_of(tree, clip, sensor)
    path.unlink()
    return path


def fault_listed_as_invalid(tree, clip, sensor="acc_watch", from_root=False):
    """Rubbish that a list of invalid files names, by the path from the sensor's folder or from the tree."""
    path = write(path_of(tree, clip, sensor), b"rubbish")
    folder = tree if from_root else tree / f"{sensor}_clip"
    with open(folder / "invalid_files.txt", "a") as file:
        file.write(f"{path.relative_to(folder).as_posix()}\n\n")
    return path


def fault_cut_off(tree, clip, sensor="acc_watch"):
    """An interrupted copy: the tenth row ends in the middle of a time."""
    return _lines(tree, clip, sensor, lambda lines: [*lines[:9], lines[9][:14]])


def fault_short_row(tree, clip, sensor="acc_watch"):
    """A row without its last value."""
    return _lines(tree, clip, sensor, lambda lines: [*lines[:4], lines[4].rpartition(b",")[0] + b"\n", *lines[5:]])


def fault_decimal_commas(tree, clip, sensor="acc_watch"):
    """As a German spreadsheet saves it."""
    return _lines(tree, clip, sensor, lambda lines: [line[:18] + line[18:].replace(b".", b",") for line in lines])


def fault_column_missing(tree, clip, sensor="acc_watch"):
    """A header and rows without the last axis."""

    def change(lines):
        return [line.rstrip().rpartition(b",")[0] + b"\n" for line in (HEADERS[sensor], *lines)]

    return _lines(tree, clip, sensor, change)


def fault_text(tree, clip, sensor="acc_watch", value=b"broken"):
    """Something else instead of the number in the second column of the third row."""

    def change(lines):
        cells = lines[2].split(b",")
        return [*lines[:2], b",".join([cells[0], value, *cells[2:]]), *lines[3:]]

    return _lines(tree, clip, sensor, change)


def fault_not_a_number(tree, clip, sensor="acc_watch"):
    """A NaN in the second column of the third row."""
    return fault_text(tree, clip, sensor, b"nan")


def fault_underscore(tree, clip, sensor="acc_watch"):
    """A stroke within a number, which Python would read over."""
    return fault_text(tree, clip, sensor, b"1_000")


def fault_other_times(tree, clip, sensor="acc_watch"):
    """Rows from the second on with the annotations' way to write a time."""

    def change(lines):
        return [lines[0], *(b"2018/10/16 13:33:45.170," + line.split(b",", 1)[1] for line in lines[1:])]

    return _lines(tree, clip, sensor, change)


def fault_web_page(tree, clip, sensor="acc_watch"):
    """An error page that was saved under the file's name."""
    return write(path_of(tree, clip, sensor), b"<!DOCTYPE html><html>\n<body>404 Not Found</body></html>\n")


def fault_binary(tree, clip, sensor="acc_watch"):
    """Bytes that are no text."""
    return write(path_of(tree, clip, sensor), bytes(range(256)))


def fault_dead(tree, clip, sensor="acc_watch"):
    """All rows read the same."""
    return _lines(tree, clip, sensor, lambda lines: [line.split(b",")[0] + b",0.1,0.2,9.8\n" for line in lines])


def fault_another_hour(tree, clip, sensor="acc_watch"):
    """The sensor's clock is an hour late."""
    return write(path_of(tree, clip, sensor), b"".join(rows(clip, sensor, late=3600)))


def fault_wrong_day(tree, clip, sensor="acc_watch"):
    """The first row is from the day on which the clock was not set yet."""
    return _lines(tree, clip, sensor, lambda lines: [b"19700101" + lines[0][8:], *lines[1:]])


def fault_gap(tree, clip, sensor="acc_watch", seconds=3.0):
    """A longer clip with nothing between a tenth of a second after its beginning and one before its end."""
    for other in RATES:
        write(path_of(tree, clip, other), b"".join(rows(clip, other, seconds)))
    few = RATES[sensor] // 10
    return _lines(tree, clip, sensor, lambda lines: lines[: few + 1] + lines[-few - 1 :])


def fault_late(tree, clip, sensor="acc_watch", late=0.2):
    """The sensor begins later than the others."""
    return write(path_of(tree, clip, sensor), b"".join(rows(clip, sensor, SECONDS - late, late)))


def fault_unknown_class(tree, clip, sensor="acc_watch"):
    """A file of a class that the data set does not have."""
    path = path_of(tree, clip, sensor)
    return write(path.with_name("transferring.csv"), path.read_bytes())


def fault_duplicate(tree, clip, sensor="acc_watch"):
    """Another file of the same clip, in another case. Returns the one that comes second."""
    path = path_of(tree, clip, sensor)
    return write(tree / "zz" / path.relative_to(tree), b"another")


# ---- Faults of one pose ----


def _frames(tree, clip, camera, change):
    path = pose_of(tree, clip, camera)
    return write(path, json.dumps(change(json.loads(path.read_bytes()))).encode())


def fault_pose_missing(tree, clip, camera=1):
    """No pose of this camera."""
    path = pose_of(tree, clip, camera)
    path.unlink()
    return path


def fault_frames_missing(tree, clip, camera=1):
    """Two frames are absent, and in one nobody is found."""

    def change(frames):
        del frames["3"], frames["4"]
        return {**frames, "8": {}}

    return _frames(tree, clip, camera, change)


def fault_frames_out_of_order(tree, clip, camera=1):
    """Frames in the order of their names as text: 0, 1, 10, 11, 2, ..."""
    return _frames(tree, clip, camera, lambda frames: {name: frames[name] for name in sorted(frames)})


def fault_joints_unseen(tree, clip, camera=1):
    """The left wrist is seen in the first and last frame alone, the right ankle never: zeros."""

    def change(frames):
        for name, frame in frames.items():
            numbers = np.reshape(frame["person1"], (17, 3))
            numbers[16] = 0
            if 0 < int(name) < FRAMES - 1:
                numbers[9] = 0
            frame["person1"] = numbers.ravel().tolist()
        return frames

    return _frames(tree, clip, camera, change)


def fault_two_people(tree, clip, camera=1, frames=FRAMES):
    """`person2`, 1000 pixels to the right of `person1`, in the first so many frames; an empty list in the others."""

    def change(found):
        for name, frame in found.items():
            numbers = np.reshape(frame["person1"], (17, 3)) + np.array([1000, 0, 0])
            frame["person2"] = numbers.ravel().tolist() if int(name) < frames else []
        return found

    return _frames(tree, clip, camera, change)


def fault_nobody(tree, clip, camera=1):
    """Nobody was found in any frame."""
    return _frames(tree, clip, camera, lambda frames: {name: {"person1": []} for name in frames})


def fault_no_frames(tree, clip, camera=1):
    """An empty dictionary."""
    return _frames(tree, clip, camera, lambda frames: {})


def fault_json_cut_off(tree, clip, camera=1):
    """An interrupted copy."""
    path = pose_of(tree, clip, camera)
    return write(path, path.read_bytes()[:1000])


def fault_json_list(tree, clip, camera=1):
    """The frames in a list, not by their numbers."""
    return _frames(tree, clip, camera, lambda frames: list(frames.values()))


def fault_frame_names(tree, clip, camera=1):
    """A frame whose name has no number."""
    return _frames(tree, clip, camera, lambda frames: {"first": frames.pop("0"), **frames})


def fault_joint_missing(tree, clip, camera=1):
    """One frame with 16 joints."""

    def change(frames):
        frames["5"]["person1"] = frames["5"]["person1"][:48]
        return frames

    return _frames(tree, clip, camera, change)
