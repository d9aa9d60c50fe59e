"""What the cost model tells of TensorFlow Lite Micro, against counts in QEMU of students that nothing was fitted to.

`TFLM_DIR` names a checkout of https://github.com/tensorflow/tflite-micro in which the libraries for Cortex-M were built
as `micro/cmake/tflm.cmake` tells: 90b983c, or what is counted may differ.
"""

import os
from pathlib import Path

import pytest

from tests.command_line import TOOLS
from tfkd.deploy.cost import cost_of

TFLM_DIR = os.environ.get("TFLM_DIR")
LIBRARIES = {
    "m4": "gen/cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc",
    "m55": "gen/cortex_m_generic_cortex-m55_release_cmsis_nn_gcc",
}

pytestmark = pytest.mark.skipif(not TFLM_DIR, reason="needs TFLM_DIR: a checkout of TensorFlow Lite Micro")


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("core", list(LIBRARIES))
@pytest.mark.parametrize("bits", [8, 4])
def test_students_cost_what_is_counted(core, bits, tmp_path, monkeypatch):
    library = Path(TFLM_DIR) / LIBRARIES[core]
    if not (library / "lib/libtensorflow-microlite.a").exists():
        pytest.skip(f"there is no library in {library}")
    monkeypatch.syspath_prepend(TOOLS)
    from cost import counts, students

    counter = counts.Counter("tflm", core, tmp_path, (TFLM_DIR, library), bits)
    kinds = ("even", "gaf", "causal") if bits == 4 else students.POOLING
    for shape in students.shapes(3, seed=7, bits=bits, kinds=kinds):
        model_bytes = students.student(shape)
        counted = counter.count(model_bytes)["instructions"]
        assert cost_of(model_bytes, "tflm", core).instructions == pytest.approx(counted, rel=0.05), shape
