"""Adaptive confidence: each sample follows the teacher that knows it best, or its label.

After Ni, Ngu, Yan, "Progressive cross-modal knowledge distillation for human action recognition", ACM MM 2022
(PSKD), whose adaptive-confidence semantic loss lets the student choose between teachers and ground truth. The
paper's equations were not available; those here are ours, made from what its abstract says. For a sample with
label y (one-hot, or a mixture), logits z_k of teachers k = 1..K, and p_k = softmax(z_k),

    c_k = exp(-KL(y || p_k))          confidence of teacher k in the truth; p_k(y) where y is one-hot
    hard:  k* = the most confident teacher among those whose argmax is y's and whose c_k reaches the threshold;
           a_k* = 1, or a_label = 1 where there is none
    mean:  a_k = 1 / n for each of the n teachers among which hard chooses, a_label = 1 where there is none
    vote:  a_k = 1 / n for each of the n teachers whose argmax is that of the mean of log p_k over all that are heard,
           whatever y is, with c_k = max p_k; a_label = 1 where there is none
    soft:  w_k = softmax_k(log(c_k) / s);  a_k = w_k c_k;  a_label = 1 - sum_k a_k
    L   = sum_k a_k (T^2 KL(p_k || p_student) + w_S mean_d (f_student - f_k)^2) + a_label CE(y, student)

with embeddings f. The mean is there because the most confident teacher is often the least telling one: near certainty
its soft targets say no more than the label, and those of several teachers together say more (You, Xu, Xu, Tao,
"Learning from multiple teacher networks", KDD 2017, average all; here those that are right). The vote is for labels of
which many may be wrong: teachers that learnt from many recordings outvote a wrong label, which as their judge would be
followed instead. The weights of the soft choice before their own confidence, and s = 1, are a normalised form of the
idea of weighting teachers by their cross-entropy (CA-MKD, Zhang, Chen, Wang, ICASSP 2022). A sample without a label has
c_k = max p_k, needs no right answer, and where no teacher qualifies adds nothing.
"""

from numbers import Real

import keras
from keras import ops

from tfkd.losses.semantic import semantic
from tfkd.losses.soft_targets import soft_targets

SELECTIONS = ("hard", "mean", "vote", "soft")


def adaptive_shares(teacher_logits, labels, available=None, selection="hard", threshold=0.0, softness=1.0):
    """What share of a sample's target each teacher and the label have.

    Args:
        teacher_logits: `(batch, teachers, classes)`.
        labels: `(batch, classes)`; a row of zeros is a sample without a label, a row that sums to less than 1
            is one mixed with such a sample.
        available: `(batch, teachers)` of 1 and 0: whether the sample has what the teacher sees. All, if `None`.
        selection: `"hard"`, one source for each sample; `"mean"`, all teachers that are right; `"vote"`, all that
            say what they say together, right or not; or `"soft"`, a mixture.
        threshold: confidence from 0 to 1 that a teacher needs to be followed.
        softness: s of the soft choice; near 0 all goes to the most confident teacher.

    Returns:
        `(batch, teachers + 1)` float32, the label last. A row sums to 1; without a label to at most 1.

    Raises:
        ValueError: `selection` is none of these; logits or labels have another shape.
    """
    if selection not in SELECTIONS:
        raise ValueError(f"selection must be one of {SELECTIONS}, got {selection!r}.")
    logits = ops.cast(teacher_logits, "float32")
    labels = ops.cast(labels, "float32")
    classes = logits.shape[-1], labels.shape[-1] if len(labels.shape) == 2 else 0
    if len(logits.shape) != 3 or (None not in classes and classes[0] != classes[1]):
        raise ValueError(
            "Adaptive confidence needs the teachers' logits (batch, teachers, classes) and one-hot labels (batch, "
            f"classes), got the shapes {tuple(logits.shape)} and {tuple(labels.shape)}."
        )
    labelled = ops.sum(labels, axis=-1)  # 1, 0, or the labelled share of a mixed sample
    truth = labels / ops.where(labelled > 0, labelled, 1.0)[:, None]
    log_p = ops.log_softmax(logits, axis=-1)
    entropy = -ops.sum(truth * ops.log(ops.maximum(truth, 1e-30)), axis=-1)
    in_truth = ops.exp(ops.sum(truth[:, None] * log_p, axis=-1) + entropy[:, None])
    asked = ops.zeros_like(labelled) if selection == "vote" else labelled  # how far the label judges the teachers
    confidence = asked[:, None] * in_truth + (1 - asked[:, None]) * ops.exp(ops.max(log_p, axis=-1))
    eligible = confidence >= threshold
    if available is not None:
        eligible = ops.logical_and(eligible, ops.cast(available, "float32") > 0.5)
    # What is not heard may be NaN.
    confidence = ops.where(eligible, confidence, 0.0)
    if selection != "soft":
        if selection == "vote":
            together = ops.sum(ops.where(eligible[..., None], log_p, 0.0), axis=1)
            right = ops.argmax(logits, axis=-1) == ops.argmax(together, axis=-1)[:, None]
        else:
            right = ops.argmax(logits, axis=-1) == ops.argmax(truth, axis=-1)[:, None]
            right = ops.logical_or(right, labelled[:, None] < 0.5)
        eligible = ops.logical_and(eligible, right)
        teachers = ops.cast(eligible, "float32")
        if selection == "hard":
            best = ops.argmax(ops.where(eligible, confidence, -1.0), axis=-1)
            teachers = teachers * ops.one_hot(best, logits.shape[1])
        else:
            teachers = teachers / ops.maximum(ops.sum(teachers, axis=-1, keepdims=True), 1.0)
    else:
        # Those who are not heard do not count for the maximum either.
        score = ops.where(eligible, ops.log(ops.maximum(confidence, 1e-30)) / softness, -1e30)
        weight = ops.where(eligible, ops.exp(score - ops.max(score, axis=-1, keepdims=True)), 0.0)
        teachers = weight / ops.maximum(ops.sum(weight, axis=-1, keepdims=True), 1e-30) * confidence
    rest = labelled * (1 - ops.sum(teachers, axis=-1))
    return ops.concatenate([teachers, rest[:, None]], axis=-1)


