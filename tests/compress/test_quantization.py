"""Twins that compute as int8 does: beside the converter's own model in TFLM, trained, stripped, converted."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.backend_values import filled
from tests.deploy.conftest import CLASSES, make_student, make_windows
from tfkd.compress.quantization import quantization_aware, ranges_of, strip
from tfkd.deploy import TflmModel, convert_int8
from tfkd.deploy.encoding import split_encoding
from tfkd.deploy.graph import read_graph
from tfkd.distillers import Distiller, FeatureDistillation
from tfkd.encodings import GramianAngularField
from tfkd.losses import SoftTargets
from tfkd.networks import causal_student, gaf_student, streaming

CALIBRATION = make_windows(48, seed=1)[0]


def learn(model, epochs, rate=0.01, seed=1):
    x, labels = make_windows(192, seed)
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, labels, epochs=epochs, batch_size=32, verbose=0)


@pytest.fixture(scope="module")
def student():
    return filled(make_student())


@pytest.fixture(scope="module")
def twin(student):
    return quantization_aware(student, CALIBRATION)


def operators(model_bytes):
    return [operator.name for operator in read_graph(model_bytes).operators]


def test_is_named_and_ranged_as_the_student(student, twin):
    ranges = ranges_of(twin)
    tensors = ["imu", "re_lu", "re_lu_1", "re_lu_2", "global_average_pooling2d", "logits"]
    assert [name.rstrip("_0123456789") for name in ranges] == [name.rstrip("_0123456789") for name in tensors]
    assert twin.inputs[0].name == "imu" and twin.name == "student"
    logits = student.predict(CALIBRATION, verbose=0)
    for found, values in ((ranges["imu"], CALIBRATION), (ranges["logits"], logits)):
        step = (found[1] - found[0]) / 255
        assert found == pytest.approx((values.min(), values.max()), abs=step)
    assert all(range_[0] == 0 for name, range_ in ranges.items() if name.startswith("re_lu"))


def test_without_training_it_converts_to_what_the_converter_makes(student, twin):
    x = make_windows(100, seed=2)[0]
    stripped = strip(twin)
    np.testing.assert_array_equal(stripped.predict(x, verbose=0), twin.predict(x, verbose=0))
    ours, theirs = convert_int8(stripped, CALIBRATION), convert_int8(student, CALIBRATION)
    assert operators(ours) == operators(theirs)
    assert {t.dtype for o in read_graph(ours).operators for t in o.outputs} == {"int8"}
    ours, theirs = TflmModel(ours), TflmModel(theirs)
    assert ours.output_scale == pytest.approx(theirs.output_scale, rel=1e-6)
    # Ends of ranges that differ in the last digit of a float may round a value in a thousand differently.
    assert (ours.run(ours.quantize(x)) == theirs.run(theirs.quantize(x))).mean() > 0.99
    apart = (ours.predict(x) - twin.predict(x, verbose=0)) / ours.output_scale
    assert np.abs(apart).max() < 1.01 and (np.abs(apart) < 0.01).mean() > 0.7
    for name, (low, high) in ranges_of(stripped).items():
        assert (low, high) == pytest.approx(ranges_of(twin)[name], rel=1e-6)


def test_percentile_cuts_both_tails_of_all_tensors_but_the_logits(student, twin):
    cut = ranges_of(quantization_aware(student, CALIBRATION, percentile=99.0))
    low, high = np.quantile(CALIBRATION, [0.01, 0.99])
    step = (high - low) / 255
    assert cut["imu"] == pytest.approx((low, high), abs=2 * step)
    whole = ranges_of(twin)
    assert cut["logits"] == whole["logits"]
    assert all(cut[name][1] < whole[name][1] for name in whole if name.startswith("re_lu"))


def test_a_student_that_int8_spoils_recovers_by_percentile_or_under_a_distiller():
    keras.utils.set_random_seed(0)
    student = make_student()
    learn(student, epochs=8)
    # One moment of a broken sensor: the other windows keep few of each tensor's steps.
    spoiled = CALIBRATION.copy()
    spoiled[0, 5] *= 200
    x, labels = make_windows(150, seed=4)

    def right(model):
        return (model.predict(x, verbose=0).argmax(1) == labels).mean()

    assert right(student) > 0.95 and right(quantization_aware(student, spoiled, percentile=99.5)) > 0.95
    twin = quantization_aware(student, spoiled, trained_ranges=True)
    assert right(twin) < 0.7
    before = ranges_of(twin)
    pooled = next(layer.name for layer in twin.layers if isinstance(layer, layers.GlobalAveragePooling2D))
    hint = FeatureDistillation(keras.losses.MeanSquaredError(), teacher_layer_name=pooled, student_layer_name=pooled)
    distiller = Distiller(student, twin, [SoftTargets(2.0), hint], [1.0, 0.1])
    distiller.compile(keras.optimizers.Adam(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
    windows, theirs = make_windows(192, seed=1)
    distiller.fit(windows, np.eye(CLASSES)[theirs], batch_size=32, epochs=6, verbose=0)
    after = ranges_of(twin)
    assert all(after[name] != before[name] for name in after)
    model = TflmModel(convert_int8(strip(twin), spoiled))
    logits = model.predict(x)
    assert (logits.argmax(1) == labels).mean() > 0.9
    low, high = after["logits"]
    assert model.output_scale == pytest.approx((high - low) / 255, rel=1e-5)
    apart = (logits - twin.predict(x, verbose=0)) / model.output_scale
    assert np.abs(apart).max() < 4.01  # each tensor has few steps, so that one more or less weighs


def test_a_causal_student_keeps_its_ranges_with_a_memory():
    x = np.random.default_rng(0).normal(size=(24, 32, 3)).astype("float32")
    student = filled(causal_student((32, 3), 4, width=8, depth=2, kernel=3, strides=(2, 1)))
    stripped = strip(quantization_aware(student, x))
    model = TflmModel(convert_int8(streaming(stripped, 8), x))
    assert model.remembers
    apart = (model.predict(x) - stripped.predict(x, verbose=0)) / model.output_scale
    assert np.abs(apart).max() < 2.01 and (np.abs(apart) < 0.01).mean() > 0.5


def test_an_encoding_stays_outside_and_residual_blocks_are_matched():
    x = np.random.default_rng(0).normal(size=(12, 32, 2)).astype("float32")
    field = GramianAngularField(16, name="encoding")
    student = filled(gaf_student((32, 2), 3, field, 8, stem=8, blocks=((8, 1), (12, 2))))
    twin = quantization_aware(student, x)
    assert next(iter(ranges_of(twin))) == "encoding"
    network, encoding = split_encoding(strip(twin))
    assert encoding == str(field.gaf)
    images = keras.Model(student.inputs, student.get_layer("encoding").output).predict(x, verbose=0)
    model_bytes = convert_int8(network, images)
    separable = ["DEPTHWISE_CONV_2D", "CONV_2D"]
    assert operators(model_bytes) == ["CONV_2D", *separable, "ADD", *separable, "MEAN", *["FULLY_CONNECTED"] * 2]
    model = TflmModel(model_bytes)
    apart = (model.predict(images) - twin.predict(x, verbose=0)) / model.output_scale
    assert np.abs(apart).max() < 3.01 and (np.abs(apart) < 1.01).mean() > 0.9


def test_what_has_no_twin_is_named(student, twin):
    def made_of(*stack):
        return keras.Sequential([keras.Input((8, 3)), *stack], name="student")

    x = np.zeros((2, 8, 3))
    for unknown, what in (
        (layers.Dense(2, activation="tanh", name="odd"), "'odd' .Dense"),
        (layers.ReLU(negative_slope=0.1, name="leaky"), "'leaky' .ReLU"),
        (layers.LayerNormalization(name="norm"), "'norm' .LayerNormalization"),
    ):
        with pytest.raises(ValueError, match=f"The layer {what}.* has no twin"):
            quantization_aware(made_of(unknown), x)
    for percentile in (50, 100.5, float("nan")):
        with pytest.raises(ValueError, match="above 50 and at most 100"):
            quantization_aware(student, CALIBRATION, percentile)
    with pytest.raises(ValueError, match="weight_bits must be 8 or 4, not 3"):
        quantization_aware(student, CALIBRATION, weight_bits=3)
    with pytest.raises(ValueError, match=r"shape \(n, 32, 3\) with n > 0, not \(0, 32, 3\)"):
        quantization_aware(student, CALIBRATION[:0])
    with pytest.raises(ValueError, match="288 values that are not finite"):
        quantization_aware(student, CALIBRATION[:3] * np.nan)
    with pytest.raises(ValueError, match=r"still in training .* tfkd.compress.strip\(\)"):
        convert_int8(twin, CALIBRATION)
    with pytest.raises(ValueError, match="holds no ranges, so it is no twin"):
        strip(student)


def test_four_bits_leave_fifteen_even_values_in_convolutions_only(student):
    stripped = strip(quantization_aware(student, CALIBRATION, weight_bits=4))
    for layer in stripped.layers:
        if not layer.weights:
            continue
        rows = np.array(layer.kernel).reshape(-1, layer.bias.shape[0])
        steps = rows / (np.abs(rows).max(axis=0) / (127 if isinstance(layer, layers.Dense) else 7))
        np.testing.assert_allclose(steps, np.rint(steps), atol=2e-5)
        assert (len(np.unique(np.rint(steps))) > 15) == isinstance(layer, layers.Dense)


def test_silent_tensors_have_a_range():
    inputs = keras.Input((8, 3), name="imu")
    x = layers.ReLU(name="silent")(layers.Dense(4, bias_initializer=keras.initializers.Constant(-9.0))(inputs))
    student = keras.Model(inputs, layers.Dense(2, name="logits")(layers.Flatten()(x)))
    twin = quantization_aware(student, np.zeros((2, 8, 3)))
    assert ranges_of(twin)["silent"] == (0.0, 1.0)
