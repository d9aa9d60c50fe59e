"""The Distiller: a Keras model that trains a student with a teacher's help."""

from numbers import Real

import keras
from keras import ops

from tfkd.distillers.adaptive import AdaptiveDistillation
from tfkd.distillers.checks import check_label_loss, check_models, class_weights, weight_of
from tfkd.distillers.feature import LogitsLoss
from tfkd.distillers.labels import labelled_only, weighted_by_class
from tfkd.distillers.routing import Routed
from tfkd.distillers.teachers import Teachers, restored
from tfkd.distillers.terms import Step, Terms
from tfkd.losses import AdaptiveConfidence


@keras.saving.register_keras_serializable("tfkd")
class Distiller(keras.Model):
    """Trains `student` on labels and on what `teacher`, one model or several, says of the same windows.

    It is compiled, fitted, evaluated, saved and loaded like any Keras model; `loss` and `metrics` of
    `compile` are the student's own on the labels, and `None` leaves the labels out. `evaluate` and
    `predict` concern the student alone. A step runs the student once, and each teacher once in inference
    mode, or not at all where the batch brings stored outputs. Teachers are left as they were, including
    their `trainable` flags.

    Inputs are routed by name: a batch is a dictionary, and each model takes the entries that its input
    layers are named after. (Where teacher and student take the same single input, a bare array will do.)
    Stored teacher outputs are entries `"teacher_logits"` (the teacher's output) and `"teacher_<layer>"`; of
    several teachers `"teacher_<name>_logits"` and so on. An entry `"has_<input>"` `(batch,)` of 1 and 0 (or
    `"has_<teacher name>"`) says which samples were recorded with it: where it is 0, the teachers that need it
    are not heard, whatever stands in its place, and the sample trains the student through the others. What a stored
    teacher saw is not known: of it, `"has_<teacher name>"` tells, of a single one `"has_teacher"`. The student's own
    inputs must be there.

    A window without a label (`y` is -1, or a row of zeros where `y` is one-hot) adds nothing to the label
    loss and trains the student through the teacher. For metrics, use `weighted_metrics` in that case.
    `sample_weight` and class weights apply to every term whose loss is a `keras.losses.Loss`; a stock
    Keras `DistillationLoss` reduces to a scalar by itself and cannot be weighted. Class weights concern windows with
    a label; a mixed label has the mixture of its classes' weights.

    Args:
        teacher: a trained Keras model that returns logits, or `None` where every batch brings its
            stored outputs; or several of them, as a dictionary by name.
        student: the Keras model to train; it returns logits.
        distillation_losses: one or a list of: a `keras.losses.Loss` (compares logits, `y_true` = teacher),
            a `tfkd.distillers.FeatureDistillation` (compares layers), a `tfkd.distillers.AdaptiveDistillation`
            (chooses among several teachers; what a bare `tfkd.losses.AdaptiveConfidence` becomes), or a stock
            `keras.distillation.DistillationLoss`. With several teachers, a term says whose it is:
            `LogitsLoss(loss, teacher="skeleton")`.
        distillation_loss_weights: a weight for each; 1 by default.
        student_loss_weight: weight of the loss on the labels.

    Raises:
        ValueError: an argument makes no sense; models end in probabilities, or in different classes, where a term
            compares their answers; teacher and student share variables.

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
        terms = distillation_losses
        terms = list(terms) if isinstance(terms, (list, tuple)) else [terms]
        weights = distillation_loss_weights
        weights = [weights] if isinstance(weights, (Real, str)) else weights
        weights = [1.0] * len(terms) if weights is None else list(weights)
        if len(weights) != len(terms):
            raise ValueError(f"distillation_loss_weights has {len(weights)} entries for {len(terms)} losses.")
        self.distillation_loss_weights = [weight_of("distillation_loss_weights", w) for w in weights]
        self.student_loss_weight = weight_of("student_loss_weight", student_loss_weight)
        self.student = student
        self.distillation_losses = [_term(term) for term in terms]
        # Held by objects that are no layers: what Keras tracks of a term is its projector alone.
        self._terms = Terms(self.distillation_losses, list(teacher) if isinstance(teacher, dict) else [None])
        self._student = Routed(student, "student", [term.student_layer_name for term in self._terms])
        self._teachers = Teachers(teacher, self._terms.asked)
        check_models(teacher if isinstance(teacher, dict) else {None: teacher}, student, self._terms)
        self._class_weights = None
        self.projectors = self._built_projectors()
        self.label_tracker = keras.metrics.Mean(name="label_loss")
        self.term_trackers = [keras.metrics.Mean(name=name) for name in self._terms.log_names]
        self.chosen_trackers = [keras.metrics.Mean(name=name) for name in self._terms.metric_names]
        self.built = True

    @property
    def teacher(self):
        """The teacher or the dictionary of teachers, untouched."""
        return self._teachers.models

    @property
    def non_trainable_variables(self):
        # Backends that pass state around, as JAX does, must be given the teachers' too.
        return [*super().non_trainable_variables, *self._teachers.variables]

    def _built_projectors(self):
        projectors = []
        for term in self._terms:
            for projector in term.trained_layers():
                if not projector.built:
                    projector.build(self._student.width(term.student_layer_name))
                projectors.append(projector)
        return projectors

    def compile(self, optimizer="rmsprop", loss=None, **settings):
        """As of any Keras model.

        Raises:
            ValueError: `loss` is a cross-entropy of probabilities, and the student returns logits.
        """
        check_label_loss(loss, self.student)
        super().compile(optimizer, loss, **settings)

    def compile_from_config(self, config):
        """Compiles as before saving, which Keras leaves to whoever has a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, *args, class_weight=None, **settings):
        """As of any Keras model. What has no label keeps its weight whatever `class_weight` says."""
        weights = class_weights(class_weight, self.student.output_shape[-1]) if class_weight else None
        if weights != self._class_weights:
            self._class_weights = weights
            self.train_function = None  # was traced with the others
        return super().fit(x, y, *args, **settings)

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
        sample_weight = weighted_by_class(y, y_pred["logits"], sample_weight, self._class_weights)
        label_loss = self._label_loss(y, y_pred["logits"], sample_weight)
        # Keras weighs the losses of batches by their sizes, so the parts of the loss must be too.
        size = ops.cast(ops.shape(y_pred["logits"])[0], "float32")
        self.label_tracker.update_state(label_loss, size)
        total = self.student_loss_weight * label_loss + self._penalties()
        told = {name: self._teachers.outputs(x, name, layers) for name, layers in self._terms.asked.items()}
        present = {name: self._teachers.available(x, name) for name in told}
        step = Step(told, present, y_pred, y, sample_weight)
        chosen = {tracker.name: tracker for tracker in self.chosen_trackers}
        for term, weight, tracker in zip(self._terms, self.distillation_loss_weights, self.term_trackers):
            value, followed = term.value(step)
            tracker.update_state(value, size)
            for name, share in followed.items():
                chosen[name].update_state(share, size)
            total = total + weight * value
        return total

    def _label_loss(self, y, logits, sample_weight):
        if self._compile_loss is None or y is None:
            return ops.zeros(())
        y, sample_weight = labelled_only(y, logits, sample_weight)
        return self._compile_loss(y, logits, sample_weight)

    def _penalties(self):
        return sum((ops.sum(penalty) for penalty in self.losses), start=0.0)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Metrics of the student's logits; the distillation losses are reported in training only."""
        training = isinstance(y_pred, dict)
        logits = y_pred["logits"] if training else y_pred
        if y is None and self._compile_metrics is not None:
            raise ValueError(
                "compile was given metrics of the labels, but the batch has none. Compile without metrics, or give "
                "labels: -1, or a row of zeros, is a window without one."
            )
        if training:
            sample_weight = weighted_by_class(y, logits, sample_weight, self._class_weights)
        if y is not None:
            y, sample_weight = labelled_only(y, logits, sample_weight)
        results = super().compute_metrics(x, y, logits, sample_weight)
        if not training:
            for tracker in (self.label_tracker, *self.term_trackers, *self.chosen_trackers):
                results.pop(tracker.name)
        return results

    def save_own_variables(self, store):
        """Adds the state of the student's random generators, which Keras leaves out, so that training
        goes on after loading exactly as it would have."""
        super().save_own_variables(store)
        for i, state in enumerate(self.seed_states):
            store[f"seed_{i}"] = state

    def load_own_variables(self, store):
        """Restores what `save_own_variables` wrote."""
        names = list(store.keys())
        super().load_own_variables({n: store[n] for n in names if not n.startswith("seed_")})
        for i, state in enumerate(self.seed_states):
            if f"seed_{i}" in names:
                state.assign(store[f"seed_{i}"])

    @property
    def seed_states(self):
        """Variables of the student's random generators, which are no weights and which Keras does not save."""
        weights = {id(weight) for weight in self.student.weights}
        return [v for v in self.student.variables if id(v) not in weights]

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "teacher": self._teachers.get_config(),
            "student": serialize(self.student),
            "distillation_losses": [serialize(term) for term in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config):
        restore = keras.saving.deserialize_keras_object
        config = dict(config)
        config["teacher"] = restored(config["teacher"])
        config["student"] = restore(config["student"])
        config["distillation_losses"] = [restore(term) for term in config["distillation_losses"]]
        return cls(**config)


def _term(term):
    """What a bare loss becomes."""
    if isinstance(term, AdaptiveConfidence):
        return AdaptiveDistillation(term)
    return LogitsLoss(term) if isinstance(term, keras.losses.Loss) else term
