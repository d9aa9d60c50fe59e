"""What a Keras model must be like to become a student on a board: told by its inputs, outputs and layers alone."""

from tfkd.distillers.checks import PROBABILITIES
from tfkd.distillers.routing import ends_in


class ExportError(ValueError):
    """A student cannot be deployed; the message names operator, layer and way out."""


def refuse_unfit(student):
    """Refuses a model that is no student: other than one input of fixed shape, logits, float32.

    Raises:
        ExportError: what is wrong with it.
    """
    refuse_inconvertible(student)
    output = student.outputs[0]
    if len(output.shape) != 2:
        raise ExportError(
            f"The student {student.name!r} gives {output.shape}; it must give logits "
            "(batch, classes). End it with a pooling or Flatten and a Dense layer."
        )
    if (kind := ends_in(student)) in PROBABILITIES:
        raise ExportError(
            f"The student {student.name!r} ends in {kind}; it must give logits, whose softmax the firmware takes: its "
            "confidences would be wrong. End it with a Dense layer without activation, and copy the weights with "
            "set_weights()."
        )


def refuse_inconvertible(student):
    """Refuses a model that the converter to int8 takes badly, or dies of.

    Raises:
        ExportError: what is wrong with it.
    """
    inputs, outputs = getattr(student, "inputs", None), getattr(student, "outputs", None)
    if not inputs or not outputs:
        raise ExportError(
            f"The student {getattr(student, 'name', student)!r} is not a built Functional or "
            "Sequential model. Build it as keras.Model(inputs, outputs)."
        )
    if len(inputs) != 1 or len(outputs) != 1:
        raise ExportError(
            f"The student {student.name!r} has {len(inputs)} inputs and {len(outputs)} outputs; "
            "firmware feeds one and reads one."
        )
    if None in inputs[0].shape[1:]:
        raise ExportError(
            f"The student {student.name!r} takes {inputs[0].shape}; every size behind the batch "
            "must be fixed, because a microcontroller reserves its memory beforehand."
        )
    _check_layers(student)


def _check_layers(student):
    import keras

    for layer in student._flatten_layers():  # nested models, wrappers and cells too
        if isinstance(layer, keras.layers.RNN) and not layer.unroll:
            # The converter process would die of a segmentation fault: no exception to catch.
            raise ExportError(
                f"The recurrent layer {layer.name!r} ({type(layer).__name__}) cannot be "
                "converted to int8. Use convolutions instead, or unroll=True for a handful of "
                "time steps (it copies the cell's operators for each step)."
            )
        if layer.compute_dtype not in (None, "float32"):
            raise ExportError(
                f"The layer {layer.name!r} computes in {layer.compute_dtype}. Build the student "
                "under keras.config.set_dtype_policy('float32') and copy the weights with "
                "set_weights()."
            )
