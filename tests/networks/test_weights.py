"""State files of PyTorch networks: taken over exactly, or refused by name with nothing changed."""

import sys
import types

import keras
import numpy as np
import pytest

from tfkd.networks import resnet18
from tfkd.networks.weights import WeightsError, load_resnet18, load_state


def torchvision_state(channels=3, seed=0):
    """Arrays with the names and shapes of torchvision's ResNet-18."""
    rng = np.random.default_rng(seed)
    state = {}

    def convolution(name, out, into, kernel):
        state[f"{name}.weight"] = rng.normal(0, 0.05, (out, into, kernel, kernel)).astype("float32")

    def batch_norm(name, width):
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{part}"] = rng.uniform(0.5, 1.5, width).astype("float32")
        state[f"{name}.num_batches_tracked"] = np.array(7)

    convolution("conv1", 64, channels, 7)
    batch_norm("bn1", 64)
    width = 64
    for stage, out in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name = f"layer{stage}.{block}"
            into = width if block == 0 else out
            convolution(f"{name}.conv1", out, into, 3)
            batch_norm(f"{name}.bn1", out)
            convolution(f"{name}.conv2", out, out, 3)
            batch_norm(f"{name}.bn2", out)
            if into != out:
                convolution(f"{name}.downsample.0", out, into, 1)
                batch_norm(f"{name}.downsample.1", out)
        width = out
    state["fc.weight"], state["fc.bias"] = np.zeros((1000, 512), "float32"), np.zeros(1000, "float32")
    return state


STATE = torchvision_state()


@pytest.fixture(scope="module")
def model():
    return resnet18((32, 32, 3), 5)


def values(model):
    return [np.asarray(weight) for weight in model.weights]


def test_every_array_arrives(model):
    head = [np.asarray(w) for name in ("embedding", "logits") for w in model.get_layer(name).weights]
    load_resnet18(model, STATE)
    loaded = np.concatenate([value.ravel() for value in values(model)[: -len(head)]])
    given = [array.ravel() for key, array in STATE.items() if "fc" not in key and "num_" not in key]
    np.testing.assert_array_equal(np.sort(loaded), np.sort(np.concatenate(given)))
    kernel = np.asarray(model.get_layer("layer3_0_downsample_conv").kernel)
    np.testing.assert_array_equal(kernel[0, 0], STATE["layer3.0.downsample.0.weight"][:, :, 0, 0].T)
    norm = model.get_layer("layer4_1_bn2")
    np.testing.assert_array_equal(norm.moving_variance, STATE["layer4.1.bn2.running_var"])
    np.testing.assert_array_equal(norm.beta, STATE["layer4.1.bn2.bias"])
    for before, after in zip(head, values(model)[-len(head) :]):
        np.testing.assert_array_equal(before, after)


def write_safetensors(state, path):
    from safetensors.numpy import save_file

    save_file(state, path)


def write_npz(state, path):
    np.savez(path, **state)


@pytest.mark.parametrize("suffix, write", [(".safetensors", write_safetensors), (".npz", write_npz)])
def test_files(model, tmp_path, suffix, write):
    path = tmp_path / f"resnet18{suffix}"
    changed = {f"module.{key}": array for key, array in STATE.items()}  # as DataParallel saves
    changed["module.bn1.bias"] = np.arange(64, dtype="float32")
    write(changed, path)
    load_resnet18(model, path)
    np.testing.assert_array_equal(model.get_layer("bn1").beta, np.arange(64))


def test_torch_reads_its_own_files_without_running_code(model, tmp_path, monkeypatch):
    class Tensor(np.ndarray):
        def float(self):
            return self.astype("float32")

        def numpy(self):
            return np.asarray(self)

    def load(path, map_location, weights_only):
        assert weights_only and map_location == "cpu" and path == tmp_path / "resnet18.pth"
        return {"state_dict": {key: array.view(Tensor) for key, array in torchvision_state(seed=1).items()}}

    torch = types.ModuleType("torch")
    torch.load = load
    monkeypatch.setitem(sys.modules, "torch", torch)
    load_resnet18(model, tmp_path / "resnet18.pth")
    np.testing.assert_array_equal(model.get_layer("bn1").gamma, torchvision_state(seed=1)["bn1.weight"])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(WeightsError, match=r"resnet18.pth needs torch: pip install torch, or save it as .safetensors"):
        load_resnet18(model, tmp_path / "resnet18.pth")


def without(*keys):
    return {key: array for key, array in STATE.items() if key not in keys}


@pytest.mark.parametrize(
    "state, words",
    [
        (without("layer2.1.bn1.bias"), r"missing: layer2.1.bn1.bias\. Nothing"),
        (STATE | {"layer1.2.conv1.weight": np.zeros((64, 64, 3, 3))}, r"unexpected: layer1.2.conv1.weight\. Nothing"),
        (
            STATE | {"layer1.0.conv1.weight": np.zeros((64, 64, 1, 1)), "layer4.0.bn1.bias": np.zeros(3)},
            r"layer1.0.conv1.weight has shape \(64, 64, 1, 1\), expected \(64, 64, 3, 3\)\. Nothing",
        ),
        ({}, r"missing: conv1.weight, bn1.weight, .* and \d+ more"),
        (STATE | {"bn1.weight": np.full(64, np.nan)}, "bn1.weight has values that are not finite"),
    ],
)
def test_another_networks_state_is_refused(model, state, words):
    before = values(model)
    with pytest.raises(WeightsError, match=words):
        load_resnet18(model, state)
    for old, new in zip(before, values(model)):
        np.testing.assert_array_equal(old, new)


def test_a_file_that_is_none(model, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    for name in ("broken.safetensors", "broken.npz", "array.npz", "missing.npz"):
        with pytest.raises(WeightsError, match=f"{name} could not be read"):
            load_resnet18(model, tmp_path / name)
    with pytest.raises(WeightsError, match=r"resnet18.h5: a state file ends in .safetensors"):
        load_resnet18(model, tmp_path / "resnet18.h5")


def test_a_stem_of_other_channels():
    model = resnet18((32, 32, 6), 5)
    with pytest.raises(WeightsError, match="takes images of 6 channels, the file's stem takes 3. average_stem=True"):
        load_resnet18(model, STATE)
    load_resnet18(model, STATE, average_stem=True)
    grey = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    rgb = resnet18((32, 32, 3), 5)
    load_resnet18(rgb, STATE)
    six, three = (keras.Model(m.input, m.get_layer("conv1").output) for m in (model, rgb))
    np.testing.assert_allclose(six(grey.repeat(6, -1)), three(grey.repeat(3, -1)), atol=1e-4)
    with pytest.raises(WeightsError, match=r"conv1.weight has shape \(64, 4, 7, 7\), expected \(64, 6, 7, 7\)"):
        load_resnet18(model, torchvision_state(channels=4), average_stem=True)


def test_biases_and_dense_layers():
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 2, name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(5, name="dense")(keras.layers.Flatten()(x)))
    rng = np.random.default_rng(0)
    state = {"a.weight": rng.normal(size=(3, 2, 2, 2)), "a.bias": rng.normal(size=3)}
    state |= {"b.weight": rng.normal(size=(5, 27)), "b.bias": rng.normal(size=5)}
    load_state(model, state, {"a": "conv", "b": "dense"})
    np.testing.assert_allclose(model.get_layer("dense").kernel, state["b.weight"].T, rtol=1e-6)
    np.testing.assert_allclose(model.get_layer("conv").kernel[0, 1, 1], state["a.weight"][:, 1, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(model.get_layer("conv").bias, state["a.bias"], rtol=1e-6)
