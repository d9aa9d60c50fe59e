"""Says what a data set holds, what is missing or broken, and draws a few trials.

    python tools/check_data.py --dataset utd --data_dir ~/data/UTD-MHAD
    python tools/check_data.py --dataset utd --data_dir ~/data/UTD-MHAD --modalities imu,skeleton,depth
    python tools/check_data.py --dataset synthetic --out runs/check

Exits with status 1 if a file could not be used.
"""

import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset", None, ["utd", "synthetic"], "Data set.", short_name="d", required=True)
flags.DEFINE_string("data_dir", None, "Folder that holds the data set, at any depth. Default: TFKD_DATA.")
flags.DEFINE_list("modalities", ["imu", "skeleton"], "What to read; also depth and, of UTD-MHAD, video.")
flags.DEFINE_string("out", None, "Folder for the drawing. Default: runs/check-<dataset>.")
flags.DEFINE_integer("trials", 4, "How many trials to draw.", lower_bound=0)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data import datasets
    from tfkd.data.recordings import DataError
    from tfkd.files import OutputError

    try:
        recordings = datasets.read(FLAGS.dataset, FLAGS.data_dir, "skip", tuple(FLAGS.modalities))
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
    print("\nRecordings by activity and person:")
    print(
        table.pivot_table(
            index="activity", columns="subject", values="trial", aggfunc="count", fill_value=0, sort=False
        ).to_string()
    )
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


def draw(recordings, count, path):
    """Draws evenly chosen trials: IMU signals over time, everything else at five moments."""
    import numpy as np
    from matplotlib.figure import Figure

    from tfkd.files import atomic_path

    paired = recordings.paired(recordings.streams)
    chosen = [paired[i] for i in np.linspace(0, len(paired) - 1, count).astype(int)]
    rows = [(m, part) for m in paired.streams for part in ((slice(3), slice(3, 6)) if m == "imu" else (None,))]
    figure = Figure(figsize=(4 * count, 2.7 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), count, squeeze=False)
    for column, recording in enumerate(chosen):
        axes[0, column].set_title(f"{recording.id}: {paired.classes[recording.label]}")
        for axis, (modality, part) in zip(axes[:, column], rows):
            values, stream = recording.streams[modality], paired.streams[modality]
            moments = values[np.linspace(0, len(values) - 1, 5).astype(int)]
            if modality == "imu":
                axis.plot(np.arange(len(values)) / stream.rate_hz, values[:, part], label=stream.channels[part])
                axis.set_xlabel("seconds")
                axis.set_ylabel(stream.units[part.start or 0])
                axis.legend(loc="upper right", ncols=3, fontsize="small")
                continue
            if modality == "skeleton":
                for step, joints in enumerate(moments):
                    for bone in stream.bones:
                        axis.plot(joints[bone, 0] + 0.9 * step, joints[bone, 1], color="tab:blue", linewidth=1)
                axis.set_aspect("equal")
            else:
                axis.imshow(np.concatenate(moments, axis=1))  # depth: its three channels as red, green, blue
            axis.axis("off")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=80)


if __name__ == "__main__":
    app.run(main)
