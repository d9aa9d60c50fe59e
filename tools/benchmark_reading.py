"""Reading of long recordings: memory, and speed beside pandas.

    python tools/benchmark_reading.py
    python tools/benchmark_reading.py --hours 5

Writes invented sessions in OpenPack's official layout to a temporary folder (about 50 MB an hour), reads them as a
run does, cuts windows and goes through all of them once, in a process of its own whose peak memory is told. Then the
CSV files are read in turn by pandas and by tfkd, and the median of the paired ratios is printed with its quartiles.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

FLAGS = flags.FLAGS
flags.DEFINE_float("hours", 53, "How long all sessions are together.", lower_bound=0.1)
flags.DEFINE_integer("rounds", 9, "Of how many ids the sessions are read by both.", lower_bound=3)
flags.DEFINE_string("measure", None, "Read this folder and print figures as JSON; what the tool itself uses.")

USERS = [f"U{number:04}" for number in (*range(101, 112), *range(201, 211))]
SENSORS = ("atr01", "atr02")
MINUTES = 30
START = 1634869193


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import keras  # noqa: F401
    if FLAGS.measure:
        print(json.dumps(measure(FLAGS.measure)))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as folder:
        sessions = max(round(FLAGS.hours * 60 / MINUTES), 1)
        write(Path(folder), sessions)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(f"{sessions} sessions of {MINUTES} minutes of {len(USERS)} ids at most, {size / 1e9:.2f} GB in files")
        found = in_a_process_of_its_own(folder)
        print(
            f"read in {found['first']:.0f} s, again from the cache in {found['again']:.1f} s; "
            f"{found['windows']:,} windows of IMU and skeleton, gone through in {found['iterated']:.0f} s; peak memory "
            f"{found['peak_gib']:.2f} GiB, of which {found['imports_gib']:.2f} GiB before reading (at most 4)"
        )
        beside_pandas(Path(folder))


def write(folder, sessions):
    """Sessions in turn for each user; a sine, noise and operations that change every half minute."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    seconds = np.arange(MINUTES * 60)
    for number in range(sessions):
        user, session = USERS[number % len(USERS)], f"S{number // len(USERS) + 1:02d}00"
        for sensor in SENSORS:
            times = np.arange(0, seconds[-1] * 1000, 30) + START * 1000
            values = np.sin(times / 700)[:, None] + rng.normal(0, 0.1, (len(times), 10))
            names = [*(f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"), *(f"quat_{c}" for c in "wxyz")]
            table = pd.DataFrame(np.round(values, 6), columns=names)
            table.insert(0, "unixtime", times)
            save(folder / user / "atr" / sensor / f"{session}.csv", table.to_csv(index=False))
        labels = pd.DataFrame({"unixtime": (START + seconds) * 1000, "user": user, "session": session})
        labels["box"], labels["id"] = seconds // 300 + 1, 100 * (seconds // 30 % 10 + 1)
        save(
            folder / user / "annotation" / "openpack-operations-1hz" / f"{session}.csv", labels.to_csv(index=False)
        )
        stamps = (np.arange(0, seconds[-1] * 1000, 66) + START * 1000).tolist()
        points = np.round(rng.normal(200, 30, (len(stamps), 17, 3)), 2)
        points[..., 2] = 0.9
        frames = [
            {"id": stamp, "image_id": stamp, "category_id": 1, "keypoints": person}
            for stamp, person in zip(stamps, points.tolist())
        ]
        kind = "kinect/2d-kpt/mmpose-hrnet-w48-posetrack18-384x288-posewarper-stage2/single"
        save(folder / user / kind / f"{session}.json", json.dumps({"annotations": frames}))


def save(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def in_a_process_of_its_own(folder):
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--measure", str(folder)]
        answer = subprocess.run(command, env={**os.environ, "TFKD_CACHE": cache}, stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def measure(folder):
    """Reads twice, cuts windows of 5 s every second, goes through them once."""
    from tfkd.data import Batches, Normalisation
    from tfkd.data.continuous import continuous
    from tfkd.data.keypoints import centred_poses
    from tfkd.data.openpack import read_openpack

    before = peak_gib()
    started = time.perf_counter()
    read_openpack(folder)
    first = time.perf_counter() - started
    recordings = read_openpack(folder)
    again = time.perf_counter() - started - first
    windows = continuous(centred_poses(recordings), {"imu": 150, "skeleton": 75}, hop=30, decide_at=0.5)
    batches = Batches(windows, ["imu", "skeleton"], 256, Normalisation.fit(windows))
    started = time.perf_counter()
    for number in range(batches.num_batches):
        batches[number]
    return {
        "first": first,
        "again": again,
        "windows": len(windows),
        "iterated": time.perf_counter() - started,
        "imports_gib": before,
        "peak_gib": peak_gib(),
    }


def peak_gib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def beside_pandas(folder):
    """First readings of the sensors, without cache, in speeds of `pandas.read_csv` over the same files."""
    import numpy as np
    import pandas as pd

    from tfkd.data.openpack import read_openpack

    ratios = []
    for user in sorted(folder.iterdir())[: FLAGS.rounds]:
        started = time.perf_counter()
        for path in user.rglob("*.csv"):
            pd.read_csv(path)
        pandas = time.perf_counter() - started
        started = time.perf_counter()
        read_openpack(user, ("imu",), use_cache=False)
        ratios.append(pandas / (time.perf_counter() - started))
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    print(f"first reading, in speeds of pandas.read_csv: {middle:.2f} ({low:.2f} to {high:.2f}) (at least 0.5)")


if __name__ == "__main__":
    app.run(main)
