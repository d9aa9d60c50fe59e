"""Recipes: strict about keys and values, whole when written back."""

from pathlib import Path

import pytest

from tfkd.recipe import Recipe, RecipeError, load_recipe, parse_recipe

MODELS = Path(__file__).resolve().parent.parent / "models"
OPENPACK = {"data": {"dataset": "openpack", "split": "pilot"}}
CAUSAL = {"student": {"kind": "causal"}}


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/recipe.toml")), ids=lambda p: p.parent.name)
def test_every_recipe_of_the_zoo_is_valid_and_survives_writing(path, tmp_path):
    recipe = load_recipe(path)
    written = tmp_path / "recipe.toml"
    written.write_text(recipe.to_toml())
    assert load_recipe(written) == recipe


def test_settings_can_take_the_place_of_the_files(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[data]\ndataset = "utd"\nsplit = "cross_trial"\n')
    changes = ["data.split = loso", "data.test_subject=3", "data.labelled_subjects=[1, 5]", "pruning.sparsity=0.8"]
    recipe = load_recipe(path, changes)
    assert (recipe.data.dataset, recipe.data.split, recipe.data.test_subject) == ("utd", "loso", 3)
    assert recipe.data.labelled_subjects == (1, 5) and recipe.pruning.sparsity == 0.8
    for text, words in (
        ("windows.channels=[acc_x, acc_z]", ("acc_x", "acc_z")),
        ("""windows.channels=[acc_x,"a, b" ,'c', two words ]""", ("acc_x", "a, b", "c", "two words")),
        ("windows.channels=[]", ()),
    ):
        assert load_recipe(path, [text]).windows.channels == words
    stages = ["pskd.stages=[[imu], [fused, imu]]", "pskd.epochs=[40, 60]", "more_teachers=[{kind='imu'}]"]
    assert load_recipe(path, stages).pskd.stages == (("imu",), ("fused", "imu"))
    for change, message in (
        ("windows.channels=[acc_x, 3]", "windows.channels[1] must be a string, got 3"),
        ("ablation.control=yes", "ablation.control must be true or false, got 'yes'"),
        ("data.split", "'data.split' must have the form section.key=value"),
        ("data.split.x=3", "names split, which is no section"),
        ("data.splitt=loso", "unknown key data.splitt; did you mean data.split?"),
        ("data.split=[", "data.split is '['"),
    ):
        with pytest.raises(RecipeError) as raised:
            load_recipe(path, [change])
        assert message in str(raised.value)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"studnet": {}}, "unknown key studnet; did you mean student?"),
        ({"student": {"widht": 3}}, "unknown key student.widht; did you mean student.width?"),
        ({"student": {"xyz": 3}}, "unknown key student.xyz; known: kind, width, depth"),
        ({"student": 3}, "student must be a table, got 3"),
        ({"student": {"width": 2.5}}, "student.width must be a whole number, got 2.5"),
        ({"student": {"width": True}}, "student.width must be a whole number, got True"),
        ({"student": {"width": 0}}, "student.width is 0, but must be at least 1"),
        ({"student": {"strides": [2, 0]}}, "student.strides is (2, 0), but must be of at least 1 each"),
        ({"student": {"dropout": 1}}, "student.dropout is 1.0, but must be at least 0 and below 1"),
        ({"windows": {"channels": "acc_x"}}, "windows.channels must be a list of str, got 'acc_x'"),
        ({"data": {"dataset": "kitchen"}}, "data.dataset is 'kitchen', but must be utd or berkeley or mmact"),
        ({"data": {"dataset": "mmact", "split": "cross_trial"}}, "cross_session or loso (of mmact)"),
        ({"data": {"sensors": ["atr01"]}}, "data.sensors is ('atr01',), but must be empty, but for mmact or openpack"),
        (OPENPACK | {"data": {**OPENPACK["data"], "sensors": ["atr09"]}}, "'atr09', but must be atr01 or atr02"),
        (OPENPACK | {"data": {**OPENPACK["data"], "sensors": ["atr01"] * 2}}, "sensors named once each"),
        (OPENPACK | {"teacher": {"kind": "depth"}}, "a teacher that sees what the data set openpack has: imu or skel"),
        ({"teacher": {"kind": "video"}}, "what the data set synthetic has: imu or skeleton or depth"),
        ({"data": {"dataset": "folder"}, "more_teachers": [{"kind": "video"}]}, "more_teachers[0].kind is 'video'"),
        ({"teacher": {"kind": "radar"}}, "must be fused or skeleton or graph or imu or depth or video"),
        ({"student": {"kind": "gaf", "image_size": 129}}, "student.image_size is 129, but must be from 8 to"),
        ({"student": {"kind": "resnet18", "image_size": 31}}, "student.image_size is 31, but must be from 32"),
        ({"student": {"kind": "gaf", "encoding": "gasf 3 -3"}}, "student.encoding is 'gasf 3 -3'"),
        ({"student": {"kind": "gaf", "encoding": "mtf"}}, "must be gasf or gadf, with a range if wished"),
        ({"teacher": {"kind": "depth", "frame_network": "bn_inception"}}, "crop is 0, but must be a multiple of 32"),
        ({"student": {"weights": "a.npz"}}, "student.weights is 'a.npz', but must be empty"),
        ({"teacher": {"weights": "a.npz"}}, "teacher.weights is 'a.npz', but must be empty"),
        ({"ablation": {"terms": ["angel"]}}, "ablation.terms is 'angel', but must be soft_targets or distance"),
        ({"ablation": {"raw_signal": True}}, "false where student.kind is imu: it takes the raw signal already"),
        ({"ablation": {"raw_signal": 1}}, "ablation.raw_signal must be true or false, got 1"),
        ({"student": {"kind": "causal"}}, "windows.kind is 'whole_trial', but must be stream or continuous"),
        (CAUSAL | {"windows": {"kind": "stream", "hop": 20}}, "windows.hop is 20, but must be a multiple of 8"),
        (CAUSAL | {"windows": {"kind": "stream", "hop": 24}}, "windows.length is 128, but must be a multiple of windo"),
        ({"frames": {"segments": 9, "most": 8}}, "frames.segments is 9, but must be at most frames.most, 8"),
        ({"frames": {"crop": 65}}, "frames.crop is 65, but must be at most frames.size, 64"),
        ({"windows": {"kind": "stream", "length": 64, "hop": 65}}, "windows.hop is 65, but must be at most windows.le"),
        ({"windows": {"kind": "sliding"}}, "must be whole_trial or stream"),
        ({"data": {"split": "loso"}}, "data.test_subject is 0"),
        ({"student_training": {"learning_rate": float("nan")}}, "must be a finite number, got nan"),
        ({"augmentation": {"jitter": -1}}, "augmentation: jitter must be a finite number of at least 0"),
        ({"pruning": {"sparsity": 1.0}}, "pruning.sparsity is 1.0"),
        ({"pruning": {"pattern": "4:2"}}, "pruning.pattern is '4:2', but must be unstructured, zeros in every so many"),
        ({"pruning": {"pattern": "2:4", "sparsity": 0.8}}, "sparsity is 0.8, but must be 0.5 with the pattern 2:4"),
        ({"pruning": {"pattern": "2:4", "per_layer": "flash"}}, "must be equal with the pattern 2:4"),
        ({"pruning": {"per_layer": "cost"}}, "must be equal or flash or instructions"),
        ({"pruning": {"per_layer": "instructions", "engine": "tflm"}}, "must be flash with the engine tflm"),
        ({"pruning": {"engine": "tflm", "core": "m7"}}, "pruning.core is 'm7', but must be m4 or m55"),
        ({"channels": {"core": "m3"}}, "channels.core is 'm3', but must be m4 or m7 or m55 for plain_c"),
        ({"quantization": {"weight_bits": 2}}, "quantization.weight_bits is 2, but must be 8 or 4"),
        ({"quantization": {"weight_bits": 4}}, "weight_bits is 4, but must be 8 where quantization.aware_epochs is 0"),
        ({"distillation": {"temperature": 0}}, "distillation.temperature is 0.0, but must be above 0"),
        ({"distillation": {"soft_targets": 0}}, "at least one of soft_targets"),
        (
            {"distillation": {"teacher": "stored"}, "augmentation": {"mixup": 0.2}},
            "must be live, because the augmentation moves time or mixes samples",
        ),
    ],
)
def test_bad_values_name_file_key_value_and_way_out(values, message):
    with pytest.raises(RecipeError) as raised:
        parse_recipe(values, "my.toml")
    assert str(raised.value).startswith("my.toml: ") and message in str(raised.value)


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(RecipeError, match="There is no recipe"):
        load_recipe(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[student\nwidth = 3")
    with pytest.raises(RecipeError, match=r"broken\.toml cannot be read as TOML"):
        load_recipe(broken)


def test_defaults_are_a_valid_recipe():
    assert parse_recipe({}) == Recipe()
