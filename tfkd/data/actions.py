"""What the synthetic people do: joint angles, in degrees, over the progress `u` of an action from 0 to 1."""

import numpy as np

from tfkd.data import kinematics


def ease(x):
    """From 0 to 1 with no jerk at either end (the minimum-jerk curve)."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (x * (6 * x - 15) + 10)


def fade(u):
    return ease(u / 0.2) * ease((1 - u) / 0.2)


def hold(angle):
    """Goes to `angle`, stays, and comes back."""
    return lambda u, cadence: angle * fade(u)


def beat(angle, cycles, phase=0.0):
    """Swings `angle` to either side, `cycles` times; `phase` is a share of one swing."""
    return lambda u, cadence: (
        angle * fade(u) * np.sin(2 * np.pi * (cycles * cadence * u + phase))
    )


def path(*points):
    """Goes from 0 through `(u, angle)` points and back to 0."""

    def angle(u, cadence):
        total, here, before = np.zeros_like(u), 0.0, 0.0
        for at, there in (*points, (1.0, 0.0)):
            total += (there - here) * ease((u - before) / (at - before))
            here, before = there, at
        return total

    return angle


def right(**moves):
    """The right limb's moves: `right(elbow=...)` moves `right_elbow`."""
    return {f"right_{name}": move for name, move in moves.items()}


def left(**moves):
    """As `right`, on the other side."""
    return {f"left_{name}": move for name, move in moves.items()}


def both(**moves):
    """The same on both sides, as in a mirror."""
    return left(**moves) | right(**moves)


def _circle(direction):
    return right(
        lift=[hold(80), beat(26, 2, 0.25)], plane=[hold(10), beat(direction * 34, 2)],
        elbow=hold(15),
    )  # fmt: skip


def _wave(cycles):
    return {
        "lift": hold(80), "plane": hold(75), "twist": hold(-85), "elbow": [hold(80), beat(28, cycles)]
    }  # fmt: skip


def _curl(cycles):
    return {"elbow": [hold(62), beat(50, cycles, -0.25)], "roll": hold(-60)}


def _punch(cycles, phase=0.0):
    return {
        "lift": [hold(45), beat(28, cycles, phase)], "elbow": [hold(85), beat(-50, cycles, phase)],
        "plane": hold(15),
    }  # fmt: skip


KICK = {"thigh": path((0.3, -22), (0.5, 70), (0.7, 5)), "knee": path((0.3, 65), (0.5, 8), (0.7, 20))}

# Class name -> {angle: how it moves, one primitive or several that add up}; label = position here.
# One arm or two: the right arm does the same, only slower and with less help of the trunk; that, and no
# more, the sensor may notice.
ACTIONS = {
    "wave": right(**_wave(4.2)) | {"trunk_tilt": [hold(-7), beat(4, 4.2)]},
    "wave_two_hands": both(**_wave(3.4)),
    "clap": both(
        lift=hold(55), plane=[hold(5), beat(14, 4)], elbow=hold(55), twist=[hold(35), beat(-12, 4)]
    ),
    "swipe_left": right(
        lift=hold(75), plane=path((0.3, 65), (0.65, -45)), elbow=path((0.3, 40), (0.65, 30))
    ),
    "swipe_right": right(
        lift=hold(75), plane=path((0.3, -45), (0.65, 65)), elbow=path((0.3, 40), (0.65, 30))
    ),
    "draw_circle_cw": _circle(1),
    "draw_circle_ccw": _circle(-1),
    "throw": right(
        lift=path((0.35, 105), (0.55, 75)), plane=path((0.35, 70), (0.55, 0)),
        twist=path((0.35, -75), (0.55, 10)), elbow=path((0.35, 105), (0.52, 15)),
    ) | {"trunk_turn": path((0.35, -20), (0.58, 18))},
    "punch": right(**_punch(3.3)) | {"trunk_turn": beat(5, 3.3)},
    "box": right(**_punch(2.6)) | left(**_punch(2.6, 0.5)) | {"trunk_turn": beat(16, 2.6)},
    "arm_curl": right(**_curl(3.2)) | {"trunk_tilt": [hold(-5), beat(3, 3.2, -0.25)]},
    "arm_curl_two_hands": both(**_curl(2.6)) | {"trunk_lean": [hold(-5), beat(-5, 2.6, -0.25)]},
    "kick_left": left(**KICK)
    | right(lift=path((0.3, -10), (0.52, 22))) | {"trunk_lean": path((0.5, -8))},
    "kick_right": right(**KICK)
    | right(lift=path((0.3, 14), (0.52, -8))) | {"trunk_lean": path((0.5, -8))},
    "squat": both(thigh=hold(105), knee=hold(130), lift=hold(45)) | {"trunk_lean": hold(30)},
    "sit_down": both(thigh=hold(85), knee=hold(85), lift=hold(25)) | {"trunk_lean": [
        path((0.2, 35), (0.45, 5), (0.55, 5), (0.8, 35))]},
}  # fmt: skip
CLASSES = tuple(ACTIONS)
SHORT = ("swipe_left", "swipe_right", "throw", "kick_left", "kick_right")

ANGLES = (
    "trunk_lean", "trunk_tilt", "trunk_turn", "head_nod", "heading",
    *(f"{side}_{name}" for side in kinematics.SIDES
      for name in ("lift", "plane", "twist", "elbow", "roll", "thigh", "spread", "knee")),
)  # fmt: skip
LIMB = np.array([1 if a.startswith("left") else 2 if a.startswith("right") else 0 for a in ANGLES])
IS_ARM = np.array([a.endswith(("lift", "plane", "twist", "elbow", "roll")) for a in ANGLES])
STANDING = {"trunk_lean": 2, "head_nod": 8} | both(lift=7, plane=70, elbow=14, spread=3)
