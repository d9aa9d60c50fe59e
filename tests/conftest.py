"""Shared fixtures: seeds, a private cache folder, real data where it is at hand."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(autouse=True)
def _seeded(tmp_path, monkeypatch):
    import keras

    keras.utils.set_random_seed(0)
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path / "cache"))


def train_untraced(patch):
    """Runs train without tracing from now on: a graph takes longer to make than a tiny training's few steps to take."""
    from tfkd.training import Trainer

    settings = Trainer._compile_settings
    patch.setattr(
        Trainer, "_compile_settings", lambda self, training: {**settings(self, training), "run_eagerly": True}
    )


@pytest.fixture(scope="module")
def untraced():
    with pytest.MonkeyPatch.context() as patch:
        train_untraced(patch)
        yield


@pytest.fixture
def unchecked(monkeypatch):
    """Runs do not convert an untrained student first, to know that they can export it: they export the trained one."""
    monkeypatch.setattr("tfkd.experiment.check_exportable", lambda student: None)


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
