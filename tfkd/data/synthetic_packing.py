"""Synthetic packing shifts: continuous work of the people of `synthetic`, so that packing runs without a download.

A person packs one box after the other with the operations of OpenPack, in the usual order or in their own, with pauses
that are no operation. Each has a manner of their own: how they stand and hold their arms, which strokes they prefer,
how large and how quick these are. A camera sees the skeleton; a sensor on the right wrist, put on anew for each shift,
feels what physics gives there. Classes, intervals and clocks are as `openpack` gives them; people, motions and
durations are invented.
"""

import dataclasses
import itertools

import numpy as np

from tfkd.data import kinematics
from tfkd.data import packing_actions as packing
from tfkd.data.actions import ANGLES, IS_ARM, LIMB, ease
from tfkd.data.packing_actions import CLASSES, TRACKS
from tfkd.data.people import camera_errors, imu_errors, person, restless, watch
from tfkd.data.recordings import Interval, Recording, Recordings
from tfkd.data.utd_mhad import STREAMS

RATE = 120  # Hz, of the simulation
IMU_RATE, SKELETON_RATE = 30, 15  # Hz
MARGIN = 0.25  # seconds simulated before and after, so that filters have no edges
SHORTEST, LONGEST = 3.0, 60.0  # seconds of an operation
JUMPS = 0.5  # joints a second that the camera loses for some frames
MANNER = np.array([*np.where(IS_ARM, 8.0, 3.0), 0.05, 0.05])  # how much people differ in the pose of an operation
VARIATION = np.array([*np.where(IS_ARM, 4.0, 2.0), 0.02, 0.02])  # how much that pose differs from box to box
AS_USUAL = np.ones(len(ANGLES))  # how large moves are that nobody has a style of their own for
STRAP = (15.0, 6.0, 6.0)  # degrees, how differently the sensor is put on for each shift
BETWEEN_BOXES = 0.6  # how often there is a pause after a box
TRAVEL = [TRACKS.index(name) for name in ("heading", "x", "z")]
TRAVELLED = np.array([40.0, 0.25, 0.25])  # degrees and metres that need steps

# ---- People at work ----


@dataclasses.dataclass(frozen=True)
class Habits:
    """How one person packs."""

    order: tuple[str, ...]
    tempo: dict[str, float]  # of each operation's duration, as a share of the usual one
    spread: float  # of the logarithm of durations from box to box
    skips: dict[str, float]  # how often an operation is left out
    swaps: float  # how often two neighbours change places in a box
    repeats: float  # how often an operation is done once more
    pauses: float  # how often there is a pause after an operation
    manner: dict[str, np.ndarray]  # (tracks,) added to the pose of each operation
    shares: dict[str, np.ndarray]  # (strokes,) how often each stroke of an operation comes
    stroke_tempo: dict[str, float]  # of the duration of an operation's strokes, as a share of the usual one
    style: dict[str, np.ndarray]  # (angles,) how large their moves are, as shares of the usual ones


def habits(seed, subject):
    """The habits of the person with this number; the same whoever else is generated."""
    rng = np.random.default_rng([seed, subject, 0, 1])  # other numbers than those of any shift or trial
    order = list(CLASSES)
    for one, other in packing.OFTEN_SWAPPED:
        i, j = order.index(one), order.index(other)
        if rng.uniform() < 0.25 and j == i + 1:
            order[i], order[j] = other, one
    return Habits(
        order=tuple(order),
        tempo={name: float(np.exp(rng.normal(0.0, 0.2))) for name in CLASSES},
        spread=rng.uniform(0.15, 0.35),
        skips={name: share * rng.uniform(0.0, 2.0) for name, share in packing.OFTEN_SKIPPED.items()},
        swaps=rng.uniform(0.0, 0.12),
        repeats=rng.uniform(0.0, 0.05),
        pauses=rng.uniform(0.05, 0.18),
        manner={name: rng.normal(0.0, MANNER) for name in CLASSES},
        shares={name: _preferred(packing.OPERATIONS[name].strokes, rng) for name in CLASSES},
        stroke_tempo={name: float(np.exp(rng.normal(0.0, 0.2))) for name in CLASSES},
        style={name: np.exp(rng.normal(0.0, 0.35, len(ANGLES))) for name in CLASSES},
    )


def _preferred(strokes, rng):
    shares = np.array([share for share, _ in strokes]) * np.exp(rng.normal(0.0, 0.5, len(strokes)))
    return shares / shares.sum()


# ---- Recordings ----


