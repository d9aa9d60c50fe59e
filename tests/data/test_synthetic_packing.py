"""Synthetic shifts: one clock, plausible work, reproducible, and a camera sees what the wrist hardly feels."""

import numpy as np
import pytest

from tfkd.data import openpack, packing_actions, people
from tfkd.data.actions import ANGLES
from tfkd.data.kinematics import GRAVITY
from tfkd.data.openpack_facts import OPERATIONS
from tfkd.data.synthetic_packing import habits, read_synthetic_packing
from tfkd.data.utd_mhad import BONES, JOINTS

WRIST, HIP = JOINTS.index("right_wrist"), JOINTS.index("hip_center")


@pytest.fixture(scope="module")
def data():
    return read_synthetic_packing(subjects=6, shifts=1, boxes=4)


@pytest.fixture(scope="module")
def clean():
    return read_synthetic_packing(subjects=2, shifts=2, boxes=2, noise=0)


def seconds(recording):
    return (len(recording.streams["imu"]) - 1) / 30


# ---- The clock and the streams ----


def test_what_is_promised(data):
    assert data.name == "synthetic_packing" and data.subjects == [1, 2, 3, 4, 5, 6] and len(data) == 6
    assert data.classes == openpack.CLASSES == tuple(OPERATIONS.values())
    assert data.streams["imu"].rate_hz == 30 and data.streams["skeleton"].rate_hz == 15
    assert data.streams["skeleton"].channels == JOINTS and data.streams["skeleton"].bones == BONES
    assert data.streams["imu"].channels == ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    for number, recording in enumerate(data, start=1):
        assert (recording.id, recording.subject) == (f"s{number}_shift1", number)
        assert (recording.label, recording.trial, recording.conditions) == (-1, 1, {"shift": 1})
        imu, skeleton = recording.streams["imu"], recording.streams["skeleton"]
        assert imu.dtype == skeleton.dtype == "float32"
        n = int(seconds(recording))
        assert imu.shape == (30 * n + 1, 6) and skeleton.shape == (15 * n + 1, 20, 3)
        assert np.isfinite(imu).all() and np.isfinite(skeleton).all()
        assert np.abs(imu[:, :3]).max() <= 8 and np.abs(imu[:, 3:]).max() <= 1000
        assert 200 < n < 700  # four boxes


def test_the_sensor_feels_how_the_skeleton_moves_its_wrist(clean):
    """The force is what the wrist's path, differentiated twice, gives; at no other delay does it agree better."""
    from scipy.ndimage import gaussian_filter1d

    for recording in clean:
        wrist = recording.streams["skeleton"][:, WRIST].astype("float64")
        acceleration = (wrist[2:] - 2 * wrist[1:-1] + wrist[:-2]) * 15**2 / GRAVITY + [0, 1, 0]
        seen = gaussian_filter1d(np.linalg.norm(acceleration, axis=1), 2)
        felt = gaussian_filter1d(np.linalg.norm(recording.streams["imu"][:, :3], axis=1), 4)[2:-2:2]
        agreement = [np.corrcoef(np.roll(felt, delay)[5:-5], seen[5:-5])[0, 1] for delay in range(-3, 4)]
        assert np.argmax(agreement) == 3 and agreement[3] > 0.9, recording.id


def test_a_shift_begins_and_ends_at_rest_with_one_g(clean):
    for recording in clean:
        for end in (slice(15), slice(-15, None)):
            force = np.linalg.norm(recording.streams["imu"][end, :3], axis=1)
            np.testing.assert_allclose(force, 1.0, atol=0.15, err_msg=recording.id)


def test_bones_keep_their_length_and_the_body_stays_about_the_bench(clean):
    for recording in clean:
        joints = recording.streams["skeleton"]
        lengths = np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=1) for a, b in BONES if b != 1])
        np.testing.assert_allclose(lengths[1:], lengths[1:, :1].repeat(len(joints), 1), atol=1e-5)
        assert (np.ptp(joints[:, HIP, [0, 2]], axis=0) < 2.0).all()


def test_nothing_jumps(clean):
    for recording in clean:
        steps = np.linalg.norm(np.diff(recording.streams["skeleton"], axis=0), axis=-1)
        assert steps.max() < 0.3  # metres in a fifteenth of a second


def test_noise_leaves_the_motion_as_it_is(clean):
    noisy = read_synthetic_packing(subjects=1, shifts=1, boxes=2)[0]
    assert noisy.intervals == clean[0].intervals
    error = noisy.streams["imu"] - clean[0].streams["imu"]
    assert 0.005 < error[:, :3].std() < 0.1 and 0.5 < error[:, 3:].std() < 10
    assert 0.003 < (noisy.streams["skeleton"] - clean[0].streams["skeleton"]).std() < 0.04


# ---- The work ----


def test_intervals_are_in_order_and_to_the_second(data):
    for recording in data:
        spans = np.array([interval[:2] for interval in recording.intervals])
        assert (spans == spans.round()).all()
        assert (spans[:, 1] - spans[:, 0] >= 2).all() and (spans[:, 1] - spans[:, 0] <= 61).all()
        assert (spans[1:, 0] >= spans[:-1, 1]).all()
        assert spans[0, 0] >= 2 and spans[-1, 1] <= seconds(recording) - 2  # it begins and ends with waiting
        parts = [interval.part for interval in recording.intervals]
        assert parts == sorted(parts) and set(parts) == {1, 2, 3, 4}


