"""What a Distiller's models and settings must be, found before anything is trained."""

import math
from numbers import Real

import keras

from tfkd.distillers.routing import ends_in
from tfkd.losses import AdaptiveConfidence, SoftTargets

PROBABILITIES = "softmax", "sigmoid"
"""Ends of models that give no logits."""


def weight_of(argument, value):
    """A term's weight as a float.

    Raises:
        ValueError: it is no number of at least 0.
    """
    if not (isinstance(value, Real) and 0 <= value < math.inf):
        raise ValueError(f"{argument} must be a number of at least 0, got {value!r}.")
    return float(value)


def class_weights(weights, classes):
    """Weights of all classes as a list, 1 for those that are not named; `None` for none.

    Args:
        weights: class number -> weight, as of `keras.Model.fit`, or `None`.
        classes: how many there are.

    Raises:
        ValueError: a key is no class, or a weight no number of at least 0.
    """
    if weights is None:
        return None
    if unknown := [key for key in weights if key not in range(classes)]:
        raise ValueError(f"class_weight names {unknown}; the classes are 0 to {classes - 1}.")
    return [weight_of("class_weight", weights.get(number, 1.0)) for number in range(classes)]


def check_models(teachers, student, terms):
    """Refuses models that cannot teach or learn what the terms ask.

    Args:
        teachers: name -> model or `None`; the name of a single teacher is `None`.
        student: the model to train.
        terms: `tfkd.distillers.terms.Terms`.

    Raises:
        ValueError: the student has several outputs, or one class; it shares variables with a teacher; soft targets
            are asked of a model that ends in probabilities, or of teachers of other classes.
    """
    outputs = getattr(student, "outputs", None) or [None]
    if len(outputs) > 1:
        raise ValueError(
            f"The student {student.name!r} has {len(outputs)} outputs. Make a model of its logits alone: "
            "keras.Model(student.inputs, student.outputs[0])."
        )
    classes = _classes(student)
    if classes == 1:
        raise ValueError(
            f"The student {student.name!r} answers with one logit. Give it two classes, a logit each: what is not "
            "labelled could not be told from class 0."
        )
    own = {id(variable) for variable in student.variables}
    for name, teacher in teachers.items():
        if teacher and any(id(variable) in own for variable in teacher.variables):
            raise ValueError(
                f"The student {student.name!r} and the {_called(name)} share variables: training would change both. "
                "Copy one of them: keras.models.clone_model and set_weights."
            )
    for term in terms:
        heard = term.listens_to(list(teachers))
        if unknown := [name for name in getattr(term, "projectors", {}) if name not in heard]:
            raise ValueError(f"The term {term.name!r} has projectors for {unknown}, but listens to {heard}.")
        if not _compares_answers(term):
            continue
        _refuse_probabilities("student", student)
        for name in heard:
            teacher = teachers[name]
            if teacher is None:
                continue
            _refuse_probabilities(_called(name), teacher)
            told = _classes(teacher)
            if None not in (classes, told) and classes != told:
                raise ValueError(
                    f"The {_called(name)} tells {told} classes apart and the student {classes}: {term.name!r} needs "
                    "the same ones in the same order."
                )


def check_label_loss(loss, student):
    """Refuses a loss on the labels that takes the student's logits for probabilities.

    Raises:
        ValueError: it is a cross-entropy without `from_logits`, and the student does not end in probabilities.
    """
    known = keras.losses.get(loss) if isinstance(loss, str) else loss
    name = getattr(known, "__name__", type(known).__name__)
    for_probabilities = getattr(known, "from_logits", None) is False or (
        callable(known) and not isinstance(known, keras.losses.Loss) and "crossentropy" in name
        and getattr(keras.losses, name, None) is known
    )  # fmt: skip
    if for_probabilities and ends_in(student) not in PROBABILITIES:
        shown = repr(loss) if isinstance(loss, str) else name
        raise ValueError(
            f"loss={shown} expects probabilities, but the student {student.name!r} returns logits. Take "
            "keras.losses.CategoricalCrossentropy(from_logits=True), or its like."
        )


def _compares_answers(term):
    """Whether a term compares the models' answers as soft targets, and so needs logits of the same classes."""
    loss = getattr(term, "loss", None)
    if isinstance(loss, (AdaptiveConfidence, keras.distillation.LogitsDistillation)):
        return True
    layers = (getattr(term, "teacher_layer_name", None), term.student_layer_name)
    return isinstance(loss, SoftTargets) and layers == (None, None) and not term.trained_layers()


def _refuse_probabilities(role, model):
    if (last := ends_in(model)) in PROBABILITIES:
        raise ValueError(
            f"The {role} {model.name!r} ends in {last}, but soft targets are made of logits. Take the model up to "
            "there: a last layer without activation."
        )


def _classes(model):
    return model.outputs[0].shape[-1] if getattr(model, "outputs", None) else None


def _called(name):
    return "teacher" if name is None else f"teacher {name!r}"
