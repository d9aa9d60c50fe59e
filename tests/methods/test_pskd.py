"""PSKD as a user calls it."""

import keras
import numpy as np
import pytest

from tests.distillers.conftest import batch, make_student, rng, weights  # noqa: F401
from tests.distillers.test_several_teachers import make_teacher
from tfkd.methods import pskd


@pytest.fixture
def teachers():
    return {"imu": make_teacher("imu", (8, 6)), "skeleton": make_teacher("skeleton", (4, 5, 3), width=10)}


def test_the_student_follows_one_teacher_then_all(batch, teachers):  # noqa: F811
    student = make_student()
    training = pskd(teachers=teachers, student=student, epochs=(2, 3), semantic=0.5)
    assert [stage.name for stage in training.stages] == ["1_imu", "2_imu_skeleton"]
    training.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = weights(student)
    history = training.fit(*batch, batch_size=8, verbose=0)
    assert [len(h["loss"]) for h in history.values()] == [2, 3]
    assert "chosen_skeleton" not in history["1_imu"] and "chosen_skeleton" in history["2_imu_skeleton"]
    assert training.student is student and not np.array_equal(before[0], weights(student)[0])
    names = {layer.name for layer in student.layers}
    assert not any("projector" in name for name in names)


def test_stages_can_be_chosen(teachers):
    stages = [["skeleton"], ["skeleton", "imu"], ["imu"]]
    training = pskd(
        teachers=teachers, student=make_student(), stages=stages, epochs=[1, 1, 1], learning_rates=[0.1, 0.2, None]
    )
    assert [list(stage.distiller.teacher) for stage in training.stages] == stages
    assert [stage.learning_rate for stage in training.stages] == [0.1, 0.2, None]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"teachers": {}}, "dictionary"),
        ({"stages": [["imu"], ["fused"]]}, r"Stage 2 names the teachers \['fused'\]"),
        ({"stages": [[], ["imu"]]}, "Stage 1 has no teachers"),
        ({"epochs": (5,)}, "epochs has 1 entries for 2 stages"),
        ({"learning_rates": (1e-3,)}, "learning_rates has 1"),
        ({"epochs": (5, 0)}, "epochs must be"),
        ({"epochs": 40}, "epochs must be a list, an entry a stage, got 40"),
        ({"learning_rates": 1e-3}, "learning_rates must be a list"),
        ({"stages": ["imu", "skeleton"]}, "each of stages must be a list, an entry a stage, got 'imu'"),
        ({"label": -1}, "label must be a number of at least 0"),
        ({"semantic": 1.0, "student_layer": "emb"}, "The student .* has no layer 'emb'; its layers are"),
        ({"semantic": 1.0, "teacher_layer": "emb"}, "The teacher 'imu' .* has no layer 'emb'; its layers are"),
        ({"selection": "best"}, "selection"),
    ],
)
def test_refusals(teachers, settings, message):
    with pytest.raises(ValueError, match=message):
        pskd(**{"teachers": teachers, "student": make_student(), **settings})
