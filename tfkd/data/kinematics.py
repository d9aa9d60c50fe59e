"""A 20-joint skeleton moved by its joint angles, and what a sensor strapped to it feels.

The frame is a Kinect's: x to the right of a person who faces the camera (as in a mirror), y up, z away
from the camera. It is right-handed, and a person at heading 0 looks along -z.

Angles are in degrees and all zero for somebody who stands upright with hanging arms. Each is named so
that one number means the mirror image on the other side:

- `trunk_lean` forward, `trunk_tilt` to the right, `trunk_turn` to the left, `head_nod` forward, `heading`
  (the whole body) to the left;
- `left_lift`, `right_lift`: upper arm away from hanging (90 horizontal, 180 up), in the vertical plane
  `_plane` (0 forward, 90 outward, negative across the body); `_twist` turns the upper arm about itself
  (inward positive), `_elbow` bends, `_roll` turns the forearm about itself;
- `_thigh` forward, `_spread` outward, `_knee` bends.

The body stands on its lower foot.
"""

import dataclasses

import numpy as np

GRAVITY = 9.80665
SIDES = {"left": -1.0, "right": 1.0}


@dataclasses.dataclass(frozen=True)
class Body:
    """Bone lengths in metres."""

    neck: float = 0.19
    trunk: float = 0.35
    hip_height: float = 0.08  # of the spine joint above the hip centre
    shoulders: float = 0.36  # width
    hips: float = 0.17  # width
    upper_arm: float = 0.26
    forearm: float = 0.24
    hand: float = 0.08
    thigh: float = 0.45
    shank: float = 0.38
    foot: float = 0.10


def rotation(axis, degrees):
    """Rotation matrices about one axis.

    Args:
        axis: 0, 1 or 2 for x, y or z.
        degrees: `(time,)`.

    Returns:
        `(time, 3, 3)`.
    """
    angle = np.radians(degrees)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, axis, axis] = 1.0
    matrix[:, i, i] = matrix[:, j, j] = np.cos(angle)
    matrix[:, j, i] = np.sin(angle)
    matrix[:, i, j] = -matrix[:, j, i]
    return matrix


def move(body, angles, rate_hz):
    """Forward kinematics: joint angles to joint positions.

    Args:
        body: `Body`.
        angles: name -> `(time,)`, see the module's list; what is absent is 0.
        rate_hz: samples a second of `angles`.

    Returns:
        `(joints, right_forearm)`: positions `(time, 20, 3)` in metres, in the order of
        `utd_mhad.JOINTS`, with the point between the standing feet at the origin; and the orientation of
        the right forearm `(time, 3, 3)`, whose -y points to the hand.
    """
    samples = len(next(iter(angles.values())))
    zero = np.zeros(samples)

    def angle(name):
        return angles.get(name, zero)

    hip_center = np.zeros((samples, 3))
    pelvis = rotation(1, angle("heading"))
    trunk = pelvis @ rotation(1, angle("trunk_turn"))
    trunk = trunk @ rotation(2, -angle("trunk_tilt")) @ rotation(0, -angle("trunk_lean"))
    shoulder_center = trunk @ np.array([0, body.hip_height + body.trunk, 0])
    head = trunk @ rotation(0, -angle("head_nod"))
    core = [
        shoulder_center + head @ np.array([0, body.neck, 0]),
        shoulder_center,
        trunk @ np.array([0, body.hip_height, 0]),
        hip_center,
    ]
    arms, legs = {}, {}
    for side, sign in SIDES.items():
        plane = sign * angle(f"{side}_plane")
        # Turning the plane back after raising leaves no twist, so that a hanging arm has no special
        # direction and every path through it is smooth.
        upper = trunk @ rotation(1, -plane) @ rotation(0, angle(f"{side}_lift"))
        upper = upper @ rotation(1, plane + sign * angle(f"{side}_twist"))
        forearm = upper @ rotation(0, angle(f"{side}_elbow"))
        forearm = forearm @ rotation(1, sign * angle(f"{side}_roll"))
        shoulder = shoulder_center + trunk @ np.array([sign * body.shoulders / 2, -0.1, 0])
        elbow = shoulder + upper @ np.array([0, -body.upper_arm, 0])
        wrist = elbow + forearm @ np.array([0, -body.forearm, 0])
        arms[side] = [shoulder, elbow, wrist, wrist + forearm @ np.array([0, -body.hand, 0])]

        thigh = pelvis @ rotation(2, sign * angle(f"{side}_spread"))
        thigh = thigh @ rotation(0, angle(f"{side}_thigh"))
        shank = thigh @ rotation(0, -angle(f"{side}_knee"))
        hip = hip_center + pelvis @ np.array([sign * body.hips / 2, -0.08, 0])
        knee = hip + thigh @ np.array([0, -body.thigh, 0])
        ankle = knee + shank @ np.array([0, -body.shank, 0])
        toes = np.array([0, -0.06, -1.0]) * body.foot / np.hypot(0.06, 1.0)
        legs[side] = [hip, knee, ankle, ankle + shank @ toes]
    joints = np.stack([*core, *arms["left"], *arms["right"], *legs["left"], *legs["right"]], axis=1)
    joints += _stand(legs["left"][2], legs["right"][2], rate_hz)[:, None]
    return joints, forearm  # the loop ends with the right side


def _stand(left_ankle, right_ankle, rate_hz):
    """How far to move the body so that the lower foot stays where it is: kicks shift the weight."""
    from scipy.ndimage import gaussian_filter1d

    higher = (left_ankle - right_ankle)[:, 1:2]
    on_right = 1 / (1 + np.exp(-25 * higher))
    support = (1 - on_right) * left_ankle + on_right * right_ankle
    # Weight passes from foot to foot in about a quarter of a second, not at once.
    return -gaussian_filter1d(support, 0.08 * rate_hz, axis=0, mode="nearest")


def felt(position, orientation, rate_hz):
    """What an inertial sensor measures on this path, without any error.

    Args:
        position: of the sensor `(time, 3)`, metres.
        orientation: of the sensor `(time, 3, 3)`; the columns are its axes in the room.
        rate_hz: samples a second.

    Returns:
        `(time - 2, 6)`: specific force in g and angular rate in deg/s, both along the sensor's axes, at
        every sample but the first and the last.
    """
    acceleration = (position[2:] - 2 * position[1:-1] + position[:-2]) * rate_hz**2
    acceleration[:, 1] += GRAVITY  # a sensor at rest feels what holds it up
    force = np.einsum("tij,ti->tj", orientation[1:-1], acceleration) / GRAVITY
    turn = orientation[:-2].transpose(0, 2, 1) @ orientation[2:]  # over two samples
    sine = 0.5 * np.stack(
        [turn[:, k, j] - turn[:, j, k] for j, k in ((1, 2), (2, 0), (0, 1))], axis=1
    )
    size = np.linalg.norm(sine, axis=1, keepdims=True)
    angle = np.arcsin(np.minimum(size, 1.0)) / np.maximum(size, 1e-12) * sine
    return np.concatenate([force, np.degrees(angle) * rate_hz / 2], axis=1)
