"""Packing work: who sees the skeleton teaches who feels one wrist, on continuous recordings of a shift.

After Qiao, Rizk, Maekawa, "Skeleton-to-IMU knowledge distillation for packing-process recognition" (IPSJ 2024), and the
teacher-assistant-student chain of its sequel (PerCom 2026). Of both only the abstracts were available, without
equations, settings or figures; the sequel's contrastive and attention terms are not here. What is here is ours:

    without assistant    L = w_label CE(y, z_s) + w_soft T^2 KL(softmax(z_t / T) || softmax(z_s / T))
    with an assistant    first the assistant <- the teacher, then the student <- the assistant, each with that loss

An assistant that sees what the student sees, with more weights (`tfkd.networks.imu_teacher`), narrows the gap between
a network that sees the whole body and one that feels a wrist. Windows of `tfkd.data.continuous` bring skeleton and IMU
of the same seconds; those that nobody labelled (a row of zeros) learn from the teacher alone.
"""

from tfkd.distillers import Distiller, Progressive, Stage
from tfkd.distillers.checks import weight_of
from tfkd.losses import SoftTargets


def packing(
    *, teacher, student, assistant=None, epochs=(60, 60), label=0.1, soft_targets=1.0, temperature=2.0, folder=None
):
    """A training of an IMU student by a skeleton teacher, through an assistant if one is given.

    Args:
        teacher: a trained Keras model that returns logits, for example `tfkd.networks.graph_teacher`.
        student: the Keras model to train.
        assistant: a Keras model that is trained first, by the teacher, and then teaches the student; or `None`.
        epochs: of the assistant and of the student; unused without an assistant.
        label, soft_targets: weights of the two terms.
        temperature: T of the soft targets.
        folder: with an assistant, where to keep what is finished, as of `Progressive`.

    Returns:
        A `tfkd.Distiller`, or with an assistant a `tfkd.distillers.Progressive` of the stages `assistant` and
        `student`: both to be compiled and fitted much as a Keras model.

    Raises:
        ValueError: `soft_targets` is 0, so that there is nothing to distil; or the stages cannot be run.

    Example:

    ```python
    training = tfkd.methods.packing(teacher=graph, assistant=large, student=small, folder="runs/packing")
    training.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    training.fit(batches)            # of {"skeleton": ..., "imu": ...} and one-hot labels
    training.student.save("student.keras")
    ```
    """
    label, soft_targets = weight_of("label", label), weight_of("soft_targets", soft_targets)
    if not soft_targets:
        raise ValueError("soft_targets is 0: there is nothing to distil.")

    def taught(by, pupil):
        return Distiller(
            by, pupil, SoftTargets(temperature), distillation_loss_weights=soft_targets, student_loss_weight=label
        )

    if assistant is None:
        return taught(teacher, student)
    if isinstance(epochs, str) or not hasattr(epochs, "__len__") or len(epochs) != 2:
        raise ValueError(f"epochs must be two numbers, the assistant's and the student's, got {epochs!r}.")
    first, second = epochs
    nearer = Stage("assistant", taught(teacher, assistant), first)
    return Progressive([nearer, Stage("student", taught(assistant, student), second)], folder)
