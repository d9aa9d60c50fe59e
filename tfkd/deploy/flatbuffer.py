"""`.tflite` files taken apart into objects that can be changed, and put together again."""

import tempfile
from pathlib import Path

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def unpack(model_bytes):
    """A `.tflite` file as the schema's `ModelT`, to be changed and given to `pack`.

    Raises:
        ValueError: this is not a `.tflite` file.
    """
    schema = tflite_schema()
    if model_bytes[4:8] != b"TFL3":
        raise ValueError(
            f"These {len(model_bytes)} bytes are not a .tflite model: the mark 'TFL3' is missing "
            f"(found {bytes(model_bytes[4:8])!r})."
        )
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model_bytes, 0))


def pack(model):
    """A `ModelT` as the bytes of a `.tflite` file, with every buffer aligned to 16 bytes.

    The schema asks for that alignment, and TensorFlow Lite Micro reads the buffers in place. The
    Python flatbuffers library ignores it, hence the aligner of the `tflite_micro` wheel, which works
    on files.
    """
    import flatbuffers
    from tflite_micro.tensorflow.lite.micro.tools import tflite_flatbuffer_align_wrapper as aligner

    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with tempfile.TemporaryDirectory() as folder:
        packed, aligned = Path(folder) / "packed.tflite", Path(folder) / "aligned.tflite"
        packed.write_bytes(builder.Output())
        aligner.align_tflite_model(str(packed), str(aligned))
        return aligned.read_bytes()


def operator_name(model, operator):
    """`"CONV_2D"` for a built-in operator of `model`, a custom one's own name.

    Raises:
        ValueError: the schema has no such operator.
    """
    schema = tflite_schema()
    code = model.operatorCodes[operator.opcodeIndex]
    # Files written before the schema had more than 127 operators only fill the older field.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return code.customCode.decode()
    for name, value in vars(schema.BuiltinOperator).items():
        if value == number:
            return name
    raise ValueError(f"The .tflite file has an operator number {number}, which the schema does not know.")


def weights_and_biases(model):
    """Yields `(subgraph, operator, weights, bias)` for each convolution and dense layer of `model`.

    `weights` and `bias` are `TensorT`; `bias` is `None` where there is none.
    """
    for subgraph in model.subgraphs:
        for operator in subgraph.operators or ():
            if operator_name(model, operator) in _WEIGHTED:
                inputs = [int(i) for i in operator.inputs]
                bias = subgraph.tensors[inputs[2]] if len(inputs) > 2 and inputs[2] >= 0 else None
                yield subgraph, operator, subgraph.tensors[inputs[1]], bias


def constant(model, tensor):
    """The bytes of a tensor that is stored in the file, as a uint8 array; `None` for any other."""
    data = model.buffers[tensor.buffer].data
    return None if data is None or len(data) == 0 else data


def tflite_schema():
    """The module that reads and writes the file format; it comes with the `tflite_micro` wheel."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

    return schema_py_generated
