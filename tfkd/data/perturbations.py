"""What happens to a sensor outside the laboratory: recordings of its IMU stream as they would have been.

Each perturbation takes `Recordings` and returns `Recordings`, before anything is cut into windows; labels, ids, lengths
and the other modalities stay. Chance is drawn for each recording from the seed and the recording's id: it does not
depend on which other recordings there are, and perturbations of one kind differ in their size alone.

Rotations and mirrors need the axes: channels named `acc_x`, `acc_y`, `acc_z` and so on, in the frame of
`micro/ports/arduino/README.md`, "Wearing it": x points along the forearm to the hand.
"""

import dataclasses

import numpy as np

from tfkd.data.recordings import DataError

AXES = "xyz"


class Perturbation:
    """Base: a subclass has `change(imu, stream, rng)`, which returns a new `(time, channels)` array, and `meaning`."""

    def __call__(self, recordings, seed=0):
        """Perturbs the IMU stream of every recording.

        Args:
            recordings: `Recordings` with a stream `imu`.
            seed: of what is drawn by chance.

        Raises:
            DataError: a recording has no IMU stream, or its channels are not what the perturbation needs.
        """
        if "imu" not in recordings.streams:
            raise DataError(f"{recordings.name} has no imu stream to perturb.")
        stream = recordings.streams["imu"]

        def changed(recording):
            if "imu" not in recording.streams:
                raise DataError(f"{recording.id} in {recordings.name} has no imu stream to perturb.")
            rng = np.random.default_rng([seed, *recording.id.encode()])
            imu = self.change(recording.streams["imu"], stream, rng)
            return dataclasses.replace(recording, streams={**recording.streams, "imu": imu.astype("float32")})

        return recordings.mapped(changed)


@dataclasses.dataclass(frozen=True)
class Rotation(Perturbation):
    """The sensor sits turned by an angle, about an axis drawn for each recording, the same for all triples of axes."""

    degrees: float

    def __post_init__(self):
        if not np.isfinite(self.degrees):
            raise ValueError(f"degrees must be a number, got {self.degrees}.")

    def __str__(self):
        return f"turned by {self.degrees:g}°"

    @property
    def meaning(self):
        return f"all axes turned by {self.degrees:g}° about one axis, drawn evenly over all directions"

    def change(self, imu, stream, rng):
        from scipy.spatial.transform import Rotation as Turn

        axis = rng.normal(size=3)
        turn = Turn.from_rotvec(axis / np.linalg.norm(axis) * self.degrees, degrees=True)
        changed = imu.copy()
        for indices, _ in triples(stream):
            changed[:, indices] = turn.apply(imu[:, indices])
        return changed


@dataclasses.dataclass(frozen=True)
class OtherWrist(Perturbation):
    """The mirrored movement, by the other arm, with the sensor's `x` to the hand again.

    A mirror image across the body turns the sensor's frame into a left-handed one, which no sensor has: on the other
    arm one axis points the other way. With `across` that axis, mirrored values are

    - acceleration, a vector: its `across` component changes sign;
    - angular velocity, a pseudovector, `w -> det(M) M w` with `M` the mirror: the *other two* change sign.

    Assumed: that x points to the hand is known from gravity (see above), but not which of y and z lies across the arm.
    Either is a way of strapping the sensor on; they differ by half a turn about x. `across="x"` is a watch moved to the
    other wrist with its face readable as before, whose x then points to the elbow. Labels stay: the mirrored movement
    counts as the same activity, which is open to doubt where the name tells a direction (`swipe_left`).
    """

    across: str = "y"

    def __post_init__(self):
        if self.across not in AXES:
            raise ValueError(f"across must be 'x', 'y' or 'z', got {self.across!r}.")

    def __str__(self):
        return f"other wrist, {self.across} mirrored"

    @property
    def meaning(self):
        others = " and ".join(axis for axis in AXES if axis != self.across)
        return (
            f"the mirrored movement by the other arm, the sensor's {self.across} axis the other way round: "
            f"acceleration along {self.across} changes sign, and so does rotation about {others}"
        )

    def change(self, imu, stream, rng):
        mirror = np.where(np.array(list(AXES)) == self.across, -1.0, 1.0)
        changed = imu.copy()
        for indices, turns in triples(stream):
            changed[:, indices] = imu[:, indices] * (-mirror if turns else mirror)
        return changed


