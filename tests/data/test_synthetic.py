"""The synthetic data obey physics, are reproducible, and let a camera see what the wrist cannot feel."""

import dataclasses

import numpy as np
import pytest

from tests.formats import utd
from tfkd.data import DataError, people
from tfkd.data.actions import CLASSES
from tfkd.data.kinematics import GRAVITY, Body, felt, move, rotation
from tfkd.data.synthetic import RATE, read_synthetic
from tfkd.data.utd_mhad import JOINTS, read_utd_mhad
from tfkd.data.utd_writer import write_utd_mhad

PARENT = (
    "shoulder_center", "spine", "hip_center", None,
    "shoulder_center", "left_shoulder", "left_elbow", "left_wrist",
    "shoulder_center", "right_shoulder", "right_elbow", "right_wrist",
    "hip_center", "left_hip", "left_knee", "left_ankle",
    "hip_center", "right_hip", "right_knee", "right_ankle",
)  # fmt: skip
BONES = [(i, JOINTS.index(p)) for i, p in enumerate(PARENT) if p and p != "spine"]
WRIST = JOINTS.index("right_wrist")


@pytest.fixture(scope="module")
def data():
    return read_synthetic()


@pytest.fixture(scope="module")
def clean():
    return read_synthetic(subjects=2, trials=1, noise=0)


def gravity_in(orientation):
    """What a sensor at rest feels, in g, along its axes."""
    return orientation[:, 1, :]


def named(recordings, action, subject=1):
    (found,) = [r for r in recordings if (CLASSES[r.label], r.subject, r.trial) == (action, subject, 1)]
    return found


# ---- Physics ----


def test_at_rest_the_sensor_feels_one_g_and_no_turning():
    pose = {"right_lift": 70, "right_plane": 40, "right_twist": -30, "right_elbow": 60, "trunk_lean": 20}
    joints, forearm = move(Body(), {name: np.full(50, float(a)) for name, a in pose.items()}, RATE)
    imu = felt(joints[:, WRIST], forearm, RATE)
    np.testing.assert_allclose(np.linalg.norm(imu[:, :3], axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(imu[:, 3:], 0.0, atol=1e-9)


def test_upright_with_hanging_arms_the_arm_axis_points_up():
    joints, forearm = move(Body(), {"heading": np.zeros(10)}, RATE)
    np.testing.assert_allclose(felt(joints[:, WRIST], forearm, RATE), [[0, 1, 0, 0, 0, 0]] * 8, atol=1e-9)


def test_uniform_rotation_gives_centripetal_force_and_the_exact_rate():
    rate_deg = 400.0
    body = Body(forearm=0.25)
    time = np.arange(200) / RATE
    joints, forearm = move(body, {"right_lift": 0 * time, "right_elbow": rate_deg * time}, RATE)
    imu = felt(joints[:, WRIST], forearm, RATE)
    np.testing.assert_allclose(imu[:, 3:], [[rate_deg, 0, 0]] * 198, atol=1e-6)
    pull = (imu[:, :3] - gravity_in(forearm)[1:-1]) * GRAVITY
    expected = np.radians(rate_deg) ** 2 * body.forearm  # towards the elbow, the forearm's +y
    np.testing.assert_allclose(pull, [[0, expected, 0]] * 198, atol=expected * 2e-4)


def test_free_fall_feels_nothing():
    time = np.arange(50) / RATE
    position = np.stack([0 * time, -0.5 * GRAVITY * time**2, 0.3 * time], axis=1)
    np.testing.assert_allclose(felt(position, rotation(2, 0 * time + 33), RATE), 0.0, atol=1e-9)


def test_integrating_the_gyro_gives_the_orientation():
    from scipy.spatial.transform import Rotation

    time = np.arange(400) / RATE
    angles = {
        "right_lift": 60 + 40 * np.sin(5 * time), "right_plane": 30 * np.sin(7 * time + 1),
        "right_twist": 50 * np.cos(4 * time), "right_elbow": 60 + 50 * np.sin(9 * time),
    }  # fmt: skip
    joints, forearm = move(Body(), angles, RATE)
    turned = Rotation.from_matrix(forearm[1])
    for rate in felt(joints[:, WRIST], forearm, RATE)[:-1, 3:]:
        turned = turned * Rotation.from_rotvec(rate / RATE, degrees=True)
    error = (turned.inv() * Rotation.from_matrix(forearm[-2])).magnitude()
    assert np.degrees(error) < 2.0
    assert np.degrees((Rotation.from_matrix(forearm[1]).inv() * turned).magnitude()) > 20


def test_integrating_the_force_gives_the_path():
    time = np.arange(400) / RATE
    joints, forearm = move(Body(), {"right_lift": 40 - 40 * np.cos(6 * time)}, RATE)
    path = joints[:, WRIST]
    force = np.einsum("tij,tj->ti", forearm[1:-1], felt(path, forearm, RATE)[:, :3])
    acceleration = (force - [0, 1, 0]) * GRAVITY
    start = path[1] - path[0]  # the first step, since integration needs a velocity to start from
    steps = start + np.cumsum(acceleration, axis=0) / RATE**2
    np.testing.assert_allclose(path[1] + np.cumsum(steps, axis=0), path[2:], atol=1e-6)


def test_recordings_begin_at_rest_with_one_g(clean):
    for recording in clean:
        force = np.linalg.norm(recording.streams["imu"][:4, :3], axis=1)
        np.testing.assert_allclose(force, 1.0, atol=0.05, err_msg=recording.id)


def test_sensor_range_clips():
    imu = people.imu_errors(np.full((5, 6), -1e5), np.random.default_rng(0), 1.0)
    np.testing.assert_array_equal(imu, [[-8, -8, -8, -1000, -1000, -1000]] * 5)


# ---- Bodies ----


def test_bones_keep_their_length(clean):
    for recording in clean:
        joints = recording.streams["skeleton"]
        lengths = np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=1) for a, b in BONES])
        np.testing.assert_allclose(lengths, lengths[:, :1].repeat(len(joints), 1), atol=1e-5)


