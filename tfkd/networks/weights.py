"""Weights from state files of PyTorch networks, checked layer by layer before any is taken over.

A state file holds arrays by name, `layer1.0.conv1.weight` and so on, as torchvision's downloads do. It is the user's:
tfkd has none and fetches none.
"""

import zipfile
from pathlib import Path

import numpy as np

from tfkd.networks.images import RESNET18_STAGES

_SUFFIXES = (".safetensors", ".npz", ".pth", ".pt")

# PyTorch's name of each Keras variable, and the axes that turn PyTorch's layout into Keras'.
_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_COUNTER = ".num_batches_tracked"  # of PyTorch's batch normalisation; Keras has none
_AXES = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}


class WeightsError(ValueError):
    """A state file cannot be read or is another network's; the message names the file, the array and the way out."""


def load_resnet18(model, source, average_stem=False):
    """Gives a `tfkd.networks.resnet18` the weights of torchvision's ResNet-18, up to the mean over positions.

    What follows, the layers `"embedding"` and `"logits"`, stays as it is; the file's `fc` is not used.

    Args:
        model: from `resnet18`.
        source: the file, see `load_state`.
        average_stem: take, for every input channel of a model that has not three, the mean of the stem's three
            filters, scaled so that equal channels give what they gave before.

    Raises:
        WeightsError: see `load_state`; or the model has not three channels and `average_stem` is not asked for.
    """
    channels = model.get_layer("conv1").kernel.shape[2]
    if channels != 3 and not average_stem:
        raise WeightsError(
            f"{model.name} takes images of {channels} channels, the file's stem takes 3. average_stem=True gives "
            "every channel the mean of the three filters."
        )
    layers = {"conv1": "conv1", "bn1": "bn1"}
    for stage in range(1, len(RESNET18_STAGES) + 1):
        for block in range(2):
            torch, ours = f"layer{stage}.{block}", f"layer{stage}_{block}"
            layers |= {f"{torch}.{part}": f"{ours}_{part}" for part in ("conv1", "bn1", "conv2", "bn2")}
            if f"{ours}_downsample_conv" in (layer.name for layer in model.layers):
                layers[f"{torch}.downsample.0"] = f"{ours}_downsample_conv"
                layers[f"{torch}.downsample.1"] = f"{ours}_downsample_bn"

    def averaged(stem):
        if stem.ndim != 4 or stem.shape[1] != 3:
            return stem  # refused by its shape
        return np.repeat(stem.mean(axis=1, keepdims=True), channels, axis=1) * np.float32(3 / channels)

    load_state(model, source, layers, unused=("fc",), adapt={"conv1.weight": averaged} if channels != 3 else {})


def load_bn_inception(model, source):
    """Gives a `tfkd.networks.bn_inception` the weights of the PyTorch BN-Inception of TSN and TRN.

    That is a state whose modules are `conv1_7x7_s2`, `conv1_7x7_s2_bn`, `conv2_3x3_reduce` and so on, as the layers
    are named here. Its classifier is not used. Batch normalisation's arrays may have shape `(1, channels)`, as
    PyTorch before 0.4 wrote them.

    Args:
        model: from `bn_inception`, of any input shape.
        source: the file, see `load_state`.

    Raises:
        WeightsError: see `load_state`.
    """
    layers = {layer.name: layer.name for layer in model.layers if layer.weights}
    parts = ("weight", "bias", "running_mean", "running_var")
    norms = [f"{name}.{part}" for name in layers if name.endswith("_bn") for part in parts]
    load_state(model, source, layers, unused=("fc", "last_linear"), adapt=dict.fromkeys(norms, _without_leading_one))


def _without_leading_one(array):
    return array[0] if array.ndim == 2 and len(array) == 1 else array


def load_state(model, source, layers, unused=(), adapt=None):
    """Fills layers of a Keras model from a PyTorch state, all of them or none.

    Args:
        model: Keras model with built layers of type Conv2D, Dense or BatchNormalization under the names in `layers`.
        source: path of a `.safetensors` (needs `pip install "tfkd[weights]"`), `.npz`, or `.pth`/`.pt` file (needs
            torch, which reads it with `weights_only=True`); or a dict of arrays by name.
        layers: dict, name of a module in the state (`"layer1.0.bn1"`) -> name of the Keras layer.
        unused: modules that may be in the state and are not wanted.
        adapt: dict, name of an array -> function that is given the array and returns the one to load.

    Raises:
        WeightsError: the file cannot be read; arrays are missing, unexpected, of another shape or not finite.
    """
    name, state = ("state", dict(source)) if isinstance(source, dict) else (str(source), _read(Path(source)))
    if state and all(key.startswith("module.") for key in state):  # saved from torch's DataParallel
        state = {key.removeprefix("module."): array for key, array in state.items()}
    for key, function in (adapt or {}).items():
        if key in state:
            state[key] = function(np.asarray(state[key], np.float32))
    wanted = {}
    for module, layer_name in layers.items():
        layer = model.get_layer(layer_name)
        for variable in layer.weights:
            wanted[f"{module}.{_NAMES[variable.name]}"] = variable
    _compare(name, model, state, wanted, unused)
    arrays = {key: np.asarray(state[key], np.float32) for key in wanted}
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{name}: {key} has values that are not finite. Take another file; nothing was loaded.")
    for key, variable in wanted.items():
        variable.assign(arrays[key].transpose(_AXES[arrays[key].ndim]))


def _compare(name, model, state, wanted, unused):
    missing = [key for key in wanted if key not in state]
    spare = tuple(f"{module}." for module in unused)
    unexpected = [
        key for key in state if key not in wanted and not key.startswith(spare) and not key.endswith(_COUNTER)
    ]
    wrong = None
    for key in wanted:  # in the network's order, so that what is named is the first layer that differs
        found, expected = tuple(np.shape(state.get(key))), _torch_shape(wanted[key].shape)
        if key in state and found != expected:
            wrong = f"{key} has shape {found}, expected {expected}"
            break
    if missing or unexpected or wrong:
        parts = [wrong] if wrong else []
        parts += [f"missing: {_listed(missing)}"] if missing else []
        parts += [f"unexpected: {_listed(unexpected)}"] if unexpected else []
        raise WeightsError(f"{name} is not a state of {model.name}: {'; '.join(parts)}. Nothing was loaded.")


def _torch_shape(shape):
    axes = _AXES[len(shape)]
    return tuple(shape[axes.index(i)] for i in range(len(shape)))


def _listed(keys, most=8):
    more = f" and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(keys[:most]) + more


def _read(path):
    if path.suffix not in _SUFFIXES:
        raise WeightsError(f"{path}: a state file ends in {', '.join(_SUFFIXES)}.")
    try:
        return _READERS[path.suffix](path)
    except ModuleNotFoundError as error:
        way = {"safetensors": 'pip install "tfkd[weights]"', "torch": "pip install torch, or save it as .safetensors"}
        raise WeightsError(f"{path} needs {error.name}: {way.get(error.name, 'install it')}.") from error
    except Exception as error:  # each library has its own errors for what is no file of its kind
        raise WeightsError(f"{path} could not be read: {error}") from error


def _read_safetensors(path):
    from safetensors.numpy import load_file

    return load_file(path)


def _read_npz(path):
    with np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise zipfile.BadZipFile("not an archive of arrays")
        return dict(archive)


def _read_torch(path):
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    return {key: tensor.float().numpy() for key, tensor in state.items()}


_READERS = {".safetensors": _read_safetensors, ".npz": _read_npz, ".pth": _read_torch, ".pt": _read_torch}
