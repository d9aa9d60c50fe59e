"""For fit_cost.py: the numbers of TensorFlow Lite Micro, as `cost.fit` has those of the plain C engine."""

import re

from absl import logging
from cost import counts
from cost.fit import Sample, errors_of, fitted, instructions_by_kernel


def tflm(counter, samples):
    """TensorFlow Lite Micro's numbers but for pooling and for kernels for four-bit weights."""
    from tfkd.deploy.cost.tflm_pooling import POOLING
    from tfkd.deploy.decode import decode_pruned
    from tfkd.deploy.slim import slim

    variants = {}
    for group, students in samples.items():
        variants[group] = {}
        for name, model_bytes in students.items():
            variants[group][name] = model_bytes
            decode = decode_pruned(slim(model_bytes, for_litert=False))
            if b"TFLM_DECODE" in decode:
                variants[group][f"{name} decode"] = decode
    found = _counted(counter, variants, without=set(POOLING))
    table = {"instructions": instructions_by_kernel(found["fitted"], _kernel_of)} | _images(counter)
    table["error"] = errors_of(found, table)
    return table


def tflm_pooling(counter, samples, table):
    """Puts into TensorFlow Lite Micro's numbers those of pooling and padding; nothing else changes.

    So too those of depthwise layers with a dilation or a multiplier, which only these students have.
    """
    from tfkd.deploy.cost.tflm_pooling import POOLING

    found = _counted(counter, samples)
    fit = found["fitted_pooling"]
    table["instructions"] |= instructions_by_kernel(fit, _kernel_of, wanted=_POOLING_KERNELS)
    # What is left of the interpreter's instructions are those of the new operators.
    interpreter = {name: each for name, each in table["instructions"]["interpreter"].items() if name not in POOLING}
    rows, targets = [], []
    for sample in fit:
        sums = sample.sums("interpreter")
        spent = sum(count for source, count in sample.counted["sources"].items() if _is_interpreter(source, sample))
        rows.append({name: sums.get(name, 0) for name in POOLING})
        targets.append(max(spent - sum(each * sums.get(name, 0) for name, each in interpreter.items()), 0))
    totals = [sample.counted["instructions"] for sample in fit]
    table["instructions"]["interpreter"] = interpreter | fitted(rows, targets, totals)
    usual = _size(counter.image(_USUAL))
    alone = {name: _size(counter.image(sorted([*_USUAL, name]))) for name in sorted(POOLING)}
    _replace(table["more"], [{"for": [name], "bytes": size - usual} for name, size in alone.items()])
    table["error"] |= errors_of(found, table)


def tflm_int4(counter, samples, table):
    """Puts into TensorFlow Lite Micro's numbers those of its kernels for four-bit weights; nothing else changes.

    Args:
        counter: a `Counter` with `bits=4`.
        samples: dict of group -> students, dicts of name -> content of a `.tflite` file.
        table: the numbers.
    """
    found = _counted(counter, samples)
    table["instructions"] |= instructions_by_kernel(found["fitted_int4"], _kernel_of, wanted=_INT4_KERNELS)
    convolution, depthwise = counts.IN_FOUR_BITS
    usual, one, both = (_size(counter.image(_USUAL, bits)) for bits in ((), (convolution,), (convolution, depthwise)))
    more = [{"for": [f"{convolution} INT4"], "bytes": one - usual}, {"for": [f"{depthwise} INT4"], "bytes": both - one}]
    _replace(table["more"], more)
    table["error"] |= errors_of(found, table)


def _counted(counter, samples, without=frozenset()):
    """The students of each group whose operators are known, without those that have one of some."""
    from tfkd.deploy.cost.tflm import tflm_work
    from tfkd.deploy.plain_c.reader import read_model

    found = {}
    for group, students in samples.items():
        found[group] = []
        for name, content in students.items():
            model = read_model(content)
            if without & {operator.name for operator in model.operators}:
                continue
            try:
                works = tflm_work(model, counter.core == "m55")
            except ValueError as error:  # CMSIS-NN answers wrongly
                logging.info("%s: %s", name, error)
                continue
            counted = counter.count(content)
            found[group].append(Sample(name, works, counted))
            logging.info("TFLM, %s, %s: %d instructions", counter.core, name, counted["instructions"])
    return found


def _kernel_of(source):
    """An object file's name without what a build puts around it."""
    for kernel in _KERNELS:
        if re.search(rf"(^|_){kernel}(_per_ch)?(_s8)?(\.cc?)?$", source):
            return kernel
    return "interpreter"


def _is_interpreter(source, sample):
    return _kernel_of(source) not in {work.kernel for work in sample.works} - {"interpreter"}


_INT4_KERNELS = (
    "arm_convolve_even_s4",
    "arm_convolve_s4",
    "arm_depthwise_conv_s4",
    "arm_depthwise_conv_s4_opt",
    "arm_nn_depthwise_conv_nt_t_s4",
    "arm_nn_mat_mult_kernel_s4_s16",
    "arm_nn_mat_mult_nt_interleaved_t_even_s4",
    "arm_nn_mat_mult_nt_t_s4",
)
_POOLING_KERNELS = "arm_avgpool_s8", "arm_max_pool_s8", "arm_pad_s8", "arm_depthwise_conv_s8"
_KERNELS = (
    *_INT4_KERNELS,
    *_POOLING_KERNELS,
    "arm_convolve_s8",
    "arm_depthwise_conv_3x3_s8",
    "arm_depthwise_conv_s8_opt",
    "arm_elementwise_add_s8",
    "arm_nn_depthwise_conv_nt_t_s8",
    "arm_nn_mat_mult_kernel_s8_s16",
    "arm_nn_mat_mult_nt_t_s8",
    "arm_nn_vec_mat_mult_t",
    "arm_q7_to_q15_with_offset",
    "arm_s8_to_s16_unordered_with_offset",
    "arm_vector_sum_s8",
    "concatenation",
    "decode_pruned",
    "memcpy",
    "memset",
    "reduce_common",
    "strided_slice",
)


def _images(counter):
    """What the engine and the library take in flash: without a memory, with pruned weights to decode, and with all.

    A link takes a minute, so operators are taken together: some bytes too many where a student lacks one of them.
    """
    with_decode = sorted([*_USUAL, _DECODE])
    every = sorted([*with_decode, *_MEMORY])
    usual, decode, most = (_size(counter.image(names)) for names in (_USUAL, with_decode, every))
    return {
        "always": usual,
        "more": [{"for": [_DECODE], "bytes": decode - usual}, {"for": _MEMORY, "bytes": most - decode}],
    }


_USUAL = ["ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "RESHAPE"]
_DECODE = "TFLM_DECODE"
_MEMORY = ["ASSIGN_VARIABLE", "CALL_ONCE", "CONCATENATION", "READ_VARIABLE", "STRIDED_SLICE", "VAR_HANDLE"]


def _size(image):
    """Bytes of engine and library."""
    return sum(image["engine"]) + sum(sum(size) for size in image["library"].values())


def _replace(more, entries):
    """Puts entries into a list of what code takes, in place of those for the same operators."""
    names = [entry["for"] for entry in entries]
    more[:] = [entry for entry in more if entry["for"] not in names] + entries
