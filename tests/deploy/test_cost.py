"""What a student will cost, against what the zoo's students were measured to cost."""

import json
from pathlib import Path

import pytest

from tests.deploy.model_writer import ModelWriter
from tfkd.deploy.cost import Cost, cost_of, fitted
from tfkd.deploy.plain_c import lower

ROOT = Path(__file__).resolve().parents[2]
MEASURED = json.loads((ROOT / "micro" / "measured.json").read_text())
CORES = {"cortex-m4": "m4", "cortex-m7": "m7", "cortex-m55": "m55"}
ENGINES = {"plain C": "plain_c", "TFLM 90b983c, CMSIS-NN": "tflm"}
ZOO = ("utd-acc", "utd-imu", "utd-vskd-micro")
PLACES = [
    pytest.param(record["model"], ENGINES[record["engine"]], target, id=f"{record['model']}, {target['target']}")
    for record in MEASURED
    for target in record["targets"]
    if record["model"] in ZOO and record["engine"] in ENGINES and target["target"].startswith("mps")
]


def student(width=16, time=32, pool=False, bits=8):
    """Bytes of a small student written operator by operator."""
    w = ModelWriter(bits=bits)
    scales = {} if bits == 8 else {"scales": [0.06]}  # with which shifts are those of trained students
    source = w.tensor((1, time, 1, 6), 0.05, 3)
    x = w.convolution(source, width, (5, 1), (2, 1), activation=1, out=(0.05, -128), **scales)
    x = w.pool("MAX_POOL_2D", x, (2, 1), (2, 1)) if pool else x
    x = w.depthwise(x, (3, 1), activation=1, out=(0.05, -128), **scales)
    return w.model(source, w.dense(w.mean(w.convolution(x, width, (1, 1), **scales), out=(0.05, 0)), 5))


def zoo(name):
    return (ROOT / "models" / name / "student.tflite").read_bytes()


@pytest.mark.parametrize("name, engine, target", PLACES)
def test_a_student_of_the_zoo_costs_what_was_measured(name, engine, target):
    record = next(r for r in MEASURED if r["model"] == name)
    assert json.loads((ROOT / "models" / name / "contract.json").read_text())["model_sha256"] == record["model_sha256"]

    cost = cost_of(zoo(name), engine, CORES[target["core"]])

    assert cost.ram_bytes == target["memory"]
    engine_parts = [part for part in ("student", "TensorFlow Lite Micro") if part in target["flash"]]
    flash = sum(sum(target["flash"][part].values()) for part in engine_parts)
    assert cost.flash_bytes == pytest.approx(flash, abs=100)
    # A few values in a thousand come from the windows' content.
    assert cost.instructions == pytest.approx(target["instructions"]["mean"], rel=cost.instructions_error + 0.002)
    assert sum(cost.by_operator.values()) == pytest.approx(cost.instructions)


def test_the_error_is_that_of_students_held_out():
    for cores in fitted()["engines"].values():
        for table in cores.values():
            assert table["error"]["held_out"]["students"] >= 20
            assert table["error"]["held_out"]["median"] < 0.01
            assert table["error"]["held_out"]["worst"] < 0.1
            assert table["error"]["zoo"]["worst"] < 0.05
    for table in fitted()["engines"]["tflm"].values():
        for group in ("held_out_int4", "held_out_pooling"):
            assert table["error"][group]["students"] >= 30
            assert table["error"][group]["median"] < 0.02 and table["error"][group]["worst"] < 0.1
    worst = fitted()["engines"]["plain_c"]["m4"]["error"]["held_out"]["worst"]
    assert cost_of(student()).instructions_error == worst


def test_the_numbers_say_how_they_were_made():
    facts = fitted()
    assert facts["command"].startswith("python tools/fit_cost.py ")
    assert facts["compiler"].startswith("arm-none-eabi-gcc") and "QEMU" in facts["emulator"]
    assert facts["students"]["fitted"] >= 40 and facts["students"]["held_out"] >= 20
    for kernels in ("tflm_int4", "tflm_pooling"):
        assert facts[f"{kernels}_command"].startswith("python tools/fit_cost.py --only_")
    assert {engine: sorted(cores) for engine, cores in facts["engines"].items()} == {
        "plain_c": ["m4", "m55", "m7"],
        "tflm": ["m4", "m55"],
    }


@pytest.mark.parametrize("core", ["m4", "m7", "m55"])
def test_larger_students_cost_more(core):
    small, wide, long = (
        cost_of(student(), core=core),
        cost_of(student(24), core=core),
        cost_of(student(time=64), core=core),
    )
    assert small.instructions < min(wide.instructions, long.instructions)
    assert small.flash_bytes < wide.flash_bytes
    assert abs(small.flash_bytes - long.flash_bytes) < 50
    assert small.ram_bytes < min(wide.ram_bytes, long.ram_bytes)


@pytest.mark.parametrize("core", ["m4", "m7", "m55"])
def test_weights_of_four_bits(core):
    eight, four = (cost_of(student(64, bits=bits), core=core) for bits in (8, 4))
    assert four.ram_bytes == eight.ram_bytes
    # Of two convolutions and a depthwise layer, with the zeros that fill up their rows.
    halved = (64 * 32 + 64 * 64 + 64 * 4) / 2
    assert eight.flash_bytes - four.flash_bytes == pytest.approx(halved, abs=100)
    assert four.instructions == pytest.approx(eight.instructions, rel=0.12)
    errors = fitted()["engines"]["plain_c"][core]["error"]
    assert errors["held_out_int4"]["worst"] < 0.02 and errors["flash_bytes_int4"] < 100


def test_plain_c_memory_is_its_plan():
    assert cost_of(student()).ram_bytes == lower(student()).memory_bytes


def test_milliseconds_of_a_cortex_m4():
    cost = Cost("plain_c", "m4", 1, 1, 640_000, 0.01, {})
    assert cost.milliseconds(64) == pytest.approx((12, 16))
    with pytest.raises(ValueError, match="m55: .* only known for m4"):
        Cost("plain_c", "m55", 1, 1, 640_000, 0.01, {}).milliseconds(64)


def test_what_is_not_known_is_refused():
    with pytest.raises(ValueError, match="engine must be 'plain_c' or 'tflm', not 'tvm'"):
        cost_of(student(), "tvm")
    with pytest.raises(ValueError, match="core must be one of m4, m7, m55 .* not 'm0'"):
        cost_of(student(), "plain_c", "m0")
    with pytest.raises(ValueError, match="core must be one of m4, m55 for engine 'tflm', not 'm7'"):
        cost_of(student(), "tflm", "m7")
    w = ModelWriter()
    source = w.tensor((1, 32, 1, 6), 0.05, 3)
    other = w.model(source, w.operator("LOGISTIC", [source], [w.tensor((1, 32, 1, 6), 1 / 256, -128)]))
    with pytest.raises(ValueError, match="LOGISTIC: what it costs on TensorFlow Lite Micro is not known"):
        cost_of(other, "tflm")
    with pytest.raises(ValueError, match="not a .tflite"):
        cost_of(b"nothing of the kind", "tflm", "m4")


def test_what_is_no_file_and_no_clock_is_told():
    for path in ("student.tflite", Path("student.tflite")):
        with pytest.raises(ValueError, match="must be the content of a .tflite file.*int8_for_cost"):
            cost_of(path)
    for mhz in (0, -64, float("nan")):
        with pytest.raises(ValueError, match="mhz must be above 0"):
            Cost("plain_c", "m4", 1, 1, 1e6, 0.01, {}).milliseconds(mhz)
