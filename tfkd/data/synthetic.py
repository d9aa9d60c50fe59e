"""Synthetic people with a watch: everything in tfkd runs on these without a download.

A 20-joint skeleton goes through 16 actions; a camera sees the skeleton and a sensor on the right wrist
feels what physics gives there. Some actions differ in what that wrist hardly feels (the other arm, the
legs), so that a teacher which sees the skeleton knows more than a student with the sensor can.

Streams, joint order and units are those of UTD-MHAD, whose files `utd_writer` makes of them; people and
motions are invented.
"""

import numpy as np

from tfkd.data import kinematics
from tfkd.data.actions import ACTIONS, ANGLES, CLASSES, IS_ARM, LIMB, SHORT, STANDING, fade
from tfkd.data.frames import encode_depth
from tfkd.data.people import camera_errors, imu_errors, person, restless, watch
from tfkd.data.recordings import Recording, Recordings
from tfkd.data.rendering import render_depth
from tfkd.data.utd_mhad import STREAMS

RATE = 200  # Hz, of the simulation
IMU_RATE = 50  # Hz
MARGIN = 0.25  # seconds simulated before and after, so that filters have no edges
SAMPLES_A_FRAME = 2.62  # IMU samples to a skeleton frame, as in UTD-MHAD

def read_synthetic(
    subjects=8, trials=4, seed=0, noise=1.0, modalities=("imu", "skeleton"), frame_size=64, most_frames=32
):
    """Generates the synthetic data set.

    A recording depends only on the seed and its own subject, action and trial: fewer subjects or trials
    give a part of the same data.

    Args:
        subjects: how many people, numbered from 1.
        trials: how often each does every action.
        seed: a whole number, not negative; another seed gives other people.
        noise: scales the errors of both sensors; 0 turns them off and leaves the motion as it is.
        modalities: `"imu"`, `"skeleton"` and `"depth"`, or some of them; the others' values do not depend on it.
        frame_size, most_frames: of depth, as in `read_utd_mhad`.

    Returns:
        `Recordings` with streams `imu` `(time, 6)` in g and deg/s at 50 Hz and `skeleton`
        `(time, 20, 3)` in metres, both float32, and ids like `a1_s1_t1` (action numbers start at 1). `depth` is
        rendered coarsely from every second frame of the skeleton, uint8 `(time, frame_size, frame_size, 3)`.
    """
    if subjects < 1 or trials < 1 or seed < 0 or noise < 0:
        raise ValueError(
            "read_synthetic needs subjects and trials of at least 1, and a seed and noise that are "
            f"not negative, got subjects={subjects}, trials={trials}, seed={seed}, noise={noise}."
        )
    if unknown := set(modalities) - {"imu", "skeleton", "depth"}:
        raise ValueError(f"Synthetic people have no {sorted(unknown)}; known: imu, skeleton, depth.")
    people = {number: person(seed, number) for number in range(1, subjects + 1)}
    items = []
    for label in range(len(CLASSES)):
        for subject, who in people.items():
            for trial in range(1, trials + 1):
                rng = np.random.default_rng([seed, subject, label + 1, trial])
                streams = _record(who, CLASSES[label], rng, noise)
                if "depth" in modalities:
                    maps = render_depth(streams["skeleton"][::2])
                    rate = IMU_RATE / SAMPLES_A_FRAME / 2
                    streams["depth"] = encode_depth(maps, frame_size, rate, most_frames)
                streams = {m: streams[m] for m in modalities}
                items.append(
                    Recording(f"a{label + 1}_s{subject}_t{trial}", subject, label, trial, streams)
                )
    return Recordings(items, CLASSES, {m: STREAMS[m] for m in modalities}, "synthetic")


def _record(who, action, rng, noise):
    """One trial as the two sensors recorded it."""
    seconds = (2.4 if action in SHORT else 3.2) / who.pace * np.exp(rng.normal(0.0, 0.06))
    before, after = rng.uniform(0.15, 0.45, 2)
    samples = round(np.clip(before + seconds + after, 2.0, 6.0) * IMU_RATE) + 1
    step = RATE // IMU_RATE
    margin = round(MARGIN * RATE)
    time = np.arange((samples - 1) * step + 1 + 2 * margin) / RATE - MARGIN

    angles = _perform(who, action, (time - before) / seconds, time, rng)
    joints, forearm = kinematics.move(who.body, dict(zip(ANGLES, angles)), RATE)
    joints += [rng.normal(0.0, 0.15), rng.uniform(-0.1, 0.1) - 0.1, rng.uniform(2.5, 3.4)]
    imu = watch(who, joints, forearm, rng, RATE)[margin - 1 : len(time) - margin - 1 : step]
    imu = imu_errors(imu, rng, noise)

    # Frames come at an uneven pace, but the first and the last coincide with those of the IMU.
    frames = round(samples / rng.normal(SAMPLES_A_FRAME, 0.1))
    at = np.linspace(0, (samples - 1) * step, frames)
    at[1:-1] += rng.uniform(-0.2, 0.2, frames - 2) * at[1]
    skeleton = camera_errors(joints[margin + np.rint(at).astype(int)], rng, noise)
    return {"imu": imu.astype("float32"), "skeleton": skeleton.astype("float32")}


def _perform(who, action, progress, time, rng):
    """Joint angles `(angles, time)` of one trial in degrees."""
    size = who.size * np.exp(rng.normal(0.0, 0.07))
    cadence = who.cadence * np.exp(rng.normal(0.0, 0.07))
    lead = who.lead + rng.normal(0.0, 0.01, 3)
    manner = who.manner + rng.normal(0.0, 3.0, len(ANGLES)) * IS_ARM
    angles = np.zeros((len(ANGLES), len(time)))
    for row, name in enumerate(ANGLES):
        if name not in ACTIONS[action]:
            continue
        u = progress + lead[LIMB[row]]
        moves = ACTIONS[action][name]
        for move in moves if isinstance(moves, list) else [moves]:
            angles[row] += size * move(u, cadence)
        angles[row] += manner[row] * fade(u)
        if LIMB[row] == 1 and IS_ARM[row]:
            angles[row] *= who.left_share
    angles += (who.posture + [STANDING.get(name, 0.0) for name in ANGLES])[:, None]
    angles[ANGLES.index("heading")] += rng.normal(0.0, 8.0)
    return restless(who, angles, time, rng)