def read_synthetic_packing(subjects=8, shifts=2, boxes=8, seed=0, noise=1.0, modalities=("imu", "skeleton")):
    """Generates packing shifts.

    A recording depends only on the seed, the number of boxes and its own subject and shift: fewer subjects or shifts
    give a part of the same data. The people have the bodies of those with the same numbers in `read_synthetic`.

    Args:
        subjects: how many people, numbered from 1.
        shifts: how many shifts each of them works.
        boxes: how many boxes are packed in a shift; one takes about 80 s.
        seed: a whole number, not negative; another seed gives other people.
        noise: scales the errors of both sensors; 0 turns them off and leaves the motion as it is.
        modalities: `"imu"` and `"skeleton"`, or one of them; the other's values do not depend on it.

    Returns:
        `Recordings`, one a shift, with ids like `s1_shift1` and `Interval`s that begin and end at full seconds; their
        `part` is the number of the box, from 1. Streams, both float32: `imu` `(time, 6)` of the right wrist in g and
        deg/s at 30 Hz, `skeleton` `(time, 20, 3)` in metres at 15 Hz, with the joints of UTD-MHAD.
    """
    if subjects < 1 or shifts < 1 or boxes < 1 or seed < 0 or noise < 0:
        raise ValueError(
            "read_synthetic_packing needs subjects, shifts and boxes of at least 1, and a seed and noise that are not "
            f"negative, got subjects={subjects}, shifts={shifts}, boxes={boxes}, seed={seed}, noise={noise}."
        )
    if unknown := set(modalities) - {"imu", "skeleton"}:
        raise ValueError(f"Synthetic packers have no {sorted(unknown)}; known: imu, skeleton.")
    items = []
    for subject, shift in itertools.product(range(1, subjects + 1), range(1, shifts + 1)):
        who, usual = person(seed, subject), habits(seed, subject)
        rng = np.random.default_rng([seed, subject, shift])
        timeline = _timeline(who, usual, boxes, rng)
        streams = _record(who, usual, timeline, rng, noise)
        streams = {m: streams[m] for m in modalities}
        name, conditions = f"s{subject}_shift{shift}", {"shift": shift}
        items.append(Recording(name, subject, -1, shift, streams, conditions, _intervals(timeline)))
    rates = {"imu": IMU_RATE, "skeleton": SKELETON_RATE}
    streams = {m: dataclasses.replace(STREAMS[m], rate_hz=float(rates[m])) for m in modalities}
    return Recordings(items, CLASSES, streams, "synthetic_packing")


