"""Smaller files of the same student: what is left out, and that every output stays as it was."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tfkd.deploy import TflmModel, variants
from tfkd.deploy.decode import OPERATOR, decode_pruned, encode_pruned
from tfkd.deploy.flatbuffer import constant, pack, unpack, weights_and_biases
from tfkd.deploy.graph import macs, read_graph
from tfkd.deploy.slim import slim
from tfkd.deploy.variants import VariantError, make_variants

MODELS = Path(__file__).parents[2] / "models"
PRUNED = [MODELS / name / "student.tflite" for name in ("utd-acc", "utd-imu", "utd-imu-stream")]


def prune(model_bytes, share):
    """Zeroes a random share of every layer's int8 weights."""
    model, generator = unpack(model_bytes), np.random.default_rng(0)
    for _, _, weights, _ in weights_and_biases(model):
        data = constant(model, weights)
        model.buffers[weights.buffer].data = np.where(generator.random(len(data)) < share, 0, data).astype(np.uint8)
    return pack(model)


def outputs(model_bytes, windows=24):
    model = TflmModel(model_bytes)
    shape = (windows, *model.input_shape[1:])
    return model.run(np.random.default_rng(1).integers(-128, 128, shape, np.int8))


def unaligned(model_bytes):
    """Addresses within the file of stored tensors that are not multiples of 16."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(model_bytes, 0)
    addresses = []
    for i in range(model.BuffersLength()):
        field = model.Buffers(i)._tab.Offset(4)
        if field:
            addresses.append(model.Buffers(i)._tab.Vector(field))
    assert len(addresses) > 5
    return [address for address in addresses if address % 16]


@pytest.fixture(scope="module")
def pruned_bytes(model_bytes):
    return prune(model_bytes, 0.8)


@pytest.mark.parametrize("for_litert", [True, False])
def test_slim_leaves_out_names_and_keeps_outputs(model_bytes, for_litert):
    small = slim(model_bytes, for_litert)
    model = unpack(small)
    assert model.metadata is None
    assert model.signatureDefs is None
    assert {tensor.name for tensor in model.subgraphs[0].tensors} == {None}
    for _, _, weights, bias in weights_and_biases(model):
        assert bias.quantization is None
        assert len(weights.quantization.zeroPoint) == (len(weights.quantization.scale) if for_litert else 1)
    assert len(small) < (0.75 if for_litert else 0.65) * len(model_bytes)
    assert unaligned(small) == []
    np.testing.assert_array_equal(outputs(small), outputs(model_bytes))


def test_slim_keeps_the_interface_and_is_done_after_one_pass(model_bytes):
    small, whole, slimmed = slim(model_bytes), read_graph(model_bytes), read_graph(slim(model_bytes))
    for before, after in zip(whole.inputs + whole.outputs, slimmed.inputs + slimmed.outputs, strict=True):
        assert dataclasses.replace(before, name="") == after
    assert macs(small) == macs(model_bytes)
    assert slim(small) == small


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_the_litert_variant_loads_in_litert(model_bytes):
    import tensorflow as tf

    reference = tf.lite.experimental.OpResolverType.BUILTIN_REF
    for kernels in (reference, tf.lite.experimental.OpResolverType.AUTO):
        found = []
        for content in (model_bytes, slim(model_bytes)):
            interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=kernels)
            interpreter.allocate_tensors()
            source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
            windows = np.random.default_rng(0).integers(-128, 128, (8, *source["shape"]), np.int8)
            for window in windows:
                interpreter.set_tensor(source["index"], window)
                interpreter.invoke()
                found.append(interpreter.get_tensor(target["index"]).astype(int))
        # LiteRT's optimised kernels may round otherwise by a step where they do not take a layer.
        assert np.abs(np.subtract(found[:8], found[8:])).max() <= (0 if kernels == reference else 1)
    # It refuses the other variant, which is why there are two.
    with pytest.raises(ValueError, match="zero_point values"):
        tf.lite.Interpreter(model_content=slim(model_bytes, for_litert=False))


def test_slim_keeps_the_quantisation_of_a_bias_that_a_kernel_compares(model_bytes):
    model = unpack(model_bytes)
    dense = next(w for _, _, w, _ in weights_and_biases(model) if len(w.shape) == 2)
    for tensor in (dense, *(b for _, _, w, b in weights_and_biases(model) if w is dense)):
        tensor.quantization.scale = tensor.quantization.scale[:1]
        tensor.quantization.zeroPoint = tensor.quantization.zeroPoint[:1]
    per_tensor = pack(model)
    small = slim(per_tensor, for_litert=False)
    bias = next(b for _, _, w, b in weights_and_biases(unpack(small)) if len(w.shape) == 2)
    assert len(bias.quantization.scale) == 1
    np.testing.assert_array_equal(outputs(small), outputs(per_tensor))


def test_encoding_by_hand():
    bitmap, kept = encode_pruned(np.array([[0, 5, 0, 0, -1, 0, 0, 127], [0, 0, -128, 0, 0, 0, 0, 0]], np.int8))
    assert bitmap == bytes([0b01001001, 0b00100000])
    assert kept == bytes([2, 1, 0, 0, 1, *[0] * 11]) + bytes([5, 255, 127, 128])
    # A bit map that ends within a byte.
    assert encode_pruned(np.array([0, 0, 3], np.int8))[0] == bytes([0b00100000])


@pytest.mark.parametrize("model", PRUNED, ids=lambda path: path.parent.name)
def test_pruned_weights_of_the_zoo_shrink_and_decode_to_themselves(model):
    tflm = slim(model.read_bytes(), for_litert=False)
    small = decode_pruned(tflm)
    assert len(small) < 0.82 * len(tflm)
    assert unaligned(small) == []
    assert OPERATOR in {operator.name for operator in read_graph(small).operators}
    assert macs(small) == macs(tflm)
    np.testing.assert_array_equal(outputs(small), outputs(tflm))


def test_decode_is_chosen_for_each_layer_that_gains(pruned_bytes, model_bytes):
    tflm = slim(pruned_bytes, for_litert=False)
    graph = read_graph(decode_pruned(tflm))
    decoders = [operator for operator in graph.operators if operator.name == OPERATOR]
    sizes = [int(np.prod(decoder.outputs[0].shape)) for decoder in decoders]
    # The stem's 120 and the depthwise 24 weights would not pay for their entries in the file.
    assert all(size > 200 for size in sizes), sizes
    assert decode_pruned(slim(model_bytes, for_litert=False)) == slim(model_bytes, for_litert=False)


def test_make_variants_of_a_pruned_student():
    model_bytes = PRUNED[0].read_bytes()
    made = make_variants(model_bytes)
    assert list(made) == ["plain", "slim", "tflm", "decode"]
    assert made["plain"].model_bytes == model_bytes
    sizes = [len(variant.model_bytes) for variant in made.values()]
    assert sizes == sorted(sizes, reverse=True)
    arenas = {name: variant.arena_bytes for name, variant in made.items()}
    assert arenas["plain"] == arenas["slim"] == arenas["tflm"] < arenas["decode"] < arenas["plain"] + 5000
    assert OPERATOR in made["decode"].operators
    assert made["decode"].facts() == {
        "file": "student_decode.tflite",
        "bytes": sizes[-1],
        "arena_bytes": arenas["decode"],
        "operators": list(made["decode"].operators),
        "sha256": made["decode"].sha256,
    }


def test_a_student_without_zeros_has_no_decode_variant(model_bytes, tflm, golden):
    assert list(make_variants(model_bytes, tflm.quantize(golden["x"]))) == ["plain", "slim", "tflm"]


def test_a_variant_with_other_outputs_is_refused(model_bytes, monkeypatch):
    def spoilt(content, for_litert=True):
        model = unpack(slim(content, for_litert))
        bias = next(bias for _, _, _, bias in weights_and_biases(model))
        model.buffers[bias.buffer].data = np.full(len(constant(model, bias)), 1, np.uint8)
        return pack(model)

    monkeypatch.setattr(variants, "slim", spoilt)
    with pytest.raises(VariantError, match=r"'slim' .* differs from it in \d+ of 32 windows"):
        make_variants(model_bytes)