def test_left_is_left_and_up_is_up(clean):
    def height(action, joint):
        skeleton = named(clean, action).streams["skeleton"]
        return np.ptp(skeleton[:, JOINTS.index(joint), 1])

    for recording in clean:
        skeleton = recording.streams["skeleton"].mean(axis=0)
        assert skeleton[JOINTS.index("right_hip"), 0] > skeleton[JOINTS.index("left_hip"), 0]
        assert skeleton[0, 1] > skeleton[JOINTS.index("hip_center"), 1]
    assert height("wave", "right_wrist") > 3 * height("wave", "left_wrist")
    assert height("wave_two_hands", "left_wrist") > 0.5
    assert height("kick_left", "left_ankle") > 3 * height("kick_left", "right_ankle")
    assert height("kick_right", "right_ankle") > 3 * height("kick_right", "left_ankle")
    assert height("squat", "hip_center") > 0.25


def test_somebody_always_stands_on_the_floor(clean):
    ankles = [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]
    for recording in clean:
        lower = recording.streams["skeleton"][:, ankles, 1].min(axis=1)
        assert np.ptp(lower) < 0.08, recording.id


def test_people_differ(clean):
    first, second = named(clean, "wave", 1), named(clean, "wave", 2)
    a, b = (r.streams["skeleton"][0] for r in (first, second))
    assert abs(np.linalg.norm(a[WRIST] - a[WRIST - 1]) - np.linalg.norm(b[WRIST] - b[WRIST - 1])) > 0.002
    assert len(first.streams["imu"]) != len(second.streams["imu"])
    bodies = {people.person(0, s).body for s in range(1, 9)}
    assert len(bodies) == 8


# ---- The data set ----


def test_what_is_promised(data):
    assert len(data) == 8 * len(CLASSES) * 4 and len(data.classes) == len(CLASSES) >= 12
    assert data.name == "synthetic" and data.subjects == list(range(1, 9))
    assert data[0].id == "a1_s1_t1" and data[-1].id == f"a{len(CLASSES)}_s8_t4"
    ratios = []
    for recording in data:
        imu, skeleton = recording.streams["imu"], recording.streams["skeleton"]
        assert imu.dtype == skeleton.dtype == "float32"
        assert imu.shape[1:] == (6,) and skeleton.shape[1:] == (20, 3)
        assert np.isfinite(imu).all() and np.isfinite(skeleton).all()
        assert np.abs(imu[:, :3]).max() <= 8 and np.abs(imu[:, 3:]).max() <= 1000
        assert 101 <= len(imu) <= 301  # 2 to 6 seconds
        assert skeleton[:, :, 2].min() > 1.5 and skeleton[:, :, 2].max() < 4.5
        ratios.append(len(imu) / len(skeleton))
    assert 2.5 < np.median(ratios) < 2.75 and np.ptp(ratios) > 0.2


