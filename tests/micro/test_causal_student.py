"""A student with a memory, in plain C with all that surrounds it, against the Python twin with the TFLM interpreter:
the same events, breaks in the signal and all."""

import shutil
from collections import Counter

import pytest
from boards import measure

from tests.micro.core import build, compare
from tests.micro.signals import faulty
from tests.micro.test_firmware import Firmware, shaken
from tfkd.deploy import TflmModel
from tfkd.deploy.streaming import Settings

BOARD = "mps2-an386"


class Tflm(TflmModel):
    __call__ = TflmModel.run


@pytest.fixture(scope="module")
def firmware(causal, workshop, plugin, tmp_path_factory):
    return Firmware(causal.folder, tmp_path_factory.mktemp("firmware"), workshop, plugin)


def test_golden_chunks_give_the_same_bytes_on_a_board(firmware, plugin):
    figures = measure(BOARD, firmware.generated, firmware.built(BOARD), plugin)
    assert figures.windows == figures.identical == len(firmware.student.golden["inputs"]) == 12
    assert sum("decision" in event for event in figures.events) == 9, "the recording reaches behind the memory"


def test_a_recording_with_breaks_on_a_board(firmware):
    settings = Settings(report_windows=True)
    samples = shaken(firmware.contract, 600, seed=0)
    expected = firmware.expected(samples, settings)
    assert firmware.events(BOARD, samples, "windows") == expected
    kinds = [event.split()[2] for event in expected]
    assert {"bad_sample", "gap", "stuck", "started", "ended"} <= set(kinds)
    # Of 69 chunks, the first three do not count: at the beginning, after the pause and after the sensor was stuck.
    assert kinds.count("decision") == 69 - 3 * 3


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_faults_of_every_kind(causal, plain_c_kernels, tmp_path):
    program = build(causal.contract, tmp_path / "program", options=plain_c_kernels, model_bytes=causal.model_bytes)
    kinds = Counter()
    for seed in range(2):
        events, inferences = compare(
            program, tmp_path, causal.contract, Tflm(causal.model_bytes), faulty(3000, seed=seed),
            Settings(report_windows=True), engine=True,
        )  # fmt: skip
        kinds.update(event.kind for event in events)
        assert inferences > 100
    assert kinds.keys() >= {"decision", "started", "ended", "gap", "stuck", "time_back", "overrun"}
