"""A student with a memory on this machine and on an emulated Cortex-M4F, breaks in the signal and all."""

import pytest
from boards import HOST, measure

from tests.micro.test_firmware import Firmware, shaken
from tfkd.deploy.streaming import Settings

TARGETS = [HOST, "mps2-an386"]

pytestmark = pytest.mark.usefixtures("toolchain")


@pytest.fixture(scope="module")
def firmware(causal, plugin, tmp_path_factory):
    return Firmware(causal.folder, tmp_path_factory.mktemp("firmware"), plugin)


@pytest.mark.parametrize("target", TARGETS)
def test_golden_chunks_give_the_same_bytes(firmware, target, plugin):
    figures = measure(target, firmware.generated, firmware.built(target), plugin)
    assert figures.windows == figures.identical == len(firmware.student.golden["inputs"]) == 12
    assert sum("decision" in event for event in figures.events) == 9, "the recording reaches behind the memory"


@pytest.mark.parametrize("target", TARGETS)
def test_a_recording_with_breaks_gives_the_events_of_the_python_reference(firmware, target):
    settings = Settings(report_windows=True)
    samples = shaken(firmware.contract, 600, seed=0)
    expected = firmware.expected(samples, settings)
    assert firmware.events(target, samples, "windows") == expected
    kinds = [event.split()[2] for event in expected]
    assert {"bad_sample", "gap", "stuck", "started", "ended"} <= set(kinds)
    # Of 69 chunks, the first three do not count: at the beginning, after the pause and after the sensor was stuck.
    assert kinds.count("decision") == 69 - 3 * 3
