"""What weights of four bits, pooling and padding cost on TensorFlow Lite Micro, against loops counted by hand."""

import pytest

from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_cost import student, zoo
from tfkd.deploy.cost import cost_of, fitted
from tfkd.deploy.cost.tflm import OPERATORS, tflm_code, tflm_work
from tfkd.deploy.plain_c.reader import read_model


def works(kernel, model_bytes, vectors=False):
    """What a model makes one kernel do, without what it does not do at all."""
    found = [work.counts for work in tflm_work(read_model(model_bytes), vectors) if work.kernel == kernel]
    return [{name: count for name, count in counts.items() if count} for counts in found]


def convolution(channels, rows, kernel=(1, 1), time=5, bits=4):
    w = ModelWriter(bits=bits)
    source = w.tensor((1, time, 1, channels), 0.05, 3)
    return w.model(source, w.convolution(source, rows, kernel))


def depthwise(channels, kernel, time=5, **settings):
    w = ModelWriter(bits=4)
    source = w.tensor((1, time, 1, channels), 0.05, 3)
    return w.model(source, w.depthwise(source, kernel, **settings))


def pooled(name, image=(6, 1, 5), size=(3, 1), stride=(2, 1), same=False):
    w = ModelWriter()
    source = w.tensor((1, *image), 0.05, 3)
    return w.model(source, w.pool(name, source, size, stride, same=same))


def test_a_pointwise_convolution_of_four_bits():
    """Two pairs of positions and a single one, four channels at a time; 23 values are 16, 4, 2 and one."""
    assert works("arm_nn_mat_mult_nt_t_s4", convolution(23, 6)) == [{
        "calls": 1, "quads": 1, "rows left": 2,
        "quads of two": 2, "sixteens, quads of two": 4, "fours, quads of two": 4, "pairs, quads of two": 4,
        "odd values, quads of two": 2,
        "left of two": 4, "sixteens, left of two": 4, "fours, left of two": 4, "pairs, left of two": 4,
        "odd values, left of two": 4,
        "quads of one": 1, "sixteens, quads of one": 2, "fours, quads of one": 2, "pairs, quads of one": 2,
        "odd values, quads of one": 1,
        "left of one": 2, "sixteens, left of one": 2, "fours, left of one": 2, "pairs, left of one": 2,
        "odd values, left of one": 2,
    }]  # fmt: skip


def test_a_pointwise_convolution_of_four_bits_in_vectors():
    """Four positions and one. Of 49 values in odd rows, the first is taken alone: nothing is left behind 48."""
    assert works("arm_nn_mat_mult_nt_t_s4", convolution(49, 6), vectors=True) == [{
        "calls": 1,
        "rows of four": 6, "odd rows of four": 3, "rests of four": 3, "sixteens of four": 18,
        "rows of one": 6, "odd rows of one": 3, "rests of one": 3, "thirty-twos of one": 6, "sixteens of one": 6,
        "channels in fours of one": 1, "channels left of one": 2,
    }]  # fmt: skip


def test_a_convolution_of_four_bits():
    model_bytes = convolution(3, 5, (3, 1))
    assert works("arm_convolve_s4", model_bytes) == [{
        "calls": 1, "positions": 5, "rows of the kernel": 15, "taps inside": 13, "taps outside": 2,
        "last rows": 5, "fours last": 10, "odd values last": 5,
    }]  # fmt: skip
    assert works("arm_q7_to_q15_with_offset", model_bytes) == [{"calls": 13, "values": 39}]
    assert works("arm_nn_mat_mult_kernel_s4_s16", model_bytes) == [{
        "calls": 2, "rows in fours": 2, "rows left": 2, "fours in fours": 8, "odd values in fours": 4,
        "fours left": 4, "odd values left": 2,
    }]  # fmt: skip


def test_a_convolution_of_four_bits_in_vectors():
    """Nine values, an odd number, take another way than eighteen."""
    assert works("arm_convolve_s4", convolution(3, 5, (3, 1)), vectors=True)[0]["sixteens inside"] == 13
    even = convolution(18, 5, (3, 1))
    assert works("arm_convolve_even_s4", even, vectors=True)[0]["interleaved"] == 5
    four, one = works("arm_nn_mat_mult_nt_interleaved_t_even_s4", even, vectors=True)
    assert four == {
        "calls": 1, "rows of four": 5, "thirty-twos of four": 5, "sixteens of four": 5, "rests of four": 5,
    }  # fmt: skip
    assert one["rows of one"] == 5 and one["channels left of one"] == 1


