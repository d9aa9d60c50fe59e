"""Kernels of few different values, and files that store which of them each weight is; for compare_sparsity.py."""


def clustered(kernel, count=16):
    """The kernel with at most so many values in each output channel, the nearest of those that k-means finds."""
    import numpy as np
    from scipy.cluster.vq import kmeans2

    columns = []
    for column in kernel.T.astype(np.float64):
        if len(np.unique(column)) > count:
            centres, nearest = kmeans2(column[:, None], count, minit="++", rng=0)
            column = np.rint(centres[nearest, 0])
        columns.append(column)
    return np.stack(columns, axis=1).astype(np.int8)


def in_even_steps(kernel, largest=7):
    """The kernel as 4 bits hold it: for each output channel multiples, up to seven times, of a step of its own."""
    import numpy as np

    steps = np.maximum(np.abs(kernel.astype(np.float64)).max(axis=0), 1) / largest
    return np.rint(np.rint(kernel / steps) * steps).astype(np.int8)


def with_tables(model_bytes):
    """The smallest file with kernels as 4-bit numbers of values in tables, in the format of TFLM's own decoder.

    With one table for each output channel: TFLM of this release takes one for a whole kernel, but gives other outputs.
    """
    import warnings

    from tflite_micro.tensorflow.lite.micro.compression import compress, spec

    from tfkd.deploy.cost import zeros
    from tfkd.deploy.flatbuffer import unpack, weights_and_biases
    from tfkd.deploy.slim import slim

    slimmed = slim(model_bytes, for_litert=False)
    inputs = [int(operator.inputs[1]) for _, operator, _, _ in weights_and_biases(unpack(slimmed))]
    method = spec.LookUpTableCompression(4, spec.PerChannel(0))
    chosen = [inputs[int(name.split()[-1])] for name in zeros.kernels_of(slimmed)]

    def stored(tensors):
        return slim(bytes(compress(slimmed, [spec.Tensor(0, t, [method]) for t in tensors])), for_litert=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a kernel grows
        best = stored(chosen)
        for tensor in list(chosen):
            fewer = [other for other in chosen if other != tensor]
            without = stored(fewer) if fewer else slimmed
            if len(without) <= len(best):
                chosen, best = fewer, without
    return best
