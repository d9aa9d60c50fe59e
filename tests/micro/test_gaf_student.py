"""A student of images on this machine and on an emulated Cortex-M4F: the board makes the images itself."""

import subprocess

import keras
import pytest
from boards import HOST, measure
from count import run
from recording import invented_samples, write_csv, write_records
from report import table

from tests.deploy.conftest import make_windows
from tfkd.deploy import TflmModel, export_student
from tfkd.deploy.firmware import write_firmware
from tfkd.deploy.streaming import Settings, Stream
from tfkd.encodings import GramianAngularField
from tfkd.networks import gaf_student

SIZE, TARGETS = 16, [HOST, "mps2-an386"]
FACTS = {
    "dataset": "waves",
    "split": "none",
    "windowing": "stream",
    "sample_rate_hz": 50.0,
    "window": 32,
    "hop": 8,
    "channels": ["acc_x", "acc_y", "acc_z"],
    "units": ["g", "g", "g"],
    "mean": [0.1, -0.2, 1.0],
    "scale": [0.5, 0.25, 2.0],
    "labels": ["rest", "walk", "jog"],
}


@pytest.fixture(scope="module")
def exported(toolchain, tmp_path_factory):
    """Not trained: some answer to every window, and a different one to most."""
    keras.utils.set_random_seed(0)
    images = GramianAngularField(SIZE, "gadf", -2, 2, "arcsin")
    student = gaf_student((32, 3), 3, images, embedding=16, stem=8, blocks=((16, 1), (24, 2), (24, 1)))
    student.get_layer("logits").set_weights([8 * w for w in student.get_layer("logits").get_weights()])
    x, labels = make_windows(30, seed=1)
    folder = tmp_path_factory.mktemp("gaf")
    golden = {"ids": [f"w{i}" for i in range(10)], "x": x[:10], "labels": labels[:10]}
    result = export_student(student, folder / "export", calibration=x, contract_facts=FACTS, golden=golden)
    write_firmware(result, folder / "generated")
    return result


@pytest.fixture(scope="module")
def built(exported, workshop):
    folder = exported.folder.parent
    return {target: workshop.build(target, folder / "generated", folder / target) for target in TARGETS}


def test_golden_windows_and_their_images(exported, built, plugin):
    measured = [measure(target, exported.folder.parent / "generated", built[target], plugin) for target in TARGETS]
    for m in measured:
        assert m.identical == m.windows == len(exported.golden["inputs"])
        assert m.encoded == exported.golden["inputs"].size and m.encoded_most <= 1
        assert m.encoded_off / m.encoded < 0.005
    host, board = measured
    assert host.encoded_off == board.encoded_off and host.events == board.events
    share = f"{board.encoded_off / board.encoded:.2%}"
    rows = [" ".join(row.split()) for row in table(measured).splitlines()]
    assert f"image values off by a step {share} {share}" in rows
    print(f"{share} of the image values are a step off")


def test_a_recording_gives_the_events_of_the_python_reference(exported, built, plugin):
    samples = invented_samples(exported.contract.to_dict(), 400)
    twin = Stream(exported.contract, TflmModel(exported.model_bytes).run, Settings(report_windows=True))
    for seconds, values in samples:
        twin.push(round(seconds * 1e6), values)
        twin.run()
    names = [*exported.contract.labels, "-"]
    expected = [f"event {e.time_us} {e.kind} {names[e.label]} {e.confidence} {e.value}" for e in twin.events]
    assert len({e.label for e in twin.events}) > 1 and len({e.confidence for e in twin.events}) > 20
    for target, folder in built.items():
        write_csv(folder / "samples.csv", exported.contract.channels, samples)
        write_records(folder / "samples.bin", samples)
        if target == HOST:
            command = [folder / "activity", folder / "samples.csv", "windows"]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        else:
            output = run(folder / "activity", target, ["samples.bin", "windows"], folder, plugin).output
        assert [line for line in output.splitlines() if line.startswith("event ")] == expected
