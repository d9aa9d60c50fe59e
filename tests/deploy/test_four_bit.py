"""Four bits a weight: packed exactly, run by every interpreter, refused where it cannot be."""

import numpy as np
import pytest

from tests.backend_values import filled
from tests.deploy.conftest import make_student, make_windows
from tests.deploy.model_writer import MemoryWriter, ModelWriter
from tfkd.compress.quantization import quantization_aware, strip
from tfkd.deploy import FourBitError, TflmModel, convert_int8, export_student, in_four_bits, replay
from tfkd.deploy.exported import load_export
from tfkd.deploy.firmware import zeroed
from tfkd.deploy.flatbuffer import (
    integers,
    operator_name,
    pack,
    pack_int4,
    set_integers,
    tflite_schema,
    unpack,
    unpack_int4,
    weights_and_biases,
)
from tfkd.deploy.graph import kernel_types, macs
from tfkd.deploy.slim import slim

CALIBRATION = make_windows(48, seed=1)[0]
WINDOWS = make_windows(100, seed=2)[0]


@pytest.fixture(scope="module")
def stripped():
    return strip(quantization_aware(filled(make_student()), CALIBRATION, weight_bits=4))


@pytest.fixture(scope="module")
def eight(stripped):
    return convert_int8(stripped, CALIBRATION)


@pytest.fixture(scope="module")
def four(eight):
    return in_four_bits(eight)


@pytest.fixture(scope="module")
def same_integers(four):
    return in_bytes(four)


def in_bytes(model_bytes):
    """The same integers and scales, one a byte."""
    model = unpack(model_bytes)
    for _, _, kernel, _ in weights_and_biases(model):
        values = integers(model, kernel)
        kernel.type = tflite_schema().TensorType.INT8
        set_integers(model, kernel, values)
    return pack(model)


def test_two_values_a_byte_the_earlier_in_the_low_half():
    assert pack_int4([1, 2, 3]).tobytes() == b"\x21\x03"
    assert pack_int4([[-1, -8], [7, 0]]).tobytes() == b"\x8f\x07"
    for count in (0, 1, 2, 15, 16):
        values = np.random.default_rng(count).integers(-8, 8, count, np.int8)
        np.testing.assert_array_equal(unpack_int4(pack_int4(values), count), values)
    with pytest.raises(ValueError, match="INT4 holds -8 to 7, not 0 to 8"):
        pack_int4([0, 8])
    with pytest.raises(ValueError, match="3 values of INT4 take 2 bytes, not 1"):
        unpack_int4([0x21], 3)


def test_kernels_are_those_that_were_trained_and_nothing_else_changes(stripped, eight, four):
    assert kernel_types(four) == {"CONV_2D": {"int4"}, "DEPTHWISE_CONV_2D": {"int4"}, "FULLY_CONNECTED": {"int8"}}
    before, after = unpack(eight), unpack(four)
    trained = [layer for layer in stripped.layers if layer.weights]
    saved = 0
    for layer, old, new in zip(trained, weights_and_biases(before), weights_and_biases(after), strict=True):
        kernel, name = np.array(layer.kernel), operator_name(after, new[1])
        _, _, tensor, bias = new
        if name == "FULLY_CONNECTED":
            np.testing.assert_array_equal(integers(after, tensor), integers(before, old[2]))
            assert len(np.unique(integers(after, tensor))) > 15  # uses the bits that it is stored with
            continue
        # Channels are last in Keras, and last or first in the file.
        rows = kernel.reshape(-1, tensor.quantization.scale.size)
        stored = integers(after, tensor).reshape(rows.shape if name != "CONV_2D" else rows.T.shape)
        stored = stored if name != "CONV_2D" else stored.T
        np.testing.assert_allclose(stored * tensor.quantization.scale, rows, rtol=3e-7)
        assert np.abs(stored).max(axis=0).tolist() == [7] * rows.shape[1]
        # Biases up to the rounding of both files.
        old_bias, new_bias = (
            np.asarray(model.buffers[b.buffer].data).view("<i4") * np.float64(b.quantization.scale)
            for model, b in ((before, old[3]), (after, bias))
        )
        assert np.all(np.abs(new_bias - old_bias) <= 0.5001 * bias.quantization.scale)
        source = new[0].tensors[new[1].inputs[0]]
        np.testing.assert_allclose(bias.quantization.scale, source.quantization.scale * tensor.quantization.scale, 2e-7)
        saved += stored.size // 2
        assert after.operatorCodes[new[1].opcodeIndex].version == 7
    assert macs(four) == macs(eight) and abs(len(eight) - len(four) - saved) < 64


