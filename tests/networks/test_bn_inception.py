"""BN-Inception: size and stages as published, padding as in Caffe and PyTorch, frozen BatchNormalization."""

import keras
import numpy as np
import pytest
from keras import layers

from tfkd.networks import bn_inception, trn_teacher
from tfkd.networks.video import FRAME_NETWORKS
from tfkd.networks.weights import WeightsError, load_bn_inception


@pytest.fixture(scope="module")
def frozen():
    """For 224 x 224 frames, as TSN fine-tunes it."""
    return bn_inception(freeze_bn="partial")


@pytest.fixture(scope="module")
def small():
    """For 64 x 64 frames, with a BatchNormalization that does something."""
    model = bn_inception((64, 64, 3))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.beta.assign(rng.normal(0, 0.5, layer.beta.shape))
    return model


def test_parameters_are_the_published_number(small):
    # 11,295,240 with the classifier of 1000 classes (table of pretrained BN-Inceptions in osmr/imgclsmob).
    count = sum(int(np.prod(v.shape)) for v in small.trainable_variables)
    assert count == 11_295_240 - (1024 * 1000 + 1000)


def test_stages_have_the_shapes_of_the_paper(frozen):
    shapes = {
        "conv1_7x7_s2": (112, 112, 64),
        "pool1_3x3_s2": (56, 56, 64),
        "conv2_3x3": (56, 56, 192),
        "pool2_3x3_s2": (28, 28, 192),
        "inception_3a_output": (28, 28, 256),
        "inception_3b_output": (28, 28, 320),
        "inception_3c_output": (14, 14, 576),
        "inception_4a_output": (14, 14, 576),
        "inception_4b_output": (14, 14, 576),
        "inception_4c_output": (14, 14, 608),
        "inception_4d_output": (14, 14, 608),
        "inception_4e_output": (7, 7, 1056),
        "inception_5a_output": (7, 7, 1024),
        "inception_5b_output": (7, 7, 1024),
        "global_pool": (1024,),
    }
    assert {name: frozen.get_layer(name).output.shape[1:] for name in shapes} == shapes


def windows(x, size, stride, pad, fill, keep_last=False):
    """Every window of a feature map, `(rows, columns, size, size, channels)`; an incomplete last one filled up."""
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), constant_values=fill)
    if keep_last:
        missing = [-(n - size) % stride for n in x.shape[:2]]
        x = np.pad(x, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=fill)
    cut = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))[::stride, ::stride]
    return np.moveaxis(cut, 2, -1)


def test_layers_by_hand(small):
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype("float32")
    reader = keras.Model(small.input, {layer.name: layer.output for layer in small.layers[1:]})
    out = {name: np.asarray(value)[0] for name, value in reader(pixels[None]).items()}

    def convolution(x, name, size, stride):
        kernel, bias = (np.asarray(v) for v in small.get_layer(name).variables)
        return np.tensordot(windows(x, size, stride, size // 2, 0.0), kernel, axes=3) + bias

    def max_pool(x, stride, pad):
        return windows(x, 3, stride, pad, -np.inf, keep_last=True).max(axis=(2, 3))

    def close(name, expected):
        np.testing.assert_allclose(out[name], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())

    bgr = pixels[:, :, ::-1] - np.array([104.0, 117.0, 128.0], "float32")
    close("conv1_7x7_s2", convolution(bgr, "conv1_7x7_s2", 7, 2))
    beta = np.asarray(small.get_layer("conv1_7x7_s2_bn").beta)
    close("conv1_7x7_s2_bn", out["conv1_7x7_s2"] / np.sqrt(1 + 1e-5) + beta)
    close("pool1_3x3_s2", max_pool(out["conv1_7x7_s2_relu"], 2, 0))
    close("inception_3a_pool", windows(out["pool2_3x3_s2"], 3, 1, 1, 0.0).mean(axis=(2, 3)))
    close("inception_3c_pool", max_pool(out["inception_3b_output"], 2, 0))
    double = convolution(out["inception_3c_double_3x3_1_relu"], "inception_3c_double_3x3_2", 3, 2)
    close("inception_3c_double_3x3_2", double)
    close("inception_5b_pool", max_pool(out["inception_5a_output"], 1, 1))
    close("global_pool", out["inception_5b_output"].mean(axis=(0, 1)))


def test_partial_freezing_leaves_the_first_batch_normalization(frozen):
    norms = [layer for layer in frozen.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(norms) == 69
    assert [layer.name for layer in norms if layer.trainable] == ["conv1_7x7_s2_bn"]
    frozen(np.random.default_rng(0).normal(0, 99, (1, 224, 224, 3)).astype("float32"), training=True)
    moved = [layer.name for layer in norms if np.abs(np.array(layer.moving_mean)).max() > 0]
    assert moved == ["conv1_7x7_s2_bn"]


def test_teacher_takes_it_by_name_or_ready_made(small):
    assert FRAME_NETWORKS["bn_inception"] is bn_inception
    model = trn_teacher((2, 64, 64, 3), 4, frame_network=small, input_name="video")
    assert model.get_layer("bn_inception") is small
    assert model.get_layer("embedding").output.shape == (None, 300)


def pytorch_state(model):
    """A state as PyTorch names it, of random numbers, with the classifier of ImageNet."""
    rng, state = np.random.default_rng(5), {}
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            high, wide, into, out = layer.kernel.shape
            state[f"{layer.name}.weight"] = rng.normal(0, 0.05, (out, into, high, wide)).astype("float32")
            state[f"{layer.name}.bias"] = rng.normal(size=out).astype("float32")
        elif isinstance(layer, layers.BatchNormalization):
            for part in ("weight", "bias", "running_mean", "running_var"):
                # Two-dimensional, as in files from PyTorch before 0.4.
                state[f"{layer.name}.{part}"] = rng.uniform(0.5, 1.5, (1, *layer.gamma.shape)).astype("float32")
    state["last_linear.weight"] = np.zeros((1000, 1024), "float32")
    return state


def test_weights_of_pytorch(frozen):
    state = pytorch_state(frozen)
    load_bn_inception(frozen, state)
    kernel = np.asarray(frozen.get_layer("inception_4c_double_3x3_2").kernel)
    np.testing.assert_array_equal(kernel[0, 2], state["inception_4c_double_3x3_2.weight"][:, :, 0, 2].T)
    norm = frozen.get_layer("conv2_3x3_reduce_bn")
    np.testing.assert_array_equal(np.asarray(norm.moving_variance), state["conv2_3x3_reduce_bn.running_var"][0])
    with pytest.raises(WeightsError, match="missing: inception_5b_1x1.bias"):
        load_bn_inception(frozen, {key: array for key, array in state.items() if key != "inception_5b_1x1.bias"})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"input_shape": (56, 56, 3)}, r"multiples of 32, got \(56, 56, 3\)"),
        ({"input_shape": (64, 64, 1)}, r"\(height, width, 3\)"),
        ({"freeze_bn": "all"}, 'freeze_bn must be None or "partial", got \'all\''),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        bn_inception(**change)
