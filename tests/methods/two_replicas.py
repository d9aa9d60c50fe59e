"""Trains VSKD's distiller under a strategy of two logical CPU devices, which must be made before anything else.

Prints one JSON line: the loss of a step under the strategy, the mean of the losses of the two halves of the batch
apart, and the loss of a step on the whole batch."""

import json

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from tests.distillers.conftest import CLASSES, ROWS, make_student, make_teacher, no_dropout  # noqa: E402
from tfkd.methods import vskd  # noqa: E402

rng = np.random.default_rng(0)
x = {
    "imu": rng.normal(size=(ROWS, 8, 6)).astype("float32"),
    "skeleton": rng.normal(size=(ROWS, 4, 5, 3)).astype("float32"),
}
y = np.eye(CLASSES, dtype="float32")[rng.integers(CLASSES, size=ROWS)]


def distiller():
    # Label vectors beside a teacher: both roads to a target are gone through.
    model = vskd(teacher=make_teacher(), student=no_dropout(make_student()), label_vectors=np.eye(CLASSES))
    model.compile(
        keras.optimizers.SGD(0.01), keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.optimizer.build(model.trainable_variables)  # or the second step is traced again
    model.run_eagerly = not tf.distribute.has_strategy()
    return model


def loss(model, rows):
    taken = {name: values[rows] for name, values in x.items()}
    return model.fit(taken, y[rows], batch_size=len(y), shuffle=False, verbose=0).history["loss"][0]


strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    mirrored = distiller()
found = {
    "replicas": strategy.num_replicas_in_sync,
    "mirrored": loss(mirrored, slice(None)),
    "halves": np.mean([loss(distiller(), slice(0, ROWS // 2)), loss(distiller(), slice(ROWS // 2, ROWS))]),
    "whole": loss(distiller(), slice(None)),
    "second_step": loss(mirrored, slice(None)),
}
print(json.dumps({name: float(value) for name, value in found.items()}))
