"""What networks, losses and distillers compute, as arrays by name; they are the same on every Keras backend.

    KERAS_BACKEND=jax python -m tests.backend_values values.npz
"""

import contextlib
import dataclasses
import sys
from unittest import mock

import keras
import numpy as np
import pytest

from tests.conftest import shrink_teachers
from tfkd import losses, networks
from tfkd.distillers import AdaptiveDistillation, Distiller, FeatureDistillation, LabelDistillation
from tfkd.encodings import Gaf, GramianAngularField
from tfkd.networks.bn_inception import BLOCKS

CLASSES, ROWS = 3, 8
# JAX without compilation compiles operation by operation; TensorFlow is quickest without a graph.
JIT = keras.backend.backend() == "jax"
SETTINGS = {"jit_compile": JIT, "run_eagerly": not JIT}


def filled(model):
    """`model` with weights that do not depend on the backend."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        else:
            weight.assign(rng.normal(0, np.prod(weight.shape[:-1], initial=2.0) ** -0.5, weight.shape))
    return model


@contextlib.contextmanager
def shrunk():
    with pytest.MonkeyPatch.context() as patch:
        shrink_teachers(patch)
        yield


def of_networks():
    # Two blocks have all that BN-Inception is made of, and compile in a fifth of the time.
    with mock.patch.dict(BLOCKS, {name: BLOCKS[name] for name in ("3a", "3c")}, clear=True):
        two_blocks = networks.trn_teacher((2, 32, 32, 3), CLASSES, "bn_inception", embedding=8)
    models = {
        "imu_student": networks.imu_student((16, 6), CLASSES, width=8, depth=2),
        "gaf_student": networks.gaf_student((32, 2), CLASSES, GramianAngularField(16)),
        "resnet18": networks.resnet18((32, 32, 3), CLASSES),
        "imu_teacher": networks.imu_teacher((16, 6), CLASSES, width=8),
        "skeleton_teacher": networks.skeleton_teacher((8, 20, 3), CLASSES, width=8),
        "graph_teacher": networks.graph_teacher((8, 4, 3), ((1, 0), (1, 2), (2, 3)), CLASSES, width=8),
        "trn_teacher": networks.trn_teacher((4, 12, 12, 3), CLASSES, embedding=8),
        "trn_teacher with BN-Inception": two_blocks,
    }
    with shrunk():  # its two parts are compared above
        models["fused_teacher"] = networks.fused_teacher((8, 20, 3), (8, 6), CLASSES, width=8)
    for name, model in models.items():
        rng = np.random.default_rng(1)
        x = {t.name: rng.uniform(-1, 1, (2, *t.shape[1:])).astype("float32") for t in model.inputs}
        x = {key: 127.5 * (value + 1) if key == "depth" else value for key, value in x.items()}
        filled(model).compile(**SETTINGS)
        yield name, model.predict_on_batch(x if len(x) > 1 else next(iter(x.values())))


def of_memory():
    """A student that is fed chunk by chunk, from the beginning twice."""
    student = filled(networks.causal_student((16, 2), CLASSES, width=4, depth=1, stem_kernel=3))
    device = networks.streaming(student, samples=4)
    x = np.random.default_rng(5).normal(size=(1, 16, 2)).astype("float32")
    for time in ("first", "again"):
        for start in range(0, 16, 4):
            logits = device(x[:, start : start + 4], training=False)
        yield f"causal_student with a memory, {time}", logits
        networks.forget(device)
    yield "causal_student", student(x, training=False)


def of_encodings():
    x = np.random.default_rng(3).normal(size=(2, 40, 3)).astype("float32")
    for gaf in (Gaf("gasf", 7), Gaf("gadf", 20, -1.5, 2, "arcsin")):
        yield str(gaf), GramianAngularField(**dataclasses.asdict(gaf))(x)


def of_training():
    """A step of the video teacher: finite, and its random draws go on from where they were."""
    model = filled(networks.trn_teacher((4, 8, 8, 3), CLASSES, lambda x: keras.ops.mean(x, (1, 2)), embedding=8))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **SETTINGS)
    before = model.get_layer("logits").draws.state.numpy()
    loss = model.train_on_batch(np.ones((ROWS, 4, 8, 8, 3), "float32"), np.arange(ROWS) % CLASSES)
    yield "a step of the video teacher is finite", np.isfinite(loss)
    yield "draws go on", np.any(model.get_layer("logits").draws.state.numpy() != before)


def of_distiller():
    """Two steps with every loss, among them windows that are equal: logs and weights, and so all gradients."""
    rng = np.random.default_rng(2)
    x = {"imu": rng.normal(size=(ROWS, 16, 6)).astype("float32")}
    x["skeleton"] = rng.normal(size=(ROWS, 8, 20, 3)).astype("float32")
    x = {name: np.concatenate([values[:-1], values[:1]]) for name, values in x.items()}
    student = filled(networks.imu_student((16, 6), CLASSES, width=8, depth=1, dropout=0.0))
    terms = [
        losses.SoftTargets(2.0),
        FeatureDistillation(losses.DistanceWise()),
        FeatureDistillation(losses.AngleWise()),
        LabelDistillation(losses.Semantic(), rng.normal(size=(CLASSES, 8))),
        FeatureDistillation(losses.DASK(), projector=keras.layers.Dense(16)),
    ]
    terms[-1].projector.build((None, 8))
    filled(terms[-1].projector)
    with shrunk():
        teacher = filled(networks.skeleton_teacher((8, 20, 3), CLASSES, width=8))
    distiller = Distiller(teacher, student, terms)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"], **SETTINGS)
    distiller.optimizer.build(distiller.trainable_variables)
    history = distiller.fit(x, np.arange(ROWS) % CLASSES, batch_size=ROWS, epochs=2, shuffle=False, verbose=0).history
    yield from history.items()
    yield from (("distilled " + v.path, v.numpy()) for v in student.weights)
    yield from (("untouched " + v.path, v.numpy()) for v in teacher.weights)
    yield from (("projector " + v.name, v.numpy()) for v in terms[-1].projector.weights)


def of_several_teachers():
    """Two steps with teachers that some samples lack: who was followed, logs and weights."""
    rng = np.random.default_rng(4)
    x = {
        "imu": rng.normal(size=(ROWS, 16, 6)).astype("float32"),
        "skeleton": rng.normal(size=(ROWS, 8, 20, 3)).astype("float32"),
        "has_skeleton": (np.arange(ROWS) % 3 > 0).astype("float32"),
    }
    x["skeleton"][x["has_skeleton"] == 0] = np.nan
    with shrunk():
        teachers = {
            "imu": filled(networks.imu_teacher((16, 6), CLASSES, width=8)),
            "skeleton": filled(networks.skeleton_teacher((8, 20, 3), CLASSES, width=8)),
        }
    student = filled(networks.imu_student((16, 6), CLASSES, width=16, depth=1, dropout=0.0))
    terms = [
        AdaptiveDistillation(losses.AdaptiveConfidence(2.0, "soft", semantic=0.5)),
        FeatureDistillation(losses.DistanceWise(), teacher="skeleton"),
    ]
    distiller = Distiller(teachers, student, terms)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(keras.optimizers.SGD(0.1), loss, **SETTINGS)
    distiller.optimizer.build(distiller.trainable_variables)
    history = distiller.fit(x, np.arange(ROWS) % CLASSES, batch_size=ROWS, epochs=2, shuffle=False, verbose=0).history
    yield from (("several " + name, value) for name, value in history.items())
    yield from (("several " + v.path, v.numpy()) for v in student.weights)


def values():
    # Every weight is filled: drawing them first, operation by operation, would take JAX most of a minute.
    undrawn = mock.patch.object(keras.initializers.VarianceScaling, "__call__", lambda _, shape, dtype: np.zeros(shape))
    with undrawn:
        parts = (of_networks, of_memory, of_encodings, of_training, of_distiller, of_several_teachers)
        return {name: np.asarray(value) for part in parts for name, value in part()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **{name.replace("/", "|"): value for name, value in values().items()})
    if keras.backend.backend() != "tensorflow" and "tensorflow" in sys.modules:
        sys.exit("TensorFlow was imported, though the backend is another.")