def test_boxes_are_packed_in_about_the_usual_order(data):
    boxes = [
        [interval.label for interval in recording.intervals if interval.part == box]
        for recording in data
        for box in range(1, 5)
    ]
    assert np.mean([len(set(box)) for box in boxes]) > 9  # a few operations are skipped
    forward = np.concatenate([np.diff(box) > 0 for box in boxes])
    assert 0.75 < forward.mean() < 1.0  # and some swapped or repeated
    counts = np.bincount(np.concatenate(boxes), minlength=10)
    assert counts.min() >= len(boxes) / 2


def test_some_of_the_time_is_no_operation(data):
    worked = sum(interval.end - interval.begin for recording in data for interval in recording.intervals)
    assert 0.05 < 1 - worked / sum(seconds(recording) for recording in data) < 0.2
    durations = [interval.end - interval.begin for recording in data for interval in recording.intervals]
    assert 6 <= np.median(durations) <= 9


def test_people_have_habits_of_their_own():
    usual = [habits(0, subject) for subject in range(1, 9)]
    assert len({one.order for one in usual}) > 2
    assert all(sorted(one.order) == sorted(packing_actions.CLASSES) for one in usual)
    assert len({one.repeats for one in usual}) == 8
    for name, work in packing_actions.OPERATIONS.items():
        shares = np.array([one.shares[name] for one in usual])
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert shares.shape == (8, len(work.strokes)) and (shares.std(axis=0) > 0.02).all()
        assert np.std([one.stroke_tempo[name] for one in usual]) > 0.05
        assert np.std([one.style[name] for one in usual], axis=0).mean() > 0.2


def test_the_sensor_is_put_on_anew_for_each_shift():
    """What it feels in the same pose, at the beginning of a shift, differs from shift to shift by a strap's turn."""
    shifts = read_synthetic_packing(subjects=1, shifts=8, boxes=1, noise=0, modalities=("imu",))
    down = np.stack([recording.streams["imu"][:15, :3].mean(axis=0) for recording in shifts])
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    apart = np.degrees(np.arccos(np.clip(down @ down.mean(axis=0) / np.linalg.norm(down.mean(axis=0)), -1, 1)))
    assert 4 < apart.mean() < 40


def test_moves_are_of_angles_that_there_are():
    for work in (*packing_actions.OPERATIONS.values(), *packing_actions.PAUSES):
        assert set(work.pose) <= set(packing_actions.TRACKS)
        assert sum(share for share, _ in work.strokes) == pytest.approx(1)
        assert all(set(stroke) <= set(ANGLES) for _, stroke in work.strokes)
    assert all(len(pause.strokes) == 1 for pause in packing_actions.PAUSES)  # nobody prefers one of several


# ---- The data set ----


def test_a_recording_depends_only_on_its_own_numbers(clean):
    part = read_synthetic_packing(subjects=1, shifts=2, boxes=2, noise=0, modalities=("imu",))
    for recording, same in zip(part, clean[:2]):
        assert (recording.id, recording.intervals) == (same.id, same.intervals)
        assert set(recording.streams) == {"imu"}
        assert recording.streams["imu"].tobytes() == same.streams["imu"].tobytes()
    assert clean[0].intervals != clean[1].intervals  # one shift is not the other


def test_another_seed_gives_other_people(clean):
    other = read_synthetic_packing(subjects=1, shifts=1, boxes=1, seed=1)[0]
    assert other.intervals[:3] != clean[0].intervals[:3]
    assert people.person(1, 1).body != people.person(0, 1).body


@pytest.mark.parametrize("bad", [{"subjects": 0}, {"shifts": 0}, {"boxes": 0}, {"seed": -1}, {"noise": -0.5}])
def test_impossible_requests_are_refused(bad):
    with pytest.raises(ValueError, match="got"):
        read_synthetic_packing(**bad)


def test_other_modalities_are_refused():
    with pytest.raises(ValueError, match="depth"):
        read_synthetic_packing(modalities=("imu", "depth"))


def _features(recording, modality):
    """Means and spreads over 4 s around every second of an operation, and what is done there."""
    values, rate = recording.streams[modality], {"imu": 30, "skeleton": 15}[modality]
    if modality == "skeleton":
        values = values - values[:, HIP].mean(axis=0)
    values = values.reshape(len(values), -1)
    rows, labels = [], []
    for interval in recording.intervals:
        for second in range(int(interval.begin), int(interval.end)):
            window = values[max(round((second - 1.5) * rate), 0) : round((second + 2.5) * rate)]
            rows.append(np.concatenate([window.mean(0), window.std(0), np.diff(window, axis=0).std(0)]))
            labels.append(interval.label)
    return np.array(rows), np.array(labels)


def test_the_skeleton_tells_more_than_the_wrist(data):
    """People 1 to 4 train and 5 and 6 test a linear classifier on simple features."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.metrics import f1_score

    score = {}
    for modality in ("imu", "skeleton"):
        (x, y), (new_x, new_y) = (
            [np.concatenate(part) for part in zip(*(_features(r, modality) for r in side))]
            for side in (data[:4], data[4:])
        )
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.05).fit(x, y)
        score[modality] = f1_score(new_y, model.predict(new_x), average="macro")
    assert 0.7 < score["skeleton"] < 0.99
    assert 0.2 < score["imu"] < 0.7
    assert score["skeleton"] - score["imu"] > 0.15