# ---- What is done when ----


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Some seconds of a shift, in which one operation is done, or (`name` is empty) none."""

    work: packing.Work
    name: str
    box: int
    begin: float
    end: float


def _timeline(who, usual, boxes, rng):
    """The stretches of a shift, without a gap from 0 to a full second."""
    plan = _plan(usual, boxes, rng)
    stretches, now = [], 0.0
    for number, (work, name, box) in enumerate(plan, start=1):
        seconds = work.seconds * usual.tempo.get(name, 1.0) / who.pace * np.exp(rng.normal(0.0, usual.spread))
        end = now + np.clip(seconds, SHORTEST, LONGEST)
        end = np.ceil(end) if number == len(plan) else end
        stretches.append(Stretch(work, name, box, now, end))
        now = end
    return stretches


def _plan(usual, boxes, rng):
    """What follows what: (work, name, box); a shift begins and ends with waiting."""

    def pause():
        return packing.PAUSES[rng.integers(len(packing.PAUSES))], "", -1

    waiting = packing.PAUSES[0], "", -1
    plan = [waiting]
    for box in range(1, boxes + 1):
        for name in _order(usual, rng):
            plan.append((packing.OPERATIONS[name], name, box))
            if rng.uniform() < usual.repeats:
                plan += [pause(), plan[-1]]
            elif rng.uniform() < usual.pauses:
                plan.append(pause())
        if rng.uniform() < BETWEEN_BOXES:
            plan.append(pause())
    return [*plan, waiting]


def _order(usual, rng):
    order = [name for name in usual.order if rng.uniform() >= usual.skips.get(name, 0.0)]
    if rng.uniform() < usual.swaps:
        i = rng.integers(len(order) - 1)
        order[i], order[i + 1] = order[i + 1], order[i]
    return order


def _intervals(timeline):
    """The operations to the second, as OpenPack has them."""
    done = (stretch for stretch in timeline if stretch.name)
    return tuple(Interval(float(round(d.begin)), float(round(d.end)), CLASSES.index(d.name), d.box) for d in done)


# ---- How it is done, and recorded ----


def _record(who, usual, timeline, rng, noise):
    """One shift as the two sensors recorded it."""
    margin = round(MARGIN * RATE)
    time = np.arange(round(timeline[-1].end * RATE) + 1 + 2 * margin) / RATE - MARGIN
    tracks = _perform(who, usual, timeline, time, rng)
    angles, (x, z) = restless(who, tracks[: len(ANGLES)], time, rng), tracks[len(ANGLES) :]
    joints, forearm = kinematics.move(who.body, dict(zip(ANGLES, angles)), RATE)
    bench = [rng.normal(0.0, 0.1), rng.uniform(-0.1, 0.1), rng.uniform(2.6, 3.2)]
    joints += (bench + np.stack([x, 0 * x, -z], axis=1))[:, None]
    who = dataclasses.replace(who, strap=who.strap + rng.normal(0.0, STRAP))
    imu = watch(who, joints, forearm, rng, RATE)[margin - 1 : len(time) - margin - 1 : RATE // IMU_RATE]
    imu = imu_errors(imu, rng, noise)
    skeleton = joints[margin : len(time) - margin : RATE // SKELETON_RATE]
    skeleton = camera_errors(skeleton, rng, noise, JUMPS * timeline[-1].end)
    return {"imu": imu.astype("float32"), "skeleton": skeleton.astype("float32")}


def _perform(who, usual, timeline, time, rng):
    """`(tracks, time)`: joint angles in degrees, and the place in metres."""
    everywhere = np.array([*who.posture, 0.0, 0.0])
    everywhere[TRACKS.index("heading")] += rng.normal(0.0, 6.0)
    poses = np.stack([everywhere + _pose(who, usual, stretch, rng) for stretch in timeline])
    begins = [stretch.begin for stretch in timeline[1:]]
    tracks = poses[np.searchsorted(begins, time, "right")].T
    settled = [0.0]  # when each pose is reached
    for begin, before, pose in zip(begins, poses, poses[1:]):
        away = (np.abs(pose - before)[TRAVEL] / TRAVELLED).max()
        seconds = (0.7 + 0.5 * min(away, 2.0)) / who.pace * np.exp(rng.normal(0.0, 0.1))
        settled.append(begin + 0.6 * seconds)
        span, u = _part(time, begin - 0.4 * seconds, begin + 0.6 * seconds)
        tracks[:, span] = before[:, None] + (pose - before)[:, None] * ease(u)
        if away > 1:
            _move(tracks, time, begin - 0.4 * seconds, begin + 0.6 * seconds, packing.STEPS, who, rng)
    for stretch, begin in zip(timeline, settled):
        end, name = stretch.end - 0.3, stretch.name
        seconds = stretch.work.stroke * usual.stroke_tempo.get(name, 1.0) / who.pace
        count = max(round((end - begin) / seconds), 1)
        parts = rng.uniform(0.7, 1.3, count)
        times = begin + (end - begin) * np.cumsum([0.0, *parts]) / parts.sum()
        strokes = [moves for _, moves in stretch.work.strokes]
        shares, style = usual.shares.get(name), usual.style.get(name, AS_USUAL)  # a pause has one stroke alone
        for one, other in itertools.pairwise(times):
            _move(tracks, time, one, other, strokes[rng.choice(len(strokes), p=shares)], who, rng, style)
    return tracks


def _pose(who, usual, stretch, rng):
    """`(tracks,)`: what is held during one stretch."""
    start = packing.AT_BENCH if stretch.name else packing.IDLE
    pose = np.array([start.get(name, 0.0) + stretch.work.pose.get(name, 0.0) for name in TRACKS])
    if stretch.name:
        pose += usual.manner[stretch.name]
        pose[: len(ANGLES)] += who.manner
    return pose + rng.normal(0.0, VARIATION)


def _move(tracks, time, begin, end, moves, who, rng, style=AS_USUAL):
    """Adds moves, `style` times as large, each over the time from `begin` to `end`, to the tracks in place."""
    size, cadence = (one * np.exp(rng.normal(0.0, 0.1)) for one in (who.size, who.cadence))
    lead = who.lead + rng.normal(0.0, 0.01, 3)
    # A limb may be early or late, by a tenth at most.
    span, u = _part(time, begin, end, 0.1)
    for name, parts in moves.items():
        row = ANGLES.index(name)
        share = who.left_share if LIMB[row] == 1 and IS_ARM[row] else 1.0
        for part in parts if isinstance(parts, list) else [parts]:
            tracks[row, span] += share * size * style[row] * part(u + lead[LIMB[row]], cadence)


def _part(time, begin, end, around=0.0):
    """Slice of the samples from `begin` to `end`, and these as a share of it; with `around` of it on both sides."""
    more = around * (end - begin)
    span = slice(*np.searchsorted(time, [begin - more, end + more]))
    return span, (time[span] - begin) / (end - begin)