def test_tflm_computes_what_the_same_integers_in_bytes_give(four, same_integers):
    packed, plain = TflmModel(four), TflmModel(same_integers)
    windows = np.random.default_rng(0).integers(-128, 128, (64, *packed.input_shape[1:]), np.int8)
    np.testing.assert_array_equal(packed.run(windows), plain.run(windows))


def test_it_answers_as_the_twin_does(stripped, eight, four):
    expected = stripped.predict(WINDOWS, verbose=0)
    for content in (eight, four):
        model = TflmModel(content)
        apart = (model.predict(WINDOWS) - expected) / model.output_scale
        assert np.abs(apart).max() < 2.01 and (np.abs(apart) < 1.01).mean() > 0.97


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_litert_runs_the_same_integers(four, same_integers):
    from tensorflow.lite.python.interpreter import Interpreter, OpResolverType

    def outputs(content):
        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
        source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        for window in TflmModel(four).quantize(WINDOWS[:5]):
            interpreter.set_tensor(source["index"], window[None])
            interpreter.invoke()
            yield interpreter.get_tensor(target["index"])[0].astype(int)

    expected = [*outputs(same_integers)]
    np.testing.assert_array_equal([*outputs(four)], expected)
    np.testing.assert_array_equal([*outputs(slim(four))], expected)


def test_odd_sizes_shared_kernels_silent_channels_and_no_bias():
    w = ModelWriter()
    source = w.tensor((1, 9, 1, 3), 0.05, 3)
    grid = np.random.default_rng(0).integers(-7, 8, (5, 3, 1, 3))
    grid[:, 0, 0, 0], grid[2] = 7, 0  # each channel has its largest, but one is silent
    eight = np.rint(grid * 127 / 7).astype(np.int8)
    x = w.convolution(source, 5, (3, 1), weights=eight, scales=np.arange(1, 6) / 1000, bias=False)
    taps = np.full((1, 3, 1, 5), 127, np.int8)
    first = w.depthwise(x, (3, 1), weights=taps, scales=np.full(5, 0.01))
    second = w.depthwise(first, (3, 1), weights=taps, scales=np.full(5, 0.01))
    w.operators[-1].inputs[1] = w.operators[-2].inputs[1]
    # The converter stores the same bias once.
    biases = [w.tensors[operator.inputs[2]] for operator in w.operators[-2:]]
    biases[1].buffer = biases[0].buffer
    values = np.frombuffer(w.buffers[biases[0].buffer].data.tobytes(), np.int32)
    model_bytes = w.model(source, w.dense(w.mean(second, out=(0.05, 0)), 2))
    four = in_four_bits(model_bytes)
    (_, _, kernel, _), (_, _, shared, _), *_ = found = list(weights_and_biases(unpack(four)))
    model = unpack(four)
    np.testing.assert_array_equal(integers(model, kernel).reshape(grid.shape), grid)
    steps = np.array([127 / 7, 127 / 7, 1, 127 / 7, 127 / 7])
    np.testing.assert_allclose(kernel.quantization.scale, np.arange(1, 6) / 1000 * steps, rtol=1e-6)
    assert found[2][1].inputs[1] == found[1][1].inputs[1] and set(integers(model, shared)) == {7}
    np.testing.assert_allclose(shared.quantization.scale, 0.01 * 127 / 7, rtol=1e-6)
    for _, _, _, bias in found[1:3]:
        stored = np.asarray(model.buffers[bias.buffer].data, np.uint8).view(np.int32)
        np.testing.assert_array_equal(stored, np.rint(values * 7 / 127))
    noise = np.random.default_rng(1).integers(-128, 128, (20, 9, 1, 3), np.int8)
    np.testing.assert_array_equal(TflmModel(four).run(noise), TflmModel(in_bytes(four)).run(noise))


