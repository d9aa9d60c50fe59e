"""Says what a data set holds, what is missing or broken and whether the clocks agree, and draws a few recordings.

    python tools/check_data.py --dataset utd --data_dir ~/data/UTD-MHAD
    python tools/check_data.py --dataset utd --data_dir ~/data/UTD-MHAD --modalities imu,skeleton,depth
    python tools/check_data.py --dataset openpack --data_dir ~/data/OpenPack --modalities imu --sensors atr01
    python tools/check_data.py --dataset folder --data_dir my_data
    python tools/check_data.py --dataset synthetic --out runs/check

Exits with status 1 if a file could not be used.
"""

import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

DATASETS = ["utd", "berkeley", "mmact", "openpack", "folder", "synthetic", "synthetic_packing"]

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset", None, DATASETS, "Data set.", short_name="d", required=True)
flags.DEFINE_string("data_dir", None, "Folder that holds the data set, at any depth. Default: TFKD_DATA.")
flags.DEFINE_list("modalities", ["imu", "skeleton"], "What to read; also depth and, of UTD-MHAD, video.")
flags.DEFINE_list("sensors", [], "Which sensors make up the IMU, of mmact and openpack; by default a run's own.")
flags.DEFINE_string("out", None, "Folder for the drawing. Default: runs/check-<dataset>.")
flags.DEFINE_integer("trials", 4, "How many recordings to draw.", lower_bound=0)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data import datasets
    from tfkd.data.recordings import DataError
    from tfkd.files import OutputError

    try:
        settings = {"modalities": tuple(FLAGS.modalities), "sensors": tuple(FLAGS.sensors)}
        recordings = datasets.read(FLAGS.dataset, FLAGS.data_dir, "skip", **settings)
    except ValueError as error:  # a DataError, or a modality that the data set does not have
        sys.exit(f"\n{error}")
    try:
        bad = describe(recordings)
        if FLAGS.trials:
            path = Path(FLAGS.out or f"runs/check-{FLAGS.dataset}") / "trials.png"
            draw(recordings, FLAGS.trials, path)
            print(f"\nDrawn: {path}")
    except (DataError, OutputError) as error:
        sys.exit(f"\n{error}")
    sys.exit(1 if bad else 0)


def describe(recordings):
    """Prints the tables; returns how many files could not be used."""
    from tfkd.data.recordings import DataError

    table = recordings.table
    print(
        f"{recordings.name}: {len(recordings)} recordings of {len(recordings.subjects)} people, "
        f"{len(recordings.classes)} classes\n"
    )
    for modality, stream in recordings.streams.items():
        column = f"{modality}_samples"
        found = table[column].dropna() if column in table else []
        rate = f"{stream.rate_hz:g} Hz" if stream.rate_hz else "no fixed rate"
        units = ", ".join(dict.fromkeys(stream.units))
        print(
            f"{modality}: {len(found)} recordings, {len(stream.channels)} channels ({units}), {rate}; "
            f"samples: shortest {min(found, default=0):.0f}, longest {max(found, default=0):.0f}"
        )
    describe_labels(recordings, table)
    describe_clocks(recordings)
    bad, none = 0, None
    try:
        paired = recordings.paired(recordings.streams)
    except DataError as error:  # what was skipped may tell why
        paired, none = recordings, error
    for kind, entries in paired.notes.items():
        print(f"\n{kind}: {len(entries)}")
        for entry in entries[:20]:
            print(f"  {entry}")
        if len(entries) > 20:
            print(f"  ... and {len(entries) - 20} more")
        bad += len(entries) if kind.startswith("skipped") else 0
    if none:
        raise none
    print(f"\n{len(paired)} recordings have every modality.")
    return bad


def describe_labels(recordings, table):
    """Prints who did what how often, and for how long."""
    from tfkd.data import checks

    people = checks.people(recordings)
    names = {r.subject: r.conditions["person"] for r in recordings if "person" in r.conditions}
    if names:
        print("\nPeople: " + ", ".join(f"{number} is {name}" for number, name in sorted(names.items())))
    fewest, most = min(people.values()), max(people.values())
    print(f"\nRecordings a person: {fewest}" + (f" to {most}" if most > fewest else ""))
    trials = table[table["label"] >= 0]
    if len(trials):
        print("\nRecordings by activity and person:")
        counts = {"index": "activity", "columns": "subject", "values": "trial", "aggfunc": "count", "fill_value": 0}
        print(trials.pivot_table(**counts, sort=False).to_string())
        print_balance(checks.trials_by_class(recordings), "recordings")
    if any(r.intervals for r in recordings):
        seconds = checks.seconds_by_class(recordings)
        without = seconds.pop("")
        print(f"\nHours: {(sum(seconds.values()) + without) / 3600:.2f}, of which {without / 3600:.2f} without a label")
        print("Seconds by activity:")
        for name, length in seconds.items():
            print(f"  {name}: {length:.0f}")
        print_balance(seconds, "seconds")


