"""Stages in a row: warm-started, resumable to the bit, refused early when they cannot run."""

import shutil

import keras
import numpy as np
import pytest

from tests.distillers.conftest import make_batch, make_student, make_teacher, same, weights
from tfkd.distillers import Distiller, Progressive, Stage
from tfkd.distillers.stage_record import StageRecord
from tfkd.losses import SoftTargets

LOSS = keras.losses.CategoricalCrossentropy(from_logits=True)


def chain(folder=None, epochs=(2, 2), temperature=2.0, optimizer=None, width=4):
    """A teacher teaches an assistant, and that one a student; then the student goes on with the teacher."""
    teacher, assistant, student = make_teacher(), make_student(8, "assistant"), make_student(width)
    stages = [
        Stage("assistant", Distiller(teacher, assistant, SoftTargets(temperature)), epochs[0]),
        Stage("student", Distiller(assistant, student, SoftTargets(2.0)), epochs[1], learning_rate=0.02),
        Stage("finish", Distiller(teacher, student, SoftTargets(2.0)), 2, learning_rate=0.001),
    ]
    training = Progressive(stages, folder)
    training.compile(optimizer or keras.optimizers.Adam(0.01), LOSS, weighted_metrics=["accuracy"], run_eagerly=True)
    return training


def fitted(training, batch, **settings):
    return training.fit(*batch, batch_size=12, shuffle=False, verbose=0, **settings)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training without a break, its history and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    training = chain(folder)
    return training, fitted(training, make_batch(np.random.default_rng(0))), folder


def test_stages_start_from_each_other(whole):
    training, history, _ = whole
    assert {name: len(h["loss"]) for name, h in history.items()} == {"assistant": 2, "student": 2, "finish": 2}
    assert history["student"]["loss"][-1] < history["student"]["loss"][0]
    # Warm: the last stage goes on below where the student began.
    assert history["finish"]["label_loss"][0] < history["student"]["label_loss"][0]
    assert training.student is training.stages[1].distiller.student
    assert float(training.stages[1].distiller.optimizer.learning_rate) == pytest.approx(0.02)
    assert float(training.stages[0].distiller.optimizer.learning_rate) == pytest.approx(0.01)


class Killed(keras.callbacks.Callback):
    """Stops the process, as it were, after some epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


@pytest.mark.parametrize("epochs", [3, 4])  # within a stage, and between two
def test_an_interrupted_training_goes_on_to_the_same_bits(batch, whole, tmp_path, epochs):
    uninterrupted, expected, _ = whole
    folder = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        fitted(chain(folder), batch, callbacks=[Killed(epochs)])
    again = chain(folder)
    history = fitted(again, batch)
    assert same(weights(again.student), weights(uninterrupted.student))
    assert history == expected
    # Finished: nothing is trained a second time, not by so much as an epoch.
    third = chain(folder)
    assert fitted(third, batch, callbacks=[Killed(0)]) == {**history}
    assert same(weights(third.student), weights(uninterrupted.student))


@pytest.mark.parametrize(
    "change, differs",
    [
        ({"epochs": (5, 4)}, "assistant.json was left by another stage 'assistant': its epochs differ"),
        ({"temperature": 3.0}, "'assistant': its losses differ"),
        ({"optimizer": keras.optimizers.Adam(0.02)}, "'assistant': its optimizer and learning rate differ"),
        ({"width": 5}, "'student': its layers of the student differ"),
    ],
)
def test_a_folder_of_other_stages_is_refused(batch, whole, tmp_path, change, differs):
    shutil.copytree(whole[-1], tmp_path, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=differs):
        fitted(chain(tmp_path, **change), batch)


def test_a_stage_that_was_begun_otherwise_is_refused(batch, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fitted(chain(tmp_path), batch, callbacks=Killed(1))
    with pytest.raises(ValueError, match=r"assistant.begun.json .* its losses differ"):
        fitted(chain(tmp_path, temperature=3.0), batch)


def test_what_follows_a_stage_done_again_is_not_taken_over(batch, whole, tmp_path):
    shutil.copytree(whole[-1], tmp_path, dirs_exist_ok=True)
    (tmp_path / "student.json").unlink()
    with pytest.raises(ValueError, match="'finish': its weights to start from differ"):
        fitted(chain(tmp_path), batch, class_weight={0: 2.0})


def test_damaged_files_are_named(batch, whole, tmp_path):
    shutil.copytree(whole[-1], tmp_path, dirs_exist_ok=True)
    (tmp_path / "assistant.keras").unlink()
    with pytest.raises(ValueError, match=r"assistant.keras cannot be read"):
        fitted(chain(tmp_path), batch)
    (tmp_path / "assistant.json").write_text("{")
    with pytest.raises(ValueError, match=r"assistant.json is no record of a stage"):
        fitted(chain(tmp_path), batch)
    with pytest.raises(ValueError, match="assistant.json' is a file"):
        chain(tmp_path / "assistant.json")


def test_a_loss_that_is_no_number_stops_its_stage(batch, tmp_path):
    x, y = batch
    training = chain(tmp_path)
    with pytest.raises(ValueError, match=r"Stage 'assistant': the loss of epoch 1 is NaN \(.*label_loss"):
        fitted(training, ({**x, "imu": np.full_like(x["imu"], np.nan)}, y))
    assert not (tmp_path / "assistant.keras").exists()


def test_a_metric_that_is_no_number_is_kept_over_interruptions(tmp_path):
    record = StageRecord(tmp_path, "a", {})
    record.go_on([{"loss": 1.0, "metric": float("nan")}])
    record.go_on([*record.begin(), {"loss": 0.5, "metric": 0.1}])
    assert record.begin() == [{"loss": 1.0, "metric": None}, {"loss": 0.5, "metric": 0.1}]


def test_callbacks_of_a_stage(batch, tmp_path):
    """A checkpoint for each stage holds that stage's student; one for all is refused, since it would mix them up."""
    best = {"monitor": "loss", "save_best_only": True, "save_weights_only": True, "verbose": 0}
    for shared in (
        keras.callbacks.ModelCheckpoint(str(tmp_path / "best.weights.h5"), **best),
        [keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))],
    ):
        with pytest.raises(ValueError, match="in each stage. Give a function"):
            fitted(chain(), batch, callbacks=shared)

    def of(stage):
        return keras.callbacks.ModelCheckpoint(str(tmp_path / f"{stage.name}.weights.h5"), **best)

    fitted(chain(epochs=(1, 1)), batch, callbacks=of)
    assert {path.name for path in tmp_path.iterdir()} == {f"{n}.weights.h5" for n in ("assistant", "student", "finish")}


