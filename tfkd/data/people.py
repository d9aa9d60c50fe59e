"""Invented people: bodies, manners, and what a watch and a camera record of them."""

import dataclasses

import numpy as np

from tfkd.data import kinematics
from tfkd.data.actions import ANGLES, IS_ARM
from tfkd.data.utd_mhad import JOINTS

ACC_RANGE, GYRO_RANGE = 8.0, 1000.0  # g, deg/s


@dataclasses.dataclass(frozen=True)
class Person:
    """What one person brings to every trial."""

    body: kinematics.Body
    pace: float  # 1 is average; higher is faster
    size: float  # of movements
    cadence: float  # repetitions in an action, as a share of the usual number
    lead: np.ndarray  # (3,) how much earlier trunk, left and right limbs go, as a share of the action
    posture: np.ndarray  # (angles,) degrees added always
    manner: np.ndarray  # (angles,) degrees added while an arm acts
    left_share: float  # how much the left arm does of what the right does, in two-handed actions
    tremor: tuple[float, float]  # degrees, Hz
    strap: np.ndarray  # (3,) rotation vector of the sensor on the wrist, degrees
    strap_height: float  # metres from the wrist towards the elbow


def person(seed, subject):
    """The person with this number; the same whoever else is generated."""
    rng = np.random.default_rng([seed, subject])
    height = np.clip(rng.normal(1.0, 0.06), 0.88, 1.14)
    bones = dataclasses.asdict(kinematics.Body())
    scales = height * np.clip(rng.normal(1.0, 0.04, len(bones)), 0.9, 1.1)
    posture = rng.normal(0.0, 2.5, len(ANGLES))
    posture[ANGLES.index("left_elbow")] += rng.uniform(0, 25)  # an idle hand hangs, or rests bent
    return Person(
        body=kinematics.Body(**{n: v * s for (n, v), s in zip(bones.items(), scales)}),
        pace=np.exp(rng.normal(0.0, 0.13)),
        size=np.clip(rng.normal(1.0, 0.12), 0.75, 1.25),
        cadence=np.clip(rng.normal(1.0, 0.10), 0.7, 1.4),
        lead=rng.normal(0.0, 0.02, 3),
        posture=posture,
        manner=rng.normal(0.0, 5.5, len(ANGLES)) * IS_ARM,
        left_share=rng.uniform(0.7, 1.05),
        tremor=(rng.uniform(0.01, 0.06), rng.uniform(6.0, 10.0)),
        strap=rng.normal(0.0, (16.0, 7.0, 7.0)),
        strap_height=rng.uniform(0.01, 0.06),
    )


def restless(who, angles, time, rng):
    """Angles `(angles, time)` with the small movements of somebody who is alive, and none that no joint can do.

    Nobody stands still: a slow sway of every joint, and a tremor of the arm that wears the sensor. `angles` is
    changed in place and returned.
    """
    rate, phase = rng.uniform(0.2, 0.8, (len(ANGLES), 1)), rng.uniform(0, 1, (len(ANGLES), 1))
    angles += rng.normal(0.0, 1.0, (len(ANGLES), 1)) * np.sin(2 * np.pi * (rate * time + phase))
    degrees, hertz = who.tremor
    angles[ANGLES.index("right_elbow")] += degrees * np.sin(2 * np.pi * (hertz * time + rng.uniform()))
    for side in kinematics.SIDES:  # elbows and knees do not bend backwards
        for joint in ("elbow", "knee"):
            row = ANGLES.index(f"{side}_{joint}")
            angles[row] = 4 * np.logaddexp(0, angles[row] / 4)  # smooth, as a stop would jerk
    return angles


def watch(who, joints, forearm, rng, rate_hz):
    """What the sensor on the right wrist feels on the way of `kinematics.move`, `(time - 2, 6)` in g and deg/s.

    x points to the hand, z off its back.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.spatial.transform import Rotation

    strap = Rotation.from_rotvec(who.strap + rng.normal(0.0, 4.0, 3), degrees=True).as_matrix()
    axes = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]) @ strap
    wrist = joints[:, JOINTS.index("right_wrist")]
    position = wrist + forearm @ np.array([0.025, who.strap_height, 0.0])
    imu = kinematics.felt(position, forearm @ axes, rate_hz)
    return gaussian_filter1d(imu, 0.008 * rate_hz, axis=0)  # the sensor's own low-pass, about 17 Hz


def imu_errors(imu, rng, noise):
    """`(time, 6)` with a bias, white noise and the sensor's limits."""
    bias = rng.normal(0.0, [0.02] * 3 + [2.0] * 3)
    white = rng.normal(0.0, [0.02] * 3 + [1.5] * 3, imu.shape)
    limit = np.array([ACC_RANGE] * 3 + [GYRO_RANGE] * 3)
    return np.clip(imu + noise * (bias + white), -limit, limit)


def camera_errors(joints, rng, noise, jumps=2.0):
    """Jitter, joints that jump away for some frames (`jumps` times on average), and the tracker's smoothing of both."""
    error = rng.normal(0.0, 0.012, joints.shape)
    for joint in rng.integers(0, joints.shape[1], rng.poisson(jumps)):
        start, length = rng.integers(0, len(joints)), rng.integers(1, 6)
        error[start : start + length, joint] += rng.normal(0.0, 0.12, 3)
    for i in range(1, len(error)):
        error[i] = 0.5 * error[i - 1] + 0.5 * error[i]
    return joints + noise * error
