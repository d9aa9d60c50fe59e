"""From a recipe's words to Keras objects, where a whole run would take too long to show it."""

import dataclasses
import types

import keras
import numpy as np
import pytest

from tests.networks.test_bn_inception import pytorch_state
from tests.networks.test_weights import torchvision_state, write_npz
from tfkd.data.synthetic import read_synthetic
from tfkd.data.windows import Windows
from tfkd.networks import bn_inception
from tfkd.networks.weights import WeightsError
from tfkd.prepared import prepare
from tfkd.recipe import parse_recipe
from tfkd.training import FEW_STEPS, Trainer


def trainer(**sections):
    recipe = parse_recipe({"data": {"dataset": "utd"}, "windows": {"length": 32}, **sections})
    arrays = {"imu": np.zeros((2, 32, 6), "float32"), "video": np.zeros((2, 32, 64, 64, 3), "uint8")}
    each = np.zeros(2, int)
    train = Windows(arrays, each, each, each.astype(str), each, ("a", "b"))
    return Trainer(recipe, types.SimpleNamespace(train=train), range(6), seed=0)


def test_recordings_that_nobody_can_explain_are_left_out_with_a_note():
    values = {
        "data": {"dataset": "synthetic", "keep_unpaired": True, "labelled_subjects": [1, 3]},
        "windows": {"length": 32, "skeleton_length": 16},
        "teacher": {"kind": "skeleton"},
    }
    lost = {"a1_s1_t1", "a1_s5_t1"}  # of a labelled person and of one without labels

    def without_skeleton(recording):
        streams = {name: v for name, v in recording.streams.items() if name != "skeleton" or recording.id not in lost}
        return dataclasses.replace(recording, streams=streams)

    recordings = read_synthetic(trials=2).mapped(without_skeleton)
    prepared = prepare(parse_recipe(values), recordings)
    assert prepared.notes["left out: neither a label nor what a teacher sees"] == ["a1_s5_t1"]
    kept = dict(zip(prepared.train.recordings, prepared.train.present["skeleton"]))
    assert "a1_s5_t1" not in kept and not kept["a1_s1_t1"] and kept["a1_s5_t2"]


def test_a_student_starts_from_a_file(tmp_path):
    state = torchvision_state()
    write_npz(state, tmp_path / "resnet18.npz")
    settings = {"kind": "resnet18", "image_size": 32, "embedding": 300, "weights": str(tmp_path / "resnet18.npz")}
    student = trainer(student=settings).new_student()
    kernel = np.asarray(student.get_layer("conv1").kernel)  # of six channels, from the mean over the file's three
    expected = state["conv1.weight"].sum(axis=1).transpose(1, 2, 0)
    np.testing.assert_allclose(kernel.sum(axis=2), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(WeightsError, match="nowhere.npz"):
        trainer(student={**settings, "weights": "nowhere.npz"}).new_student()


def test_a_teacher_starts_from_a_file(tmp_path):
    state = pytorch_state(bn_inception((64, 64, 3)))
    write_npz(state, tmp_path / "bn_inception.npz")
    settings = {"kind": "video", "frame_network": "bn_inception", "weights": str(tmp_path / "bn_inception.npz")}
    teacher = trainer(teacher=settings, frames={"size": 64, "crop": 64, "segments": 2, "most": 32}).new_teacher("video")
    kernel = np.asarray(teacher.get_layer("bn_inception").get_layer("conv1_7x7_s2").kernel)
    np.testing.assert_array_equal(kernel, state["conv1_7x7_s2.weight"].transpose(2, 3, 1, 0))


def test_statistics_settle_quickly_in_short_trainings_alone():
    def momenta(epochs):
        training = {"epochs": epochs}
        made = trainer(teacher={"kind": "imu"}, student_training=training, teacher_training=training)
        layers = [*made.new_student().layers, *made.new_teacher("imu").layers]
        return {layer.momentum for layer in layers if isinstance(layer, keras.layers.BatchNormalization)}

    assert momenta(FEW_STEPS) == {0.99} and momenta(FEW_STEPS - 1) == {0.9}