def test_scaled_losses_and_what_keras_models_do_besides(batch, rng):
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=64)
    training = chain(optimizer=scaled, epochs=(1, 1))
    fitted(training, batch, callbacks=None)
    assert training.predict(batch[0], verbose=0).shape == (24, 3)
    loss, accuracy = training.evaluate(*batch, verbose=0)
    assert np.isfinite(loss) and 0 <= accuracy <= 1


def test_refusals(batch):
    teacher, student = make_teacher(), make_student()
    distiller = Distiller(teacher, student, SoftTargets())
    chained = Distiller(student, make_student(4), SoftTargets())
    for stages, message in (
        ([], "empty"),
        ([Stage("a", distiller, 0)], "'a': epochs must be .* got 0"),
        ([Stage("a", distiller, 1), Stage("a", distiller, 1)], "Two stages are called 'a'"),
        ([Stage("a/b", distiller, 1)], "letters, digits"),
        ([Stage(1, distiller, 1)], "letters, digits"),
        (Stage("a", distiller, 1), "must be a list of tfkd.distillers.Stage"),
        ([("a", distiller, 1)], "must be a list of tfkd.distillers.Stage"),
        ([Stage("a", student, 1)], "'a': distiller must be a tfkd.Distiller"),
        ([Stage("a", distiller, 1, "0.1")], "'a': learning_rate must be a number above 0 or a schedule, got '0.1'"),
        ([Stage("a", distiller, 1, -1)], "got -1"),
        ([Stage("a", chained, 1), Stage("b", distiller, 1)], "'a' has a teacher that is not trained before stage 'b'"),
    ):
        with pytest.raises(ValueError, match=message):
            Progressive(stages)
    training = Progressive([Stage("a", distiller, 1)])
    with pytest.raises(ValueError, match="compile"):
        training.fit(*batch)
    for wrong in (None, keras.optimizers.Adam, 0.1):
        with pytest.raises(ValueError, match="optimizer must be a name, an optimizer or a function"):
            training.compile(wrong, LOSS)
    training.compile("adam", LOSS)
    with pytest.raises(ValueError, match="used up after an epoch"):
        training.fit(batch for _ in range(2))
    with pytest.raises(ValueError, match="epochs=3 is each stage's own"):
        training.fit(*batch, epochs=3)
    followed = Progressive([Stage("a", distiller, 1, learning_rate=0.1)])
    followed.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10)), LOSS)
    with pytest.raises(ValueError, match="'a' has learning_rate=0.1, but the optimizer follows a schedule"):
        followed.fit(*batch)