def test_what_was_not_trained_for_it_is_refused(eight, four):
    model = unpack(eight)
    _, _, kernel, _ = next(weights_and_biases(model))
    values = integers(model, kernel).reshape(8, -1)
    values[5, 3] = 9  # half a step
    set_integers(model, kernel, values)
    with pytest.raises(
        FourBitError, match=r"CONV_2D .* was not trained for four bits: channel 5 takes \d+ values that"
    ):
        in_four_bits(pack(model))
    rounded = unpack(in_four_bits(pack(model), rounding=True))
    kept = [integers(unpacked, next(weights_and_biases(unpacked))[2]) for unpacked in (rounded, unpack(four))]
    assert np.flatnonzero(kept[0] != kept[1]).tolist() in ([], [5 * 15 + 3])
    with pytest.raises(FourBitError, match="in four bits already"):
        in_four_bits(four)
    w = ModelWriter()
    source = w.tensor((1, 8), 0.05, 3)
    with pytest.raises(FourBitError, match="There is no CONV_2D or DEPTHWISE_CONV_2D"):
        in_four_bits(w.model(source, w.dense(source, 2)))


@pytest.mark.parametrize("settings", [{"multiplier": 2}, {"dilation": (2, 1)}], ids=str)
@pytest.mark.parametrize("channels", [3, 4])
def test_what_cmsis_nn_gets_wrong_is_refused(channels, settings):
    w = ModelWriter()
    source = w.tensor((1, 8, 1, channels), 0.05, 3)
    model_bytes = w.model(source, w.dense(w.mean(w.depthwise(source, (3, 1), **settings)), 2))
    if channels == 4:
        assert kernel_types(in_four_bits(model_bytes, rounding=True))["DEPTHWISE_CONV_2D"] == {"int4"}
        return
    with pytest.raises(FourBitError, match="takes 3 channels, with a dilation or a multiplier"):
        in_four_bits(model_bytes, rounding=True)


def test_zeros_can_be_set(four):
    model = unpack(zeroed(four, 0.5))
    for _, operator, kernel, _ in weights_and_biases(model):
        if operator_name(model, operator) == "CONV_2D":
            assert (integers(model, kernel) == 0).mean() >= 0.5


def test_a_student_with_a_memory_keeps_it():
    w = MemoryWriter()
    source = w.tensor((1, 4, 1, 3), 0.05, 3)
    grid = np.random.default_rng(0).integers(-7, 8, (5, 3, 1, 3))
    grid[:, 0, 0, 0] = 7
    x = w.convolution(w.remember(source, 2), 5, (3, 1), same=False, weights=np.rint(grid * 127 / 7).astype(np.int8))
    four = in_four_bits(w.model(source, w.dense(w.mean(x, out=(0.05, 0)), 2)))
    packed, plain = TflmModel(four), TflmModel(in_bytes(four))
    chunks = np.random.default_rng(1).integers(-128, 128, (20, 4, 1, 3), np.int8)
    answers = packed.run(chunks)
    assert packed.remembers and (answers != packed.run(chunks[::-1])[::-1]).any()
    np.testing.assert_array_equal(answers, plain.run(chunks))


def test_an_export_of_it_is_whole(stripped, facts, golden, tmp_path):
    arguments = {"calibration": CALIBRATION, "contract_facts": facts, "golden": golden}
    result = export_student(stripped, tmp_path / "four", **arguments, weight_bits=4)
    assert result.model_bytes == in_four_bits(convert_int8(stripped, CALIBRATION))
    assert list(result.variants) == ["plain", "slim", "tflm"]
    assert all(kernel_types(v.model_bytes) == kernel_types(result.model_bytes) for v in result.variants.values())
    assert replay(load_export(tmp_path / "four")) == len(golden["x"])
    resolver = (tmp_path / "four" / "tfkd_resolver.h").read_text()
    assert "Register_CONV_2D_INT4()" in resolver and "Register_DEPTHWISE_CONV_2D_INT4()" in resolver
    assert "Register_FULLY_CONNECTED_INT8()" in resolver and "CONV_2D_INT8" not in resolver
    assert "miscompiles" in resolver
    with pytest.raises(ValueError, match="weight_bits must be 8 or 4, not 3"):
        export_student(stripped, tmp_path / "three", **arguments, weight_bits=3)
    assert [path.name for path in tmp_path.iterdir()] == ["four"]
