"""What a recipe makes of a run, and what it cannot make of it: told before anything is trained or kept."""

import pytest

from tests.formats import utd
from tests.tiny_run import TINY, experiment
from tfkd import files
from tfkd.data.recordings import DataError
from tfkd.deploy import load_export
from tfkd.recipe import RecipeError
from tfkd.training import Trainer

pytestmark = pytest.mark.usefixtures("quick", "undrawn")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=4)


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_read(tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = []
    with pytest.raises(files.OutputError, match="Could not write"):
        experiment(tree, tmp_path / "file" / "run", say=said.append)
    assert said == []


def test_an_attempt_without_data_does_not_occupy_the_folder(tree, tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        experiment(tmp_path / "nowhere", tmp_path / "run")
    experiment(tree, tmp_path / "run", {"student": {"width": 9}})


def test_a_student_that_tflm_cannot_run_is_refused_before_training(tree, tmp_path, monkeypatch):
    import keras

    from tfkd.deploy import ExportError

    def with_gelu(self):
        inputs = keras.Input((32, 6), name="imu")
        x = keras.layers.Activation("gelu", name="strange")(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Dense(27)(x))

    monkeypatch.setattr(Trainer, "new_student", with_gelu)
    with pytest.raises(ExportError, match="GELU"):
        experiment(tree, tmp_path / "run").run(1)
    assert not (tmp_path / "run" / "seed0").exists()


def test_a_training_that_fails_is_told_and_not_kept(tree, tmp_path):
    wild = {"teacher_training": TINY["teacher_training"] | {"learning_rate": 1e30}}
    with pytest.raises(RecipeError, match=r"\[seed 0\] teacher: its .* became NaN or infinite: that training failed"):
        experiment(tree, tmp_path / "run", wild).run(1)
    assert not (tmp_path / "run" / "seed0" / "teacher.npz").exists()


def test_validation_people_are_judged_instead_of_the_test_people(tree, tmp_path):
    found = experiment(tree, tmp_path / "run", {"data": {"dataset": "utd", "validation_subjects": [3]}})
    assert found.prepared.side == "validation" and set(found.prepared.judged.subjects) == {3}
    assert set(found.prepared.train.subjects) == {1}


def test_unlabelled_people_train_the_student_and_not_the_teacher(tree, tmp_path):
    found = experiment(tree, tmp_path / "run", {"data": {"dataset": "utd", "labelled_subjects": [1]}})
    trainer = Trainer(found.recipe, found.prepared, found.channels, 0)
    training = found.recipe.student_training
    everyone = trainer.batches(["imu", "skeleton"], training)
    labelled = trainer.teacher_batches("skeleton")
    assert set(everyone.windows.subjects) == {1, 3} and set(labelled.windows.subjects) == {1}
    assert everyone.num_batches == labelled.num_batches, "equal budgets"
    assert (everyone.windows.labels[everyone.windows.subjects == 3] == -1).all()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "change",
    [
        {
            "windows": {"kind": "stream", "length": 64, "hop": 32, "skeleton_length": 16},
            "distillation": {"teacher": "stored", "angle": 1.0, "label": 0.5},
            "augmentation": {"jitter": 0.05},
            "student": {"kind": "causal", "width": 8, "depth": 1},
            "ablation": {"control": False},
            "pruning": {"epochs": 1},
        },
        {
            "windows": {"length": 32, "skeleton_length": 16, "channels": ["acc_x", "acc_y", "acc_z"]},
            "teacher": {"kind": "fused", "width": 8},
            "pruning": {"sparsity": 0.0},
            "ablation": {"control": False},
            "data": {"dataset": "utd", "split": "loso", "test_subject": 2},
        },
    ],
    ids=["stream, causal student, stored outputs", "three channels, fused teacher, not pruned, loso"],
)
def test_other_recipes_run_through(tree, tmp_path, change):
    short = {"epochs": 1, "batch_size": 32}
    change = {**change, "teacher_training": short, "student_training": short}
    results = experiment(tree, tmp_path / "run", change).run(1)
    contract = load_export(tmp_path / "run" / "seed0" / "export").contract
    if "kind" in change["windows"]:
        assert contract.sample_rate_hz == 50.0 and contract.hop == contract.window == 32 and contract.memory > 0
        assert "for each 32 new samples" in (tmp_path / "run" / "report.html").read_text()
        assert results["protocol"]["judged_windows"] > results["protocol"]["judged_recordings"]
    else:
        assert contract.input_shape == (1, 32, 3) and results["protocol"]["split"] == "loso_2"
        assert "pruned" not in results["stages"] and "int8_vs_distilled" in results["comparisons"]