@dataclasses.dataclass(frozen=True)
class LostSamples(Perturbation):
    """Each sample is lost by itself with probability `share`; the firmware bridges the pause by a straight line.

    The first sample always comes; after the last that came, its value is held.
    """

    share: float

    def __post_init__(self):
        if not 0 <= self.share < 1:
            raise ValueError(f"share must be at least 0 and below 1, got {self.share}.")

    def __str__(self):
        return f"{100 * self.share:g} % of samples lost"

    @property
    def meaning(self):
        return f"{100 * self.share:g} % of the samples never arrive, at random; straight lines bridge the pauses"

    def change(self, imu, stream, rng):
        came = rng.random(len(imu)) >= self.share
        came[0] = True
        return _bridged(imu, np.flatnonzero(came))


@dataclasses.dataclass(frozen=True)
class LowerRate(Perturbation):
    """The sensor samples `factor` times more slowly; the firmware brings it back to the model's rate by straight lines.

    No low-pass filter is assumed in the sensor: what is faster than half its rate aliases.
    """

    factor: int

    def __post_init__(self):
        if self.factor < 1 or self.factor != int(self.factor):
            raise ValueError(f"factor must be a whole number of at least 1, got {self.factor}.")

    def __str__(self):
        return f"rate divided by {self.factor}"

    @property
    def meaning(self):
        return f"every {_nth(self.factor)} sample alone, without a filter before; straight lines between them"

    def change(self, imu, stream, rng):
        return _bridged(imu, np.arange(0, len(imu), int(self.factor)))


@dataclasses.dataclass(frozen=True)
class Noise(Perturbation):
    """White Gaussian noise: standard deviations `acceleration` in g and `rotation` in deg/s."""

    acceleration: float
    rotation: float

    def __post_init__(self):
        for name, size in dataclasses.asdict(self).items():
            if not 0 <= size < np.inf:
                raise ValueError(f"{name} must be at least 0, got {size}.")

    def __str__(self):
        return f"noise of {self.acceleration:g} g, {self.rotation:g} deg/s"

    @property
    def meaning(self):
        return (
            f"white noise with a standard deviation of {self.acceleration:g} g and {self.rotation:g} deg/s on each axis"
        )

    def change(self, imu, stream, rng):
        radians, metres = np.radians(self.rotation), 9.80665 * self.acceleration
        sizes = {"g": self.acceleration, "m/s^2": metres, "deg/s": self.rotation, "rad/s": radians}
        if unknown := set(stream.units) - set(sizes):
            raise DataError(f"How large noise is in {', '.join(sorted(unknown))} is not known, only in {list(sizes)}.")
        return imu + rng.normal(size=imu.shape) * [sizes[unit] for unit in stream.units]


@dataclasses.dataclass(frozen=True)
class GainError(Perturbation):
    """Each channel reads too much or too little: a factor drawn evenly from 1 - `share` to 1 + `share`."""

    share: float

    def __post_init__(self):
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, got {self.share}.")

    def __str__(self):
        return f"gain off by up to {100 * self.share:g} %"

    @property
    def meaning(self):
        return f"each channel times a factor, drawn evenly from {1 - self.share:g} to {1 + self.share:g}"

    def change(self, imu, stream, rng):
        return imu * (1 + rng.uniform(-self.share, self.share, imu.shape[1]))


STANDARD = (
    *(Rotation(degrees) for degrees in (15, 30, 45, 90)),
    *(OtherWrist(axis) for axis in "yz"),
    *(LostSamples(share) for share in (0.05, 0.2, 0.5)),
    *(LowerRate(factor) for factor in (2, 4)),
    *(Noise(acceleration, 100 * acceleration) for acceleration in (0.05, 0.2, 0.5)),
    *(GainError(share) for share in (0.1, 0.3)),
)
"""What `tools/evaluate.py --robustness` tries."""


def triples(stream):
    """Triples of axes: list of `(indices of x, y and z, whether it is an angular velocity)`.

    Raises:
        DataError: the channels are no such triples.
    """
    found = {}
    for i, name in enumerate(stream.channels):
        sensor, _, axis = name.rpartition("_")
        found.setdefault(sensor, {})[axis] = i
    if any(sorted(axes) != list(AXES) for axes in found.values()):
        raise DataError(
            f"The IMU's channels {list(stream.channels)} are no triples such as acc_x, acc_y, acc_z: which way its "
            "axes point is not known."
        )
    parts = [[axes[axis] for axis in AXES] for axes in found.values()]
    return [(indices, stream.units[indices[0]] in ("deg/s", "rad/s")) for indices in parts]


def _bridged(imu, kept):
    """The samples at `kept`, straight lines between them, the last held."""
    at = np.arange(len(imu))
    return np.stack([np.interp(at, kept, channel[kept]) for channel in imu.T], axis=1)


def _nth(number):
    return {2: "second", 3: "third", 4: "fourth"}.get(number, f"{number}th")
