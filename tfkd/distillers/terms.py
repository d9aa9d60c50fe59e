"""The terms of a Distiller's loss, and what they are computed from in one training step."""

import dataclasses

import keras
from keras import ops


@dataclasses.dataclass(frozen=True)
class Step:
    """One batch, as its terms see it.

    Attributes:
        told: teacher's name -> what it said: `{"logits": (batch, classes), layer: (batch, width)}`; the name of a
            single teacher is `None`.
        present: teacher's name -> `(batch,)` of 1 and 0, which samples it could see, or `None` for all.
        said: what the student said, likewise.
        y: labels as they came, or `None`.
        sample_weight: `(batch,)` or `None`.
    """

    told: dict
    present: dict
    said: dict
    y: object
    sample_weight: object


class StockTerm:
    """A stock `keras.distillation.DistillationLoss` in a Distiller. It reduces to a scalar by itself, so neither
    sample weights nor missing samples reach it.

    Args:
        loss: the stock object.
    """

    def __init__(self, loss):
        self.loss = loss
        self.name = getattr(loss, "name", None) or type(loss).__name__
        self.student_layer_name = getattr(loss, "student_layer_name", None)
        self.teacher_layer_name = getattr(loss, "teacher_layer_name", None)

    def listens_to(self, names):
        return [None]

    def teacher_layers(self):
        return {self.teacher_layer_name or "logits"}

    def trained_layers(self):
        return []

    def value(self, step):
        if step.present[None] is not None:
            raise ValueError(
                f"{self.name} is a stock Keras loss, which cannot leave out samples, but the batch says that some lack "
                "what the teacher sees. Use tfkd.distillers.FeatureDistillation."
            )
        told = step.told[None][self.teacher_layer_name or "logits"]
        return self.loss.compute_loss(told, step.said[self.student_layer_name or "logits"]), {}


def with_partners(present, *features):
    """Features in which the row of each absent sample is another sample's, the same one in all of them.

    Relational losses compare the samples of a batch with each other: absent ones must not be partners either.
    A copy of a present row is at the same place for teacher and student, so that it teaches what that row does.
    """
    rows = ops.arange(ops.shape(present)[0])
    rank = ops.cast(ops.cumsum(present), "int32")
    # The n-th absent sample is stood in for by the n-th present one, beginning again where these run out.
    order = ops.argsort(ops.where(present > 0, rows, rows + ops.shape(present)[0]))
    stand_in = ops.take(order, ops.mod(rows - rank, ops.maximum(ops.max(rank), 1)))
    row = ops.where(present > 0, rows, stand_in)
    return [ops.take(values, row, axis=0) for values in features]


class Terms:
    """The terms of one Distiller. No Keras layer, so that Keras tracks nothing of it.

    Args:
        losses: `FeatureDistillation`, `AdaptiveDistillation`, stock Keras `DistillationLoss`.
        names: of the teachers; `[None]` for one without a name.

    Attributes:
        asked: teacher's name -> what is read of it, `"logits"` and layers.
        log_names: a distinct name for the value of each term.
        metric_names: of what the terms log besides.

    Raises:
        ValueError: a loss is none of these; there are no teachers, or not the one that a term listens to; or two terms
            choose among them.
    """

    def __init__(self, losses, names):
        if not names:
            raise ValueError("teacher is an empty dictionary: name at least one teacher.")
        self.items = [_term(loss) for loss in losses]
        self.asked, self.metric_names = {}, []
        for term in self.items:
            for name in term.listens_to(names):
                if name not in names:
                    known = "one without a name" if names == [None] else ", ".join(map(str, names))
                    raise ValueError(
                        f"The term {term.name!r} has teacher={name!r}, but the teachers are: {known}. Say whose it is, "
                        f"with LogitsLoss(loss, teacher={names[0]!r}) or FeatureDistillation(..., teacher={names[0]!r})"
                        ", or let an AdaptiveDistillation choose among them."
                    )
                self.asked.setdefault(name, set()).update(term.teacher_layers())
            self.metric_names += getattr(term, "metric_names", lambda names: [])(names)
        given = [term.name for term in self.items]
        self.log_names = [
            f"{name}_loss" if given.count(name) == 1 else f"{name}_{given[:i].count(name) + 1}_loss"
            for i, name in enumerate(given)
        ]
        if len(set(self.metric_names)) < len(self.metric_names):
            raise ValueError("A Distiller takes one AdaptiveDistillation: give its teachers= and use several stages.")

    def __iter__(self):
        return iter(self.items)


def _term(loss):
    if hasattr(loss, "listens_to"):
        return loss
    if isinstance(loss, keras.distillation.DistillationLoss):
        return StockTerm(loss)
    raise ValueError(
        "distillation_losses must be keras.losses.Loss objects, tfkd.distillers.FeatureDistillation, "
        f"AdaptiveDistillation or keras.distillation losses, got {loss!r}."
    )