def adaptive_confidence(
    shares, teacher_logits, student_logits, labels, temperature=4.0, semantic_weight=0.0, embeddings=()
):
    """The loss for given shares, a value for each sample; see the module for the equation.

    Args:
        shares: of `adaptive_shares`, `(batch, teachers + 1)`.
        teacher_logits: `(batch, teachers, classes)`.
        student_logits: `(batch, classes)`.
        labels: `(batch, classes)`, as for `adaptive_shares`.
        temperature: T of the soft targets.
        semantic_weight: w_S.
        embeddings: for the semantic term, a pair for each teacher: its embedding and the student's, projected
            to the same width.

    Returns:
        `(batch,)` float32.
    """
    labels = ops.cast(labels, "float32")
    labelled = ops.sum(labels, axis=-1)
    truth = labels / ops.where(labelled > 0, labelled, 1.0)[:, None]
    log_student = ops.log_softmax(ops.cast(student_logits, "float32"), axis=-1)
    loss = -shares[:, -1] * ops.sum(truth * log_student, axis=-1)
    for k in range(teacher_logits.shape[1]):
        # What nobody follows may be NaN, which times 0 would still be NaN, in the gradient too.
        heard = shares[:, k : k + 1] > 0
        told = ops.where(heard, teacher_logits[:, k], ops.zeros_like(teacher_logits[:, k]))
        followed = soft_targets(told, student_logits, temperature)
        if semantic_weight:
            told, said = embeddings[k]
            followed = followed + semantic_weight * semantic(ops.where(heard, told, ops.zeros_like(told)), said)
        loss = loss + shares[:, k] * followed
    return loss


@keras.saving.register_keras_serializable("tfkd")
class AdaptiveConfidence(keras.losses.Loss):
    """Adaptive confidence as a Keras loss. Unlike tfkd's other losses it needs labels and several teachers.

    In a `tfkd.Distiller` it is the loss of a `tfkd.distillers.AdaptiveDistillation`, which gathers what it needs.

    Args:
        temperature: of the soft targets, above 0.
        selection: `"hard"`, `"mean"`, `"vote"` or `"soft"`; see the module.
        threshold: from 0 to 1, confidence that a teacher needs to be followed.
        softness: of the soft choice, above 0.
        semantic: weight of the semantic term, w_S.

    Input shape:
        Two dictionaries. `y_true`: `"labels"` `(batch, classes)`, `"logits"` `(batch, teachers, classes)`, and, where
        they are needed, `"available"` `(batch, teachers)` and `"embeddings"`, one `(batch, width)` a teacher. `y_pred`:
        `"logits"` `(batch, classes)` and `"embeddings"`, the student's, brought to each teacher's width.
    """

    def __init__(
        self,
        temperature=4.0,
        selection="hard",
        threshold=0.0,
        softness=1.0,
        semantic=0.0,
        reduction="sum_over_batch_size",
        name="adaptive_confidence",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        for argument, value in (("temperature", temperature), ("softness", softness)):
            if not (isinstance(value, Real) and 0 < value < float("inf")):
                raise ValueError(f"{argument} must be a number above 0, got {value!r}.")
        if selection not in SELECTIONS:
            raise ValueError(f"selection must be one of {SELECTIONS}, got {selection!r}.")
        if not (isinstance(threshold, Real) and 0 <= threshold <= 1):
            raise ValueError(f"threshold is a confidence from 0 to 1, got {threshold!r}.")
        if not (isinstance(semantic, Real) and 0 <= semantic < float("inf")):
            raise ValueError(f"semantic must be a number of at least 0, got {semantic!r}.")
        self.temperature, self.selection, self.threshold = float(temperature), selection, float(threshold)
        self.softness, self.semantic = float(softness), float(semantic)

    def shares(self, y_true):
        """Shares `(batch, teachers + 1)` of the sources; see `adaptive_shares`."""
        return adaptive_shares(
            y_true["logits"], y_true["labels"], y_true.get("available"), self.selection, self.threshold, self.softness
        )

    def call(self, y_true, y_pred):
        if not (isinstance(y_true, dict) and isinstance(y_pred, dict)):
            raise ValueError(
                "AdaptiveConfidence takes a dictionary of several teachers' logits and of labels, and one of the "
                "student's: give it to a tfkd.Distiller, which makes them."
            )
        pairs = list(zip(y_true.get("embeddings", ()), y_pred.get("embeddings", ()))) if self.semantic else []
        teachers = y_true["logits"].shape[1]
        if self.semantic and len(pairs) != teachers:
            raise ValueError(
                f'semantic={self.semantic} needs "embeddings" of each of the {teachers} teachers and as many of the '
                f"student, got {len(pairs)} pairs."
            )
        return adaptive_confidence(
            self.shares(y_true), y_true["logits"], y_pred["logits"], y_true["labels"], self.temperature,
            self.semantic, pairs,
        )  # fmt: skip

    def get_config(self):
        names = ("temperature", "selection", "threshold", "softness", "semantic")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
