"""What stands between a standardised window and a student's input: taken out of the model, and done beside it.

A student with a `tfkd.encodings.GramianAngularField` right behind its input goes to the board as the network behind
that layer; the contract names the encoding, and the firmware computes it straight to int8.
"""

import numpy as np

from tfkd.encodings import Gaf, GramianAngularField


def split_encoding(student):
    """Takes a student apart into its encoding and the network behind it.

    Args:
        student: Functional or Sequential Keras model of one input. It is left as it was.

    Returns:
        `(network, encoding)`: a copy that takes images `(batch, size, size, channels)`, and the encoding as a contract
        names it; or `(student, "none")` for a student without.

    Raises:
        ValueError: a Gramian angular field is somewhere else than right behind the input.
    """
    import keras

    fields = [layer for layer in student._flatten_layers() if isinstance(layer, GramianAngularField)]
    if not fields:
        return student, "none"
    copy = keras.models.clone_model(student)
    field = next((layer for layer in copy.layers if layer.name == fields[0].name), None)
    misplaced = ValueError(
        f"The student {student.name!r} has the layer {fields[0].name!r} (GramianAngularField) elsewhere than right "
        "behind its input, with nothing beside it: the firmware computes it once, before the model."
    )
    if len(fields) > 1 or field is None or field.input is not copy.inputs[0]:
        raise misplaced
    try:
        network = keras.Model(field.output, copy.outputs[0], name=student.name)
    except ValueError:  # another layer sees the input too
        raise misplaced from None
    network.set_weights(student.get_weights())
    return network, str(field.gaf)


def encode_for(contract, x):
    """What a student's model is to be given for standardised windows, in float32.

    Args:
        contract: the student's `Contract`.
        x: standardised windows `(n, time, channels)`. With an encoding of the user's own, what that makes of them.

    Returns:
        float32 `(n, *contract.input_shape[1:])`: the Gramian angular fields of `x` where the contract's encoding is
        one, else `x` itself.

    Raises:
        ValueError: `x` does not fit the encoding.

    Example:

    ```python
    logits = TflmModel(export.model_bytes).predict(encode_for(export.contract, windows))
    ```
    """
    return encode(contract.encoding, contract.input_shape[1], x)


def encode(encoding, size, x):
    """The same where there is no contract yet: `size` is the image's side."""
    gaf = Gaf.parse(encoding, size)
    return np.asarray(x, np.float32) if gaf is None else gaf(x)


def signal_shape(contract):
    """The shape of one window for `encode_for`, without the batch."""
    gaf = Gaf.parse(contract.encoding, contract.input_shape[1])
    return contract.input_shape[1:] if gaf is None else (contract.window, len(contract.channels))