def test_a_depthwise_layer_of_four_bits():
    even, odd = (works("arm_depthwise_conv_s4_opt", depthwise(channels, (3, 1)))[0] for channels in (6, 7))
    assert even == {
        "calls": 1, "positions": 5, "taps": 13, "fours, even": 5, "pairs of taps, even": 5, "odd taps, even": 5,
        "left, even": 5, "taps left, even": 15,
    }  # fmt: skip
    assert (odd["left, odd"], odd["taps left, odd"]) == (15, 45)
    (inner,) = works("arm_nn_depthwise_conv_nt_t_s4", depthwise(7, (3, 1)), vectors=True)
    assert inner == {"calls": 1, "fours": 2, "taps": 4, "halfway taps": 2}


@pytest.mark.parametrize("settings", [{"dilation": (2, 1)}, {"multiplier": 2}])
def test_what_cmsis_nn_answers_wrongly_is_refused(settings):
    (pairs,) = works("arm_depthwise_conv_s4", depthwise(6, (3, 1), **settings))
    assert pairs["pairs"] == 15 * settings.get("multiplier", 1)
    with pytest.raises(ValueError, match="DEPTHWISE_CONV_2D of 7 channels .* answers wrongly"):
        cost_of(depthwise(7, (3, 1), **settings), "tflm")


def test_what_was_not_measured_is_refused():
    with pytest.raises(ValueError, match="a multiplier of 3: .* not measured"):
        cost_of(depthwise(6, (3, 1), multiplier=3), "tflm")


def test_pooling():
    """Two windows of three of the six values of five channels."""
    assert works("arm_avgpool_s8", pooled("AVERAGE_POOL_2D")) == [
        {"calls": 1, "positions": 2, "lines": 6, "places": 6, "values copied": 10, "values added": 20}
    ]
    assert works("arm_max_pool_s8", pooled("MAX_POOL_2D")) == [{
        "calls": 1, "positions": 2, "lines": 6, "places": 6, "fours compared": 4, "values compared": 4,
        "fours out": 2, "values out": 2,
    }]  # fmt: skip
    assert works("memcpy", pooled("MAX_POOL_2D")) == [{"calls": 2, "fours": 2, "bytes": 2}]
    # Padded to three windows, the last of which has two places inside.
    (counts,) = works("arm_max_pool_s8", pooled("MAX_POOL_2D", same=True), vectors=True)
    assert (counts["places"], counts["sixteens compared"], counts["sixteens out"]) == (8, 5, 1)


def test_padding():
    w = ModelWriter()
    source = w.tensor((1, 4, 3, 2), 0.05, 3)
    model_bytes = w.model(source, w.pad(source, ((0, 0), (1, 0), (2, 0), (0, 1))))
    assert works("arm_pad_s8", model_bytes) == [{"calls": 1, "lines": 4, "places apart": 12}]
    assert works("memcpy", model_bytes) == [{"calls": 12, "bytes": 24}]
    # A line of five places with three channels, two places before each line, and a channel behind each place.
    assert [counts["calls"] for counts in works("memset", model_bytes)] == [1, 4, 12]


@pytest.mark.parametrize("core", ["m4", "m55"])
def test_weights_of_four_bits(core):
    files = [student(64, bits=bits) for bits in (8, 4)]
    eight, four = (cost_of(content, "tflm", core) for content in files)
    code = sum(more["bytes"] for more in fitted()["engines"]["tflm"][core]["more"] if "INT4" in more["for"][0])
    assert code > 5000
    assert four.flash_bytes - len(files[1]) == eight.flash_bytes - len(files[0]) + code
    assert four.instructions > eight.instructions


@pytest.mark.parametrize("core, counted", [("m4", 1_248_062), ("m55", 352_830)])
def test_a_student_of_the_zoo_costs_what_was_counted(core, counted):
    cost = cost_of(zoo("utd-imu-4bit"), "tflm", core)
    assert cost.instructions == pytest.approx(counted, rel=0.01)


@pytest.mark.parametrize("core", ["m4", "m55"])
def test_students_with_pooling(core):
    without, pool = (cost_of(student(pool=pool), "tflm", core) for pool in (False, True))
    assert pool.by_operator["MAX_POOL_2D"] > 0 and "MAX_POOL_2D" not in without.by_operator
    assert 1000 < pool.flash_bytes - without.flash_bytes < 5000
    # Behind it there is half as much to do.
    assert pool.by_operator["DEPTHWISE_CONV_2D"] == pytest.approx(without.by_operator["DEPTHWISE_CONV_2D"] / 2, rel=0.1)


def test_kernels_of_both_types_are_refused():
    w = ModelWriter()
    source = w.tensor((1, 5, 1, 4), 0.05, 3)
    both = w.model(source, w.convolution(w.convolution(source, 4, (1, 1), bits=4), 4, (1, 1)))
    with pytest.raises(ValueError, match="CONV_2D with kernels of four and of eight bits"):
        cost_of(both, "tflm")


def test_every_operator_has_its_numbers():
    for table in fitted()["engines"]["tflm"].values():
        assert OPERATORS.keys() <= table["instructions"]["interpreter"].keys()
    assert tflm_code(read_model(convolution(4, 4))) == {"CONV_2D INT4"}