def print_balance(counts, unit):
    (most, largest), *_, (least, smallest) = [*counts.items(), *counts.items()]  # of one class, itself
    alike = f"as many {unit} of each activity, {largest:.0f}"
    unlike = f"most {unit} of {most}, {largest:.0f}; fewest of {least}, {smallest:.0f}"
    print(f"Balance: {alike if largest == smallest else unlike}")


def describe_clocks(recordings):
    """Prints whether skeleton and IMU show the same at the same time."""
    from tfkd.data import checks

    if not {"imu", "skeleton"} <= set(recordings.streams):
        return
    offset = checks.clock_offset(recordings)
    if offset is None:
        print("\nClocks: no accelerometer in g beside a skeleton in recordings long enough to compare them.")
        return
    compared = (
        f"of {offset.joint} with {offset.sensor} in {offset.recordings} recordings: correlation "
        f"{offset.correlation:.2f}"
    )
    if not offset.told:
        print(f"\nClocks: no offset can be told (acceleration {compared}, {offset.needed:.2f} needed).")
        return
    print(
        f"\nClocks: the skeleton is {abs(offset.seconds):.3f} s {'behind' if offset.seconds > 0 else 'ahead of'} the "
        f"IMU (median; the middle half from {offset.low:.3f} to {offset.high:.3f} s; acceleration {compared})."
    )


def draw(recordings, count, path):
    """Draws evenly chosen recordings: IMU signals over time, everything else at five moments."""
    import numpy as np
    from matplotlib.figure import Figure

    from tfkd.files import atomic_path

    paired = recordings.paired(recordings.streams)
    chosen = [paired[i] for i in np.linspace(0, len(paired) - 1, count).astype(int)]
    rows = []
    for modality, stream in paired.streams.items():
        triples = [slice(first, first + 3) for first in range(0, len(stream.channels), 3)]
        rows += [(modality, part) for part in (triples[:2] if modality == "imu" else [None])]
    figure = Figure(figsize=(4 * count, 2.7 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), count, squeeze=False)
    for column, recording in enumerate(chosen):
        done = paired.classes[recording.label] if recording.label >= 0 else "continuous"
        axes[0, column].set_title(f"{recording.id}: {done}")
        for axis, (modality, part) in zip(axes[:, column], rows):
            values, stream = recording.streams[modality], paired.streams[modality]
            moments = values[np.linspace(0, len(values) - 1, 5).astype(int)]
            if modality == "imu":
                axis.plot(np.arange(len(values)) / stream.rate_hz, values[:, part], label=stream.channels[part])
                axis.set_xlabel("seconds")
                axis.set_ylabel(stream.units[part.start])
                axis.legend(loc="upper right", ncols=3, fontsize="small")
                continue
            if modality == "skeleton":
                draw_skeletons(axis, moments, stream)
            else:
                axis.imshow(np.concatenate(moments, axis=1))  # depth: its three channels as red, green, blue
            axis.axis("off")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=80)


def draw_skeletons(axis, moments, stream):
    """Stick figures side by side, or dots where nobody says which joints a bone holds together."""
    import numpy as np

    upright = moments[..., :2] * (1, -1 if "px" in stream.units else 1)
    apart = 0.9 if "m" in stream.units else 1.2 * np.ptp(upright[..., 0], axis=1).max()
    for step, joints in enumerate(upright):
        for bone in stream.bones:
            axis.plot(joints[bone, 0] + apart * step, joints[bone, 1], color="tab:blue", linewidth=1)
        if not stream.bones:
            axis.plot(joints[:, 0] + apart * step, joints[:, 1], ".", color="tab:blue", markersize=3)
    axis.set_aspect("equal")


if __name__ == "__main__":
    app.run(main)
