"""PSKD: several teachers, nearest first, and for each sample the one that knows it best.

After Ni, Ngu, Yan, "Progressive cross-modal knowledge distillation for human action recognition", ACM MM 2022
(arXiv 2208.08090). From its abstract: several teachers are built from both modalities, the lab's (skeleton) and the
student's own (accelerometer); a progressive scheme narrows the gap between teachers and student; an
adaptive-confidence semantic loss lets the student choose, sample by sample, a teacher or the true label to follow.
Everything below that sentence is ours, since the paper's equations, stages and settings were not available, and no
code was released:

    stage 1    student <- the nearest teacher (the first named), with the adaptive loss: that teacher or the label
    stage 2    the same student <- all teachers, with the adaptive loss; and so on, if `stages` says so

    L = w_label CE(y, z_s) + L_adaptive

with L_adaptive of `tfkd.losses.adaptive`, where the choice, hard, mean, vote or soft, is written down. Soft targets
with T = 2 and w_label = 0.1 are those of tfkd's other recipes; the semantic term is off unless asked for.
"""

import keras

from tfkd.distillers import AdaptiveDistillation, Distiller, Progressive, Stage
from tfkd.distillers.checks import weight_of
from tfkd.distillers.routing import Routed
from tfkd.losses import AdaptiveConfidence


def pskd(
    *,
    teachers,
    student,
    stages=None,
    epochs=(40, 80),
    learning_rates=None,
    label=0.1,
    temperature=2.0,
    selection="hard",
    threshold=0.0,
    softness=1.0,
    semantic=0.0,
    teacher_layer="embedding",
    student_layer="embedding",
    folder=None,
):
    """A `Progressive` training with PSKD's stages and loss; see the module for what is ours in it.

    Args:
        teachers: name -> trained Keras model that returns logits, nearest to the student's modality first; `None`
            in place of a model where every batch brings its stored outputs; for the semantic term, its embedding is
            then as wide as the student's.
        student: the Keras model to train.
        stages: for each stage the names of its teachers; by default the first alone, then all of them.
        epochs: of each stage.
        learning_rates: of each stage, numbers or Keras schedules; `None` leaves those of the optimizer that
            `compile` is given.
        label: weight of the cross-entropy on the labels that every sample has beside its source.
        temperature, selection, threshold, softness: of `tfkd.losses.AdaptiveConfidence`.
        semantic: weight of the semantic term, towards the embedding of whoever is followed; through a linear
            projector for each teacher of another width, left behind after training.
        teacher_layer, student_layer: names of the layers that the semantic term compares.
        folder: as of `Progressive`: where to keep what is finished.

    Returns:
        A `tfkd.distillers.Progressive`, to be compiled and fitted much as a Keras model.

    Raises:
        ValueError: an argument makes no sense, or the stages cannot be run.

    Example:

    ```python
    training = tfkd.methods.pskd(
        teachers={"imu": imu_teacher, "skeleton": skeleton_teacher, "fused": fused_teacher}, student=student
    )
    training.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    training.fit({"imu": imu, "skeleton": skeleton}, one_hot_labels, batch_size=64)
    training.student.save("student.keras")
    ```
    """
    if not isinstance(teachers, dict) or not teachers:
        raise ValueError(f"teachers must be a dictionary of models by name, got {teachers!r}.")
    names = list(teachers)
    stages = [names[:1], names] if stages is None else _listed("stages", stages)
    stages = [_listed("each of stages", stage) for stage in stages]
    rates = [None] * len(stages) if learning_rates is None else _listed("learning_rates", learning_rates)
    epochs = _listed("epochs", epochs)
    for argument, values in (("epochs", epochs), ("learning_rates", rates)):
        if len(values) != len(stages):
            raise ValueError(f"{argument} has {len(values)} entries for {len(stages)} stages: {stages}.")
    label = weight_of("label", label)
    planned = []
    for number, (chosen, count, rate) in enumerate(zip(stages, epochs, rates), start=1):
        if unknown := [name for name in chosen if name not in teachers]:
            raise ValueError(f"Stage {number} names the teachers {unknown}; there are {names}.")
        if not chosen:
            raise ValueError(f"Stage {number} has no teachers.")
        loss = AdaptiveConfidence(temperature, selection, threshold, softness, semantic)
        models = {name: teachers[name] for name in chosen}
        projectors = _projectors(models, student, teacher_layer, student_layer) if semantic else None
        term = AdaptiveDistillation(loss, None, teacher_layer, student_layer, projectors)
        distiller = Distiller(models, student, term, student_loss_weight=label, name=f"stage{number}")
        planned.append(Stage(f"{number}_{'_'.join(chosen)}", distiller, count, rate))
    return Progressive(planned, folder)


def _listed(argument, values):
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise ValueError(f"{argument} must be a list, an entry a stage, got {values!r}.")
    return list(values)


def _projectors(teachers, student, teacher_layer, student_layer):
    """A `Dense` for each teacher whose embedding is wider or narrower than the student's.

    Raises:
        ValueError: a layer is not there.
    """
    own = Routed(student, "student", [student_layer]).width(student_layer)[-1]
    widths = {
        name: Routed(model, f"teacher {name!r}", [teacher_layer]).width(teacher_layer)[-1]
        for name, model in teachers.items()
        if model
    }
    return {
        name: keras.layers.Dense(width, name=f"projector_{name}") for name, width in widths.items() if width != own
    }