def test_a_recording_depends_only_on_its_own_numbers(data):
    part = {r.id: r for r in read_synthetic(subjects=2, trials=2)}
    for recording in data:
        if recording.id in part:
            for name, values in part.pop(recording.id).streams.items():
                assert values.tobytes() == recording.streams[name].tobytes()
    assert not part


def test_another_seed_gives_other_data(data):
    other = read_synthetic(subjects=1, trials=1, seed=1)[0].streams
    assert other["imu"].tobytes() != data[0].streams["imu"].tobytes()


def test_noise_leaves_the_motion_as_it_is(data, clean):
    mine = {r.id: r for r in data}
    for recording in clean:
        noisy = mine[recording.id].streams
        for name, values in recording.streams.items():
            assert values.shape == noisy[name].shape
        error = noisy["imu"] - recording.streams["imu"]
        assert 0.005 < error[:, :3].std() < 0.1 and 0.5 < error[:, 3:].std() < 10
        jitter = (noisy["skeleton"] - recording.streams["skeleton"]).std()
        assert 0.003 < jitter < 0.04


@pytest.mark.parametrize("bad", [{"subjects": 0}, {"trials": 0}, {"seed": -1}, {"noise": -0.5}])
def test_impossible_requests_are_refused(bad):
    with pytest.raises(ValueError, match="got"):
        read_synthetic(**bad)


def _features(values, parts=12):
    """Means of equal parts of the trial, and each channel's spread and extremes."""
    values = values.reshape(len(values), -1)
    index = np.linspace(0, len(values) - 1, 4 * parts).round().astype(int)
    means = values[index].reshape(parts, 4, -1).mean(axis=1)
    return np.concatenate([means.ravel(), values.std(0), values.min(0), values.max(0)])


def test_the_skeleton_tells_more_than_the_wrist(data):
    """Odd people train and even people test a linear classifier on simple features."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    hip = JOINTS.index("hip_center")
    labels = np.array([r.label for r in data])
    train = np.array([r.subject % 2 == 1 for r in data])
    accuracy = {}
    for name, view in (("imu", lambda x: x), ("skeleton", lambda x: x - x[:, hip : hip + 1])):
        x = np.stack([_features(view(r.streams[name])) for r in data])
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
        model.fit(x[train], labels[train])
        accuracy[name] = model.score(x[~train], labels[~train])
    assert accuracy["skeleton"] >= 0.95
    assert 0.65 <= accuracy["imu"] <= 0.92
    assert accuracy["skeleton"] - accuracy["imu"] >= 0.08


# ---- UTD-MHAD's file format ----


def test_written_files_are_what_the_reader_reads(tmp_path):
    made = utd.recordings()
    paths = write_utd_mhad(made, tmp_path)
    assert len(paths) == 2 * len(made) and all(p.is_file() for p in paths)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(p.name for p in paths)
    read = {r.id: r for r in read_utd_mhad(tmp_path, use_cache=False)}
    assert set(read) == {r.id for r in made}
    for recording in made:
        assert read[recording.id].label == recording.label
        assert read[recording.id].subject == recording.subject
        for name, values in recording.streams.items():
            np.testing.assert_array_equal(read[recording.id].streams[name], values)


def test_written_files_have_the_official_form(tmp_path):
    tree = utd.build(tmp_path, actions=(2,), subjects=1, trials=1)
    made = utd.recordings((2,), 1, 1)[0].streams
    inertial = utd.values_of(tree / "Inertial" / "a2_s1_t1_inertial.mat")
    skeleton = utd.values_of(tree / "Skeleton" / "a2_s1_t1_skeleton.mat")
    assert inertial.dtype == skeleton.dtype == "float64"
    assert inertial.shape == made["imu"].shape
    assert skeleton.shape == (20, 3, len(made["skeleton"]))
    header = (tree / "Inertial" / "a2_s1_t1_inertial.mat").read_bytes()[:10]
    assert header == b"MATLAB 5.0"


def test_what_cannot_be_written_is_refused(tmp_path):
    made = utd.recordings()
    with pytest.raises(DataError, match="no label"):
        write_utd_mhad(made.without_labels([1]), tmp_path)
    with pytest.raises(DataError, match="both"):
        write_utd_mhad([made[0], made[0]], tmp_path)
    narrow = dataclasses.replace(made[0], streams={"imu": made[0].streams["imu"][:, :3]})
    with pytest.raises(DataError, match="shape"):
        write_utd_mhad([narrow], tmp_path / "narrow")
