"""UTD-MHAD's recordings through the students of models/, sample by sample: C core and plain C student under
sanitizers send what the Python twin sends with the TFLM interpreter, and both decide what the evaluation of the
windows decides."""

import shutil

import numpy as np
import pytest

from tests.micro.core import REPOSITORY, build, compare
from tests.micro.signals import commands
from tfkd.deploy import Contract, TflmModel
from tfkd.deploy.streaming import Settings

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


class Student:
    def __init__(self, name, folder, kernels):
        model = REPOSITORY / "models" / name
        self.contract = Contract.read(model / "contract.json")
        self.tflm = TflmModel((model / "student.tflite").read_bytes())
        self._program = build(self.contract, folder / name, options=kernels, model_bytes=self.tflm.model_bytes)

    def compare(self, folder, commands, settings=None):
        return compare(self._program, folder, self.contract, self.tflm.run, commands, settings, engine=True)

    def outputs(self, windows):
        """Of windows in the sensor's units, as the evaluation computes them."""
        mean, scale = (np.array(values, np.float32) for values in (self.contract.mean, self.contract.scale))
        return self.tflm.run(self.tflm.quantize((windows - mean) / scale))


@pytest.fixture(scope="module")
def students(plain_c_kernels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("students")
    return {name: Student(name, folder, plain_c_kernels) for name in ("utd-imu", "utd-acc", "utd-imu-stream")}


@pytest.fixture(scope="module")
def recordings(utd_dir):
    from tfkd.data import cross_subject
    from tfkd.data.utd_mhad import read_utd_mhad

    test = cross_subject(read_utd_mhad(utd_dir, modalities=["imu"])).test
    return test, [test[i].streams["imu"] for i in range(0, len(test), 8)]


def test_a_day_of_recordings(recordings, students, tmp_path):
    """One after the other with pauses between: an activity, or none, and its end for each."""
    student = students["utd-imu-stream"]
    played, time_us = [], 2**32 - 60_000_000
    for imu in recordings[1]:
        times = [time_us + 20_000 * i for i in range(len(imu))]
        played += commands(times, imu)
        time_us = times[-1] + 2_000_000
    settings = Settings(range=(8.0,) * 3 + (1000.0,) * 3, report_windows=True)
    events, inferences = student.compare(tmp_path, played, settings)
    kinds = [event.kind for event in events]
    assert kinds.count("gap") == len(recordings[1]) - 1
    assert kinds.count("started") - kinds.count("ended") in (0, 1)
    assert kinds.count("started") > len(recordings[1]) / 2
    window, hop = student.contract.window, student.contract.hop
    cuts = [imu[i : i + window] for imu in recordings[1] for i in range(0, len(imu) - window + 1, hop)]
    assert inferences == len(cuts)
    labels = student.outputs(np.stack(cuts)).argmax(axis=1)
    assert [event.label for event in events if event.kind == "decision"] == labels.tolist()


def test_a_sensor_that_is_not_quite_at_50_hz(recordings, students, tmp_path):
    student = students["utd-imu-stream"]
    generator = np.random.default_rng(0)
    imu = np.concatenate(recordings[1][:12])
    steps = generator.normal(19_300, 1_500, len(imu)).astype(int)
    steps[generator.random(len(imu)) < 0.01] += 300_000
    settings = Settings(report_windows=True)
    times = np.cumsum(np.maximum(steps, 1)).tolist()
    events, inferences = student.compare(tmp_path, commands(times, imu), settings)
    assert inferences > 50
    assert "gap" not in {event.kind for event in events}


@pytest.mark.parametrize("name", ["utd-imu", "utd-acc"])
def test_whole_trials(recordings, students, tmp_path, name):
    from tfkd.data import whole_trial

    student = students[name]
    test, _ = recordings
    channels = len(student.contract.channels)
    played = []
    for i in range(0, len(test), 4):
        pushes = [("push", 20_000 * j, x[:channels]) for j, x in enumerate(test[i].streams["imu"])]
        played += [("begin", 0, None), *pushes, ("finish", 0, None)]
    events, inferences = student.compare(tmp_path, played)
    windows = whole_trial(test, {"imu": student.contract.window}).arrays["imu"][::4, :, :channels]
    labels = student.outputs(windows).argmax(axis=1)
    assert [event.label for event in events if event.kind == "decision"] == labels.tolist()
    assert inferences == len(labels)
