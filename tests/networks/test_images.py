"""Image students: sizes, padding, what may go before them, learning, saving, and the way to the board."""

import keras
import numpy as np
import pytest

from tests.networks.conftest import assert_learns
from tfkd.encodings import GramianAngularField
from tfkd.networks import gaf_student, resnet18

CLASSES = 5


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_resnet18_has_the_papers_parameters():
    model = resnet18((224, 224, 3), 27)
    assert trainable(model) == 11_338_539
    assert model.count_params() == 11_338_539 + 2 * 4800
    assert model.get_layer("layer4_1_relu2").output.shape == (None, 7, 7, 512)
    assert model.get_layer("embedding").output.shape == (None, 300)


@pytest.mark.parametrize("size", [32, 50])
def test_resnet18_halves_any_size_as_pytorch_does(size):
    model = resnet18((size, size, 6), CLASSES, embedding=8)
    for name in ("conv1", "pool", "layer2_0_relu2", "layer3_0_relu2", "layer4_0_relu2"):
        size = (size + 1) // 2  # (size + 2 * padding - kernel) // 2 + 1 with padding = kernel // 2
        assert model.get_layer(name).output.shape[1:3] == (size, size)


def test_strided_layers_pad_on_both_sides():
    """What Keras' padding "same" would not do for an even size: the first output is centred on the first pixel."""
    model = resnet18((32, 32, 1), CLASSES, embedding=8)
    stem = keras.Model(model.input, model.get_layer("conv1").output)
    kernel = np.zeros((7, 7, 1, 64), np.float32)
    kernel[3, 3] = 1
    model.get_layer("conv1").set_weights([kernel])
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(stem(x)[..., 0], x[:, ::2, ::2, 0], rtol=1e-6)


@pytest.mark.parametrize("embedding", [64, 300])
@pytest.mark.parametrize("size", [8, 24, 32])
def test_gaf_student_stays_small(embedding, size):
    model = gaf_student((size, size, 6), 27, embedding=embedding)
    assert model.count_params() <= 60_000
    assert model.get_layer("embedding").output.shape == (None, embedding)


def test_gaf_student_fits_a_cortex_m():
    from tfkd.deploy import TflmModel, convert_int8, plain_c_files

    student = gaf_student((32, 32, 6), 27, embedding=300)
    model_bytes = convert_int8(student, np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 6)))
    assert TflmModel(model_bytes).arena_bytes < 32 * 1024
    assert plain_c_files(model_bytes, "0" * 64)["student_plain.h"].count("MEMORY_BYTES 14528") == 1


@pytest.mark.parametrize("make, size", [(resnet18, 32), (gaf_student, 8)])
def test_is_saved_with_the_encoding_before_it(make, size, tmp_path):
    model = make((40, 2), CLASSES, GramianAngularField(size, "gadf"), embedding=16, input_name="wrist")
    assert model.inputs[0].name == "wrist" and model.output_shape == (None, CLASSES)
    x = np.random.default_rng(0).normal(size=(2, 40, 2)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x), model(x))


def test_gaf_student_learns():
    keras.utils.set_random_seed(0)
    y = np.arange(20) % CLASSES
    x = np.sin(np.linspace(0, 6, 40)[:, None] * (1 + y[:, None, None]) + np.arange(2)).astype("float32")
    model = gaf_student((40, 2), CLASSES, GramianAngularField(16), blocks=((32, 1), (32, 2)), dropout=0)
    assert_learns(model, x, y)


@pytest.mark.parametrize("make, smallest", [(resnet18, 32), (gaf_student, 8)])
def test_what_is_no_image_is_refused(make, smallest):
    with pytest.raises(ValueError, match=rf"input_shape must be an image .* of at least {smallest} x {smallest}"):
        make((smallest - 1, 64, 3), CLASSES)
    with pytest.raises(ValueError, match="input_shape must be an image"):
        make((128, 6), CLASSES)
    with pytest.raises(ValueError, match=r"what gaf makes of \(128, 6\) must be an image .* not \(4, 4, 6\)"):
        make((128, 6), CLASSES, GramianAngularField(4, name="gaf"))
