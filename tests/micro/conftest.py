"""The programs of micro/tools, and what has to be installed for the tests that need more than Python."""

import sys
from pathlib import Path

import pytest

MICRO = Path(__file__).resolve().parents[2] / "micro"
sys.path.insert(0, str(MICRO / "tools"))


@pytest.fixture(scope="session")
def toolchain():
    """Skips where the compilers or the emulator are not installed."""
    from boards import install_line, missing_packages

    missing = missing_packages()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}. {install_line(missing)}")


@pytest.fixture(scope="session")
def arm_cpp():
    """Skips where there is no C++ for Cortex-M."""
    from boards import install_line, missing_cpp_packages

    missing = missing_cpp_packages()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}. {install_line(missing)}")


@pytest.fixture(scope="session")
def causal(tmp_path_factory):
    """The export of a student with a memory. Not trained: some answer to every chunk, and a different one to most."""
    import keras

    from tests.deploy.conftest import make_windows
    from tests.micro.core import CONTRACT
    from tfkd.deploy import export_student
    from tfkd.networks import causal_student, streaming

    keras.utils.set_random_seed(0)
    student = causal_student((32, 3), 4, width=8, depth=2, kernel=3, stem_kernel=5, stem_stride=1, strides=(2,))
    student.get_layer("logits").set_weights([8 * w for w in student.get_layer("logits").get_weights()])
    names = ("dataset", "split", "windowing", "sample_rate_hz", "channels", "units", "mean", "scale", "labels")
    facts = {name: getattr(CONTRACT, name) for name in names} | {"window": 8, "hop": 8}
    x, labels = make_windows(30, seed=1)
    golden = {"ids": ["a", "b", "c"], "x": x[:3], "labels": labels[:3]}
    folder = tmp_path_factory.mktemp("causal") / "export"
    return export_student(streaming(student, 8), folder, calibration=x, contract_facts=facts, golden=golden)


@pytest.fixture(scope="session")
def workshop(toolchain, tmp_path_factory):
    from tests.micro.workshop import Workshop

    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="session")
def plugin(toolchain, tmp_path_factory):
    """The counting plugin, built once."""
    from count import build_plugin

    return build_plugin(tmp_path_factory.mktemp("plugin"))
