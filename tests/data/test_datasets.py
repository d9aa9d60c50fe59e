"""Every data set by its name on the command line, up to the windows that networks see."""

import dataclasses

import pytest

from tests.formats import berkeley, mmact, openpack, own
from tfkd.data import datasets
from tfkd.data.recordings import DataError
from tfkd.prepared import prepare, student_channels
from tfkd.recipe import Windowing, parse_recipe


def prepared(dataset, tree, teacher="fused", augmentation=None, **data):
    recipe = parse_recipe({
        "data": {"dataset": dataset, **data},
        "windows": {"length": 32, "skeleton_length": 16, "channels": []},
        "teacher": {"kind": teacher},
        "augmentation": augmentation or {},
    })  # fmt: skip
    recordings = datasets.read(dataset, str(tree), modalities=recipe.modalities, sensors=recipe.data.sensors)
    return prepare(recipe, recordings), student_channels(recipe, recordings.streams["imu"])


def test_berkeley(tmp_path):
    trials = [f"s{subject:02d}_a{action:02d}_r01" for subject in (1, 2, 8, 9) for action in (1, 2)]
    found, channels = prepared("berkeley", berkeley.build(tmp_path, trials))
    assert set(found.train.subjects) == {1, 2} and set(found.judged.subjects) == {8, 9}
    assert found.train.arrays["imu"].shape == (4, 32, 18) and len(channels) == 18
    assert found.train.arrays["skeleton"].shape == (4, 16, 18, 3)


def test_berkeley_of_some_sensors_says_which_are_missing(tmp_path):
    tree = berkeley.build(tmp_path)
    for sensor in (3, 4, 5, 6):
        for path in tree.rglob(f"acc_h0{sensor}_*"):
            path.unlink()
    with pytest.raises(DataError, match=r"no imu: sensors missing \(\d\): s\d.*left_hip, right_hip, left_ankle"):
        prepared("berkeley", tree)


@pytest.mark.parametrize("kind", ["imu", "skeleton"])
@pytest.mark.parametrize("keep", [True, False])
def test_a_folder_of_which_nothing_of_a_kind_can_be_read_says_why(tmp_path, kind, keep):
    own.build(tmp_path)
    for path in (tmp_path / kind).iterdir():
        path.write_text("time\n")
    recipe = parse_recipe({"data": {"dataset": "folder", "keep_unpaired": keep}, "teacher": {"kind": "fused"}})
    recordings = datasets.read("folder", str(tmp_path), "skip", recipe.modalities)
    with pytest.raises(DataError, match=rf"No recording in .*'{kind}'.* skipped: bad file \(5\): {kind}/a1.csv"):
        prepare(recipe, recordings)


def test_mmact_is_judged_once_for_each_sensor_recording(tmp_path):
    clips = [(subject, 1, 1, action) for subject in (1, 17) for action in ("walking", "waving_hand")]
    tree = mmact.build(tmp_path, clips, cameras=(1, 2))
    found, channels = prepared("mmact", tree, sensors=["acc_watch"])
    assert len(channels) == 3 and len(found.train) == 4 and len(found.judged) == 2
    assert all("cam1" in recording for recording in found.judged.recordings)
    with pytest.raises(DataError, match="set augmentation.view_deg to 0"):
        prepared("mmact", tree, augmentation={"view_deg": 10.0})


def test_sensors_are_chosen_where_there_are_several(tmp_path):
    tree = openpack.build(tmp_path, {"U0102": ["S0100"]}, 12)
    found = datasets.read("openpack", str(tree), modalities=("imu",), sensors=("atr03",))
    assert found.streams["imu"].channels[0] == "right_upper_arm_acc_x"
    with pytest.raises(ValueError, match="sensors must be some of"):
        datasets.read("openpack", str(tree), sensors=("atr09",))
    with pytest.raises(ValueError, match="chosen of mmact and openpack alone"):
        datasets.read("utd", str(tree), sensors=("wrist",))


@pytest.mark.parametrize("dataset", [n for n in datasets.NAMES if not n.startswith("synthetic")])
def test_where_there_is_no_data_it_is_said_where_to_get_it(dataset, tmp_path, monkeypatch):
    monkeypatch.delenv("TFKD_DATA", raising=False)
    with pytest.raises(DataError, match="--data_dir"):
        datasets.read(dataset)
    with pytest.raises(DataError, match="--data_dir"):
        datasets.read(dataset, str(tmp_path))
    with pytest.raises(DataError, match="none is not a folder"):
        datasets.read(dataset, str(tmp_path / "none"))


def test_intervals_are_part_of_the_fingerprint(tmp_path):
    from tfkd.provenance import hash_of_recordings

    tree = openpack.build(tmp_path, {"U0102": ["S0100"]}, 12)
    before = hash_of_recordings(datasets.read("openpack", str(tree), modalities=("imu",)))
    path = openpack.label_path(tree, "U0102", "S0100")
    openpack.fault_cell(path, 11, 4, "400")
    assert hash_of_recordings(datasets.read("openpack", str(tree), modalities=("imu",))) != before


def test_invented_packers_are_cut_into_decisions():
    recipe = parse_recipe({
        "data": {"dataset": "synthetic_packing"},
        "windows": {"kind": "continuous", "length": 120, "hop": 30, "skeleton_length": 60},
        "teacher": {"kind": "graph"},
    })  # fmt: skip
    found = prepare(recipe, shifts())
    assert found.train.arrays["skeleton"].shape[1:] == (60, 20, 3) and set(found.train.subjects) == {1}
    assert found.judged.labels.min() == 0 and found.judged.units[0] == "s2_shift1#1"
    with pytest.raises(DataError, match="windows.kind is 'stream', but .* are continuous"):
        prepare(dataclasses.replace(recipe, windows=Windowing("stream")), shifts())


def shifts():
    from tfkd.data.synthetic_packing import read_synthetic_packing

    return read_synthetic_packing(subjects=2, shifts=1, boxes=1)
