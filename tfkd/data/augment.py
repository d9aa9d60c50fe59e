"""Augmentation of batches, in the recordings' units, seeded.

What changes *time* or *mixes samples* is done to every modality alike, so that a live teacher sees what
the student sees. What concerns one sensor alone (its noise, gain and how it sits on the wrist) is done to
that sensor.
"""

import dataclasses
from numbers import Real

import numpy as np


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How much to vary each batch. Zero switches a part off.

    Attributes:
        jitter: noise on the IMU, as a share of each channel's standard deviation.
        scale: gain error of the IMU: standard deviation of a factor around 1, one for each triple of
            axes.
        rotation_deg: standard deviation of a rotation of the IMU's axes about a random axis, the same for all
            sensors: the person as a whole.
        sensor_rotation_deg: the same for each sensor by itself, of its accelerometer and gyroscope alike: how
            it sits.
        time_shift: the window is moved by up to this share of its length.
        time_scale: the window is stretched or squeezed by up to this share.
        time_warp: speed varies smoothly within the window by up to this share.
        view_deg: standard deviation of a rotation of the skeleton about the vertical, its second coordinate (y).
        mixup: `alpha` of the Beta distribution from which each sample's mixing share is drawn (Zhang et
            al., ICLR 2018); one share for all modalities and the label.
        limb_scale: other bodies: standard deviation of a factor around 1 on the length of each bone of
            the skeleton, one for each bone.
        tilt_deg: standard deviation of a rotation of the skeleton about a random axis: another stance,
            or a camera that looks from higher up.
        joint_offset: standard deviation of a shift of each joint, the same throughout the window, in the
            skeleton's unit.
    """

    jitter: float = 0.0
    scale: float = 0.0
    rotation_deg: float = 0.0
    time_shift: float = 0.0
    time_scale: float = 0.0
    time_warp: float = 0.0
    view_deg: float = 0.0
    mixup: float = 0.0
    limb_scale: float = 0.0
    tilt_deg: float = 0.0
    joint_offset: float = 0.0
    sensor_rotation_deg: float = 0.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, Real) and np.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} must be a finite number of at least 0, got {value!r}.")
        if self.time_warp >= 1 or self.time_scale >= 1:
            raise ValueError("time_warp and time_scale must be below 1, or time would run backwards.")

    @property
    def changes_what_happened(self):
        """Whether teacher outputs for the plain window no longer hold for the augmented one."""
        return any((self.time_shift, self.time_scale, self.time_warp, self.mixup))

    def __call__(self, arrays, spread, rng, bones=(), sensors=()):
        """Augments one batch, all but mixup.

        Args:
            arrays: modality -> `(batch, time, ...)` float32, or uint8 for frames. Not changed.
            spread: standard deviation of each IMU channel, for the jitter.
            rng: `numpy.random.Generator`.
            bones: the skeleton's, as in `Stream`; for `limb_scale`.
            sensors: the IMU's, as in `Stream`; for `sensor_rotation_deg`.

        Returns:
            New arrays, same shapes.

        Raises:
            ValueError: `limb_scale` is asked for, and `bones` is empty or no tree; or a change of the skeleton in
                space, and it has not three coordinates; or rotation or scale, and the IMU's channels are no triples
                of axes; or `sensor_rotation_deg`, and `sensors` does not name the sensor of each triple.
        """
        arrays = dict(arrays)
        if self.time_shift or self.time_scale or self.time_warp:
            arrays = self._retime(arrays, rng)
        if "imu" in arrays:
            arrays["imu"] = self._sensor(arrays["imu"], spread, rng, sensors)
        if "skeleton" in arrays:
            arrays["skeleton"] = self._body(arrays["skeleton"], bones, rng)
        return arrays

    def _retime(self, arrays, rng):
        batch = len(next(iter(arrays.values())))
        shift = rng.uniform(-self.time_shift, self.time_shift, (batch, 1))
        stretch = 1 + rng.uniform(-self.time_scale, self.time_scale, (batch, 1))
        # Two sines that vanish at both ends; their slopes add up to at most time_warp.
        waves = rng.uniform(-0.5, 0.5, (batch, 2, 1)) * self.time_warp

        def positions(length):
            u = np.linspace(0, 1, length)[None]
            warp = sum(waves[:, k - 1] * np.sin(k * np.pi * u) / (k * np.pi) for k in (1, 2))
            return np.clip((u + warp - 0.5) * stretch + 0.5 + shift, 0, 1) * (length - 1)

        return {m: _sample(values, positions(values.shape[1])) for m, values in arrays.items()}

    def _sensor(self, imu, spread, rng, sensors):
        batch, _, channels = imu.shape
        if self.sensor_rotation_deg:
            imu = self._each_turned(imu, rng, sensors)
        if self.rotation_deg or self.scale:
            if channels % 3:
                raise ValueError(f"rotation and scale need triples of axes, got {channels} channels.")
            turn = _rotations(rng.normal(0, np.radians(self.rotation_deg), batch), rng)
            gain = 1 + rng.normal(0, self.scale, (batch, 1, channels // 3, 1))
            triples = imu.reshape(*imu.shape[:2], -1, 3)
            turned = np.matmul(triples.reshape(batch, -1, 3), turn.transpose(0, 2, 1))
            imu = (turned.reshape(triples.shape) * gain.astype("float32")).reshape(imu.shape)
        if self.jitter:
            noise = rng.standard_normal(imu.shape, dtype="float32")
            noise *= np.float32(self.jitter) * spread
            noise += imu
            imu = noise
        return imu

    def _each_turned(self, imu, rng, sensors):
        batch, time, channels = imu.shape
        if 3 * len(sensors) != channels:
            raise ValueError(
                f"sensor_rotation_deg needs to know the sensor of each three of {channels} channels, but sensors names "
                f"{len(sensors)}. Set it to 0."
            )
        angle = rng.normal(0, np.radians(self.sensor_rotation_deg), batch * (max(sensors) + 1))
        turn = _rotations(angle, rng).reshape(batch, -1, 3, 3)[:, list(sensors)]
        triples = imu.reshape(batch, time, -1, 3)
        turned = np.matmul(triples.transpose(0, 2, 1, 3), turn.transpose(0, 1, 3, 2))
        return np.ascontiguousarray(turned.transpose(0, 2, 1, 3)).reshape(imu.shape)

    def _body(self, skeleton, bones, rng):
        batch, _, joints, coordinates = skeleton.shape
        in_space = [name for name in ("joint_offset", "tilt_deg", "view_deg") if getattr(self, name)]
        if in_space and coordinates != 3:
            raise ValueError(
                f"{', '.join(in_space)} changes a skeleton in space, but this one has {coordinates} coordinates a "
                "joint. Set it to 0."
            )
        if self.limb_scale:
            if not bones:
                raise ValueError(
                    "limb_scale needs to know the skeleton's bones, which this data set does not tell. Set it to 0."
                )
            if not _is_forest(bones, joints):
                raise ValueError(f"limb_scale needs bones that form a tree over {joints} joints, got {list(bones)}.")
            factors = 1 + rng.normal(0, self.limb_scale, (batch, joints))
            skeleton = _stretched(skeleton, bones, factors)
        if self.joint_offset:
            skeleton = skeleton + rng.normal(0, self.joint_offset, (batch, 1, joints, 3)).astype("float32")
        if self.tilt_deg:
            skeleton = _turned(skeleton, _rotations(rng.normal(0, np.radians(self.tilt_deg), batch), rng))
        if self.view_deg:
            angle = rng.normal(0, np.radians(self.view_deg), batch)
            skeleton = _turned(skeleton, _about(np.tile([0.0, 1.0, 0.0], (batch, 1)), angle))
        return skeleton


def mix(arrays, labels, alpha, rng):
    """Mixup: each sample with another of the batch, one share for all modalities and the label.

    Args:
        arrays: name -> float32 `(batch, ...)`, normalised modalities and whatever is mixed like them; uint8 frames,
            which become float32; or bool `(batch,)`, which samples have something: a mixed one has it if both had.
        labels: `(batch, classes)` one-hot; a row of zeros is an unlabelled sample, and a mixed row then
            sums to the labelled share.
        alpha: parameter of Beta(alpha, alpha).
        rng: `numpy.random.Generator`.
    """
    share = rng.beta(alpha, alpha, len(labels)).astype("float32")
    share = np.maximum(share, 1 - share)  # the sample itself always weighs more than its partner
    partner = rng.permutation(len(labels))

    def blend(values):
        if values.dtype == bool:
            return values & values[partner]
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        other = values[partner]
        if other.dtype == np.uint8:
            other = other.astype("float32")
        other *= 1 - weight
        other += values * weight
        return other

    return {m: blend(v) for m, v in arrays.items()}, blend(labels)


def _sample(values, position):
    """Linear interpolation of `(batch, time, ...)` at `(batch, length)` positions in samples; frames: the nearest."""
    batch, time = values.shape[:2]
    if values.dtype == np.uint8:
        return values[np.arange(batch)[:, None], np.rint(position).astype(int)]
    low = np.minimum(position.astype(int), time - 2)
    weight = (position - low).astype("float32")[..., None]
    # Whole rows out of one flat table: several times faster than indexing two axes.
    table = values.reshape(batch * time, -1)
    row = low + time * np.arange(batch)[:, None]
    here, after = table.take(row, axis=0), table.take(row + 1, axis=0)
    here *= 1 - weight
    after *= weight
    here += after
    return here.reshape(*low.shape, *values.shape[2:])


def _is_forest(bones, joints):
    """Whether each joint is the outer one of a single bone at most, and no bones go in a circle."""
    inner_of = {outer: inner for inner, outer in bones}
    if len(inner_of) < len(bones) or not {*inner_of, *inner_of.values()} <= set(range(joints)):
        return False
    joints_left = set(inner_of)
    while ends := {joint for joint in joints_left if inner_of[joint] not in joints_left}:
        joints_left -= ends
    return not joints_left


def _stretched(skeleton, bones, factors):
    """Skeletons whose bones are longer by `factors` `(batch, joints)`, each told by its outer joint."""
    joints = skeleton.shape[2]
    # A bone is its outer joint minus its inner one; a joint, the sum of the bones that lead to it.
    bone_of_joint = np.eye(joints)
    outer = [b for _, b in bones]
    for inner, joint in bones:
        bone_of_joint[joint, inner] = -1
    joint_of_bone = np.linalg.inv(bone_of_joint)  # ones and zeros, whichever order the bones are in
    # The root is where it was: it has no bone.
    factors = np.where(np.isin(np.arange(joints), outer), factors, 1.0)
    change = joint_of_bone @ (factors[:, :, None] * bone_of_joint)
    by_joint = np.moveaxis(skeleton, 2, 1)
    flat = np.matmul(change.astype("float32"), by_joint.reshape(len(skeleton), joints, -1))
    return np.ascontiguousarray(np.moveaxis(flat.reshape(by_joint.shape), 1, 2))


def _turned(skeleton, turn):
    flat = np.matmul(skeleton.reshape(len(skeleton), -1, 3), turn.transpose(0, 2, 1))
    return flat.reshape(skeleton.shape)


def _rotations(angle, rng):
    axis = rng.normal(size=(len(angle), 3))
    return _about(axis / np.linalg.norm(axis, axis=1, keepdims=True), angle)


def _about(axis, angle):
    """Rotation matrices `(batch, 3, 3)` about unit axes (Rodrigues' formula)."""
    x, y, z = axis.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return (np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)).astype("float32")
