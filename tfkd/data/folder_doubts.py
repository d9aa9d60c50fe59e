"""What is possible in a folder of one's own recordings, but seldom meant: units, axes and classes."""

import numpy as np

from tfkd.data.folder_channels import triples_of

RESTING = 0.7, 1.4
"""Between these lies the median length of an acceleration in g: the earth pulls at all times."""


def suspicions(recordings, streams):
    """Sentences about what is possible, but seldom meant."""
    abouts = {"imu": _of_imu, "skeleton": _of_skeleton}
    values = {m: {r.id: r.streams[m] for r in recordings if m in r.streams} for m in streams}
    return [told for m, stream in streams.items() if values[m] for told in abouts[m](values[m], stream)]


def _of_imu(values, stream):
    if "g" not in stream.units:
        yield "no channel of the IMU has a word that begins with acc: none is taken for an acceleration in g"
    alone = set(stream.channels) - {name for axes in triples_of(stream.channels) for name in axes}
    for name in sorted(alone):
        place = stream.channels.index(name)
        if all(imu[-1, place] > imu[0, place] and (np.diff(imu[:, place]) >= 0).all() for imu in values.values()):
            yield (
                f"{name} never falls in any recording: is it a clock or a counter, not a sensor? Name the others in "
                "dataset.toml: [imu] channels = [...]"
            )
    for axes in triples_of(stream.channels):
        places = [stream.channels.index(name) for name in axes]
        if {stream.units[place] for place in places} != {"g"}:
            continue
        lengths = {key: float(np.median(np.linalg.norm(imu[:, places], axis=1))) for key, imu in values.items()}
        if odd := {key: length for key, length in lengths.items() if not RESTING[0] < length < RESTING[1]}:
            key = next(iter(odd))
            yield (
                f"{', '.join(axes)} have a median length of {odd[key]:.2g} g in {key}, and one far from the 1 g of a "
                f"body at rest in {len(odd)} of {len(lengths)} recordings: is the unit right, and is gravity in them? "
                'dataset.toml: [imu] units = {acc = "..."}'
            )
    if turning := [i for i, unit in enumerate(stream.units) if unit == "deg/s"]:
        most = max(abs(imu[:, turning]).max() for imu in values.values())
        if most < 35:
            yield (
                f"no angular rate is above {most:.3g} deg/s: is it in rad/s? "
                'dataset.toml: [imu] units = {gyro = "rad/s"}'
            )


def _of_skeleton(values, stream):
    hip, neck = stream.channels.index("hip_center"), stream.channels.index("shoulder_center")
    torso = np.median([np.median(joints[:, neck] - joints[:, hip], axis=0) for joints in values.values()], axis=0)
    if torso[1] < 0.5 * np.linalg.norm(torso):
        yield f"from hip to neck it goes by {', '.join(f'{d:.2f}' for d in torso)} m in x, y and z: y should go up"


def suspicions_of_classes(recordings, classes, training):
    """As `suspicions`, of who does what; `training` is protocol -> the recordings it trains on."""
    done = _done(recordings)
    if len(done) == 1:
        yield f"all that is labelled is {classes[min(done)]}: there is nothing to tell it from"
    if nobody := [name for label, name in enumerate(classes) if label not in done]:
        yield f"nobody does {', '.join(nobody)}, of the classes in dataset.toml"
    for protocol, sided in training.items():
        if unknown := [classes[label] for label in sorted(done - _done(sided))]:
            yield f"protocols.{protocol}: nobody who trains does {', '.join(unknown)}, so it cannot be learnt"


def _done(recordings):
    labels = {label for r in recordings for label in (r.label, *(interval.label for interval in r.intervals))}
    return labels - {-1}
