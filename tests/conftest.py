"""Shared fixtures: seeds, a private cache folder, real data where it is at hand."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(autouse=True)
def _seeded(tmp_path, monkeypatch):
    import keras

    keras.utils.set_random_seed(0)
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path / "cache"))


def shrink_teachers(patch):
    """Teachers are one convolution over time from now on: a step takes as long as its network has layers."""
    from keras import layers

    def one_convolution(x, width, name, first_stride=2, kernel=5):
        x = layers.Conv1D(2 * width, kernel, first_stride, padding="same", name=f"{name}_conv")(x)
        x = layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))
        return layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)

    for module in ("skeleton", "imu", "fusion"):
        patch.setattr(f"tfkd.networks.{module}.temporal_features", one_convolution)


def train_quickly(patch):
    """Runs train small teachers, and nothing is traced, which takes longer than a tiny training's few steps."""
    import tensorflow as tf

    shrink_teachers(patch)
    tf.config.run_functions_eagerly(True)


@pytest.fixture(scope="module")
def quick():
    import tensorflow as tf

    with pytest.MonkeyPatch.context() as patch:
        train_quickly(patch)
        yield
    tf.config.run_functions_eagerly(False)


def leave_unchecked(patch):
    """Runs do not convert an untrained student first, to know that they can export it: they export the trained one."""
    patch.setattr("tfkd.experiment.check_exportable", lambda student: None)


def leave_undrawn(patch):
    """Reports are written without curves over epochs, of which each stage has some and each takes a while."""
    patch.setattr("tfkd.report.plots.curves", lambda runs, label: None)


@pytest.fixture
def unchecked(monkeypatch):
    leave_unchecked(monkeypatch)


@pytest.fixture
def undrawn(monkeypatch):
    leave_undrawn(monkeypatch)


@pytest.fixture(scope="session")
def plain_c_kernels(tmp_path_factory):
    """The plain C kernels as object files for this machine, under sanitizers."""
    from tests.deploy.plain_c_build import compile_kernels

    return compile_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def utd_dir():
    """Folder with the real UTD-MHAD, from the environment variable TFKD_DATA."""
    folder = os.environ.get("TFKD_DATA")
    if not folder:
        pytest.skip("TFKD_DATA does not name a folder with the real UTD-MHAD")
    return folder
