"""VSKD: a teacher that sees the person teaches a student that feels the movement.

After Ni, Sarbajna, Liu, Ngu, Yan, "Cross-modal knowledge distillation for vision-to-sensor action
recognition", ICASSP 2022. With teacher logits z_t, student logits z_s, and the 300-unit layers ("fc0"
there, `"embedding"` here) f_t and f_s of the same N recordings,

    L    = w_label CE(y, z_s) + w_ST L_ST + w_S L_S + w_D L_D + w_A L_A
    L_ST = T^2 mean_b KL(softmax(z_t / T) || softmax(z_s / T)),  T = 4                  `SoftTargets`
    L_S  = mean_b mean_d (f_s - f_t)^2                                                  `Semantic`
    L_D  = mean_ij huber(|f_s,i - f_s,j| / mu_s - |f_t,i - f_t,j| / mu_t)               `DistanceWise`
    L_A  = mean_ijk huber(cos angle(f_s,i f_s,j f_s,k) - cos angle(f_t,i f_t,j f_t,k))  `AngleWise`

L_S + L_D + L_A is the paper's DASK.

Where each comes from:

- That L_S, L_D and L_A act on the layer before the logits, beside soft targets and cross-entropy: the paper's
  framework figure. L_ST: Hinton, Vinyals, Dean 2015. L_D and L_A: Park, Kim, Lu, Cho, CVPR 2019.
- L_S as a mean squared error, T = 4 and the weights (label 1, soft targets 0.01, the others 1): the authors'
  released code; the paper's own weights could not be read.
- The semantic target: the teacher's embedding, as in that code, or a vector of the label's words, as in the
  authors' related SAKDN (Liu et al., IEEE TIP 2021), with `label_vectors`.

What is different here, because the released script does not train the published loss: there the distance, angle
and semantic lines are commented out, the attention term in their place is zero for vectors, and teacher and
student are fed from two independently shuffled loaders, so that a batch compares different recordings. Here all
terms act, on recordings paired by id; a linear projector stands between embeddings of different width (for L_S
alone, and left behind after training); and the teacher's random relations are fixed while it teaches
(`tfkd.networks.trn_teacher`).
"""

import keras
import numpy as np

from tfkd.distillers import Distiller, FeatureDistillation, LabelDistillation
from tfkd.distillers.checks import weight_of
from tfkd.losses import AngleWise, DistanceWise, Semantic, SoftTargets


def vskd(
    *,
    teacher,
    student,
    label=1.0,
    soft_targets=0.01,
    distance=1.0,
    angle=1.0,
    semantic=1.0,
    temperature=4.0,
    label_vectors=None,
    projector="auto",
    teacher_layer="embedding",
    student_layer="embedding",
):
    """A `Distiller` with VSKD's loss; see the module for its equations.

    Teacher and student are given by name, so that nobody trains the wrong one. A term of weight 0 is left
    out: `vskd(..., soft_targets=0, distance=0, angle=0)` is the semantic term alone. Relational terms
    compare the recordings of one batch, so batches should not be small (the paper's: 16); under a
    `tf.distribute` strategy those of one replica. In mixed_float16 over several replicas Keras looks for overflow
    in the first one alone: start with a low loss scale,
    `keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=64)`, or take mixed_bfloat16.

    Args:
        teacher: a trained Keras model that returns logits, or `None` where every batch brings stored
            outputs `"teacher_logits"` and `"teacher_embedding"`.
        student: the Keras model to train, for example `tfkd.networks.resnet18` on a
            `tfkd.encodings.GramianAngularField`.
        label, soft_targets, distance, angle, semantic: weights of the terms, not negative.
        temperature: of the soft targets.
        label_vectors: `(classes, width)` array, for example of `tfkd.data.label_vectors`: the semantic
            target, instead of the teacher's embedding.
        projector: a Keras layer between the student's embedding and the semantic target, or `None`;
            `"auto"` is a `Dense` of the target's width where the widths differ. With `teacher=None` the
            teacher's width is not known, and the projector has to be given.
        teacher_layer, student_layer: names of the layers compared.

    Returns:
        A `tfkd.Distiller`, to be compiled and fitted as any Keras model.

    Raises:
        ValueError: an argument makes no sense, all weights but the label's are 0, or a layer is not there.

    Example:

    ```python
    distiller = tfkd.methods.vskd(teacher=teacher, student=student)
    distiller.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    distiller.fit({"depth": clips, "imu": windows}, one_hot_labels, batch_size=16, epochs=100)
    ```
    """
    weights = {"soft_targets": soft_targets, "distance": distance, "angle": angle, "semantic": semantic}
    label = weight_of("label", label)
    weights = {name: weight_of(name, weight) for name, weight in weights.items()}
    if not any(weights.values()):
        raise ValueError(f"All of {', '.join(weights)} are 0: there is nothing to distil.")
    if label_vectors is not None and not semantic:
        raise ValueError("label_vectors are given, but the weight of the semantic term, which compares them, is 0.")
    layers = {"teacher_layer_name": teacher_layer, "student_layer_name": student_layer}
    terms = {}
    if soft_targets:
        terms["soft_targets"] = SoftTargets(temperature)
    if distance:
        terms["distance"] = FeatureDistillation(DistanceWise(), **layers)
    if angle:
        terms["angle"] = FeatureDistillation(AngleWise(), **layers)
    if semantic and label_vectors is not None:
        label_vectors = np.asarray(label_vectors, "float32")
        chosen = _projector(projector, label_vectors.shape[-1], student, student_layer)
        terms["semantic"] = LabelDistillation(Semantic(), label_vectors, student_layer, chosen)
    elif semantic:
        width = _width(teacher, teacher_layer) if teacher is not None else None
        terms["semantic"] = FeatureDistillation(
            Semantic(), projector=_projector(projector, width, student, student_layer), **layers
        )
    return Distiller(
        teacher, student, list(terms.values()), [weights[name] for name in terms], student_loss_weight=label
    )


def _projector(projector, width, student, layer):
    if projector != "auto":
        return projector
    if width is None or width == _width(student, layer):
        return None
    return keras.layers.Dense(width, name="projector")


def _width(model, layer):
    """Width of a layer's output; `None` where there is no such layer, which the Distiller says better."""
    try:
        return model.get_layer(layer).output.shape[-1]
    except (AttributeError, ValueError):
        return None
