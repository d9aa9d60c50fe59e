"""The Distiller: a Keras model that trains a student with a teacher's help."""

import keras
from keras import ops

from tfkd.distillers.feature import FeatureDistillation, LabelDistillation, LogitsLoss
from tfkd.distillers.routing import Routed

STORED = "teacher_"
"""Prefix of stored teacher outputs in a batch: `"teacher_logits"`, `"teacher_embedding"`."""


@keras.saving.register_keras_serializable("tfkd")
class Distiller(keras.Model):
    """Trains `student` on labels and on what `teacher` says of the same windows.

    It is compiled, fitted, evaluated, saved and loaded like any Keras model; `loss` and `metrics` of
    `compile` are the student's own on the labels, and `None` leaves the labels out. `evaluate` and
    `predict` concern the student alone. A step runs the student once, and the teacher once in inference
    mode, or not at all where the batch brings stored outputs. The teacher is left as it was, including
    its `trainable` flags.

    Inputs are routed by name: a batch is a dictionary, and each model takes the entries that its input
    layers are named after. (Where teacher and student take the same single input, a bare array will do.)
    Stored teacher outputs are entries `"teacher_logits"` (the teacher's output) and `"teacher_<layer>"`.

    A window without a label (`y` is -1, or a row of zeros where `y` is one-hot) adds nothing to the label
    loss and trains the student through the teacher. For metrics, use `weighted_metrics` in that case.
    `sample_weight` and class weights apply to every term whose loss is a `keras.losses.Loss`; a stock
    Keras `DistillationLoss` reduces to a scalar by itself and cannot be weighted.

    Args:
        teacher: a trained Keras model that returns logits, or `None` where every batch brings its
            stored outputs.
        student: the Keras model to train; it returns logits.
        distillation_losses: one or a list of: a `keras.losses.Loss` (compares logits, `y_true` = teacher),
            a `tfkd.distillers.FeatureDistillation` (compares layers), or a stock
            `keras.distillation.DistillationLoss`.
        distillation_loss_weights: a weight for each; 1 by default.
        student_loss_weight: weight of the loss on the labels.

    Example:

    ```python
    distiller = tfkd.distillers.Distiller(
        teacher,
        student,
        [tfkd.losses.SoftTargets(2.0), tfkd.distillers.FeatureDistillation(tfkd.losses.DistanceWise())],
        distillation_loss_weights=[0.9, 1.0],
        student_loss_weight=0.1,
    )
    distiller.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    distiller.fit(batches, epochs=100)
    distiller.student.save("student.keras")
    ```
    """

    def __init__(
        self,
        teacher,
        student,
        distillation_losses,
        distillation_loss_weights=None,
        student_loss_weight=1.0,
        name="distiller",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if not isinstance(student, keras.Model):
            raise ValueError(f"student must be a keras.Model, got {type(student)}.")
        if not (teacher is None or isinstance(teacher, keras.Model)):
            raise ValueError(f"teacher must be a keras.Model or None, got {type(teacher)}.")
        terms = distillation_losses
        terms = list(terms) if isinstance(terms, (list, tuple)) else [terms]
        weights = distillation_loss_weights
        weights = [weights] if isinstance(weights, (int, float)) else weights
        weights = [1.0] * len(terms) if weights is None else list(weights)
        if len(weights) != len(terms):
            raise ValueError(f"distillation_loss_weights has {len(weights)} entries for {len(terms)} losses.")
        for argument, value in (
            ("student_loss_weight", student_loss_weight),
            *(("distillation_loss_weights", w) for w in weights),
        ):
            if not (isinstance(value, (int, float)) and 0 <= value < float("inf")):
                raise ValueError(f"{argument} must be numbers of at least 0, got {value!r}.")
        self.student = student
        self.distillation_losses = [
            LogitsLoss(term) if isinstance(term, keras.losses.Loss) else term for term in terms
        ]
        self.distillation_loss_weights = weights
        self.student_loss_weight = student_loss_weight
        self._student = Routed(student, "student", self._layer_names("student"))
        # Held by an object that is no layer: the teacher's weights and penalties are not this model's.
        self._teacher = None
        if teacher is not None:
            self._teacher = Routed(teacher, "teacher", self._layer_names("teacher"))
        self.projectors = self._built_projectors()
        self.label_tracker = keras.metrics.Mean(name="label_loss")
        self.term_trackers = [keras.metrics.Mean(name=n) for n in _names(self.distillation_losses)]
        self.built = True

    @property
    def teacher(self):
        """The teacher, untouched."""
        return self._teacher and self._teacher.model

    @property
    def non_trainable_variables(self):
        # Backends that pass state around, as JAX does, must be given the teacher's too.
        teacher = self.teacher.variables if self.teacher else []
        return [*super().non_trainable_variables, *teacher]

    def _layer_names(self, role):
        return [getattr(term, f"{role}_layer_name", None) for term in self.distillation_losses]

    def _built_projectors(self):
        projectors = []
        for term, layer in zip(self.distillation_losses, self._layer_names("student")):
            projector = getattr(term, "projector", None)
            if projector is not None:
                if not projector.built:
                    projector.build(self._student.width(layer))
                projectors.append(projector)
        return projectors

    def call(self, inputs, training=False):
        """Student logits; in training, a dictionary of them and of the layers that the losses compare."""
        if training:
            return self._student(inputs, training=True)
        return self.student(self._student.inputs(inputs), training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of label loss, distillation losses and regularisers; in `evaluate`, the label
        loss and regularisers."""
        if not isinstance(y_pred, dict):
            return self._label_loss(y, y_pred, sample_weight) + self._penalties()
        label_loss = self._label_loss(y, y_pred["logits"], sample_weight)
        self.label_tracker.update_state(label_loss)
        total = self.student_loss_weight * label_loss + self._penalties()
        wanted = {
            layer or "logits"
            for term, layer in zip(self.distillation_losses, self._layer_names("teacher"))
            if not isinstance(term, LabelDistillation)
        }
        teacher = self._teacher_outputs(x, wanted) if wanted else {}
        for term, weight, tracker in zip(
            self.distillation_losses, self.distillation_loss_weights, self.term_trackers
        ):
            said = y_pred[getattr(term, "student_layer_name", None) or "logits"]
            if isinstance(term, LabelDistillation):
                told, weights = self._label_vectors(term, y, y_pred["logits"], sample_weight)
                value = term.compute_loss(told, said, weights)
            else:
                told = teacher[getattr(term, "teacher_layer_name", None) or "logits"]
                # A stock Keras term reduces to a scalar by itself.
                weights = [sample_weight] if isinstance(term, FeatureDistillation) else []
                value = term.compute_loss(told, said, *weights)
            tracker.update_state(value)
            total = total + weight * value
        return total

    def _teacher_outputs(self, x, wanted):
        stored = {name: x[STORED + name] for name in wanted if isinstance(x, dict) and STORED + name in x}
        if len(stored) == len(wanted):
            return stored
        if self._teacher is None:
            missing = sorted(STORED + name for name in wanted - set(stored))
            raise ValueError(
                f"This Distiller has no live teacher, and the batch does not bring {missing}. Give it a "
                "teacher, or batches with teacher_outputs."
            )
        return self._teacher(x, training=False)

    def _label_vectors(self, term, y, logits, sample_weight):
        if y is None:
            raise ValueError(f"The term {term.name!r} compares with the labels' vectors, but the batch has no labels.")
        y, sample_weight = _labelled_only(y, logits, sample_weight)
        if y.shape[-1] != logits.shape[-1] or len(y.shape) != 2:
            y = ops.one_hot(ops.cast(ops.reshape(y, (-1,)), "int32"), logits.shape[-1])
        return term.targets(y), sample_weight

    def _label_loss(self, y, logits, sample_weight):
        if self._compile_loss is None or y is None:
            return ops.zeros(())
        y, sample_weight = _labelled_only(y, logits, sample_weight)
        return self._compile_loss(y, logits, sample_weight)

    def _penalties(self):
        return sum((ops.sum(penalty) for penalty in self.losses), start=0.0)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Metrics of the student's logits; the distillation losses are reported in training only."""
        training = isinstance(y_pred, dict)
        logits = y_pred["logits"] if training else y_pred
        if y is not None:
            y, sample_weight = _labelled_only(y, logits, sample_weight)
        results = super().compute_metrics(x, y, logits, sample_weight)
        if not training:
            for tracker in (self.label_tracker, *self.term_trackers):
                results.pop(tracker.name)
        return results

    def save_own_variables(self, store):
        """Adds the state of the student's random generators, which Keras leaves out, so that training
        goes on after loading exactly as it would have."""
        super().save_own_variables(store)
        for i, state in enumerate(self._seeds()):
            store[f"seed_{i}"] = state

    def load_own_variables(self, store):
        """Restores what `save_own_variables` wrote."""
        names = list(store.keys())
        super().load_own_variables({n: store[n] for n in names if not n.startswith("seed_")})
        for i, state in enumerate(self._seeds()):
            if f"seed_{i}" in names:
                state.assign(store[f"seed_{i}"])

    def _seeds(self):
        weights = {id(weight) for weight in self.student.weights}
        return [v for v in self.student.variables if id(v) not in weights]

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "teacher": self.teacher and serialize(self.teacher),
            "student": serialize(self.student),
            "distillation_losses": [serialize(term) for term in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config):
        restore = keras.saving.deserialize_keras_object
        config = dict(config)
        config["teacher"] = config["teacher"] and restore(config["teacher"])
        config["student"] = restore(config["student"])
        config["distillation_losses"] = [restore(term) for term in config["distillation_losses"]]
        return cls(**config)


def _labelled_only(y, logits, sample_weight):
    """Labels that every loss can take, with weight 0 (or the labelled share) where they are missing."""
    if len(y.shape) == 2 and y.shape[-1] == logits.shape[-1]:
        share = ops.cast(ops.sum(y, axis=-1), "float32")
        y = ops.cast(y, "float32") / ops.where(share > 0, share, 1.0)[:, None]
    else:
        share = ops.cast(ops.reshape(y, (-1,)) >= 0, "float32")
        y = ops.maximum(y, 0)
    if sample_weight is None:
        return y, share
    return y, share * ops.cast(ops.reshape(sample_weight, (-1,)), "float32")


def _names(terms):
    """A distinct log name for each term."""
    names = [getattr(term, "name", None) or type(term).__name__ for term in terms]
    return [
        f"{name}_loss" if names.count(name) == 1 else f"{name}_{names[:i].count(name) + 1}_loss"
        for i, name in enumerate(names)
    ]
