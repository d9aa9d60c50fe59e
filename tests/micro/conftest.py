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
def plugin(toolchain, tmp_path_factory):
    """The counting plugin, built once."""
    from count import build_plugin

    return build_plugin(tmp_path_factory.mktemp("plugin"))
