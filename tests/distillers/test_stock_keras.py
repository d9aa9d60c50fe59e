"""Keras' own distillation losses work here, and the losses of tfkd work in Keras' own Distiller."""

import keras
import numpy as np
import pytest

from tests.distillers.conftest import UNTRACED, compiled, make_student, make_teacher, no_dropout, same, weights
from tfkd import losses
from tfkd.distillers import Distiller


def test_stock_losses_in_our_distiller(batch):
    x, y = batch
    terms = [
        keras.distillation.LogitsDistillation(temperature=2.0),
        keras.distillation.FeatureDistillation(losses.DistanceWise(), "embedding", "embedding"),
    ]
    distiller = compiled(Distiller(make_teacher(), make_student(), terms), **UNTRACED)
    logs = distiller.train_on_batch(x, y, return_dict=True)
    assert np.isfinite(logs["loss"]) and logs["LogitsDistillation_loss"] > 0


def test_stock_loss_and_soft_targets_agree(batch):
    x, y = batch
    logs = []
    # As an object: given by its name, which is the default, Keras 3.15 applies it to the bare logits.
    stock = keras.distillation.LogitsDistillation(2.0, loss=keras.losses.KLDivergence())
    for term in (stock, losses.SoftTargets(2.0)):
        distiller = compiled(Distiller(make_teacher(), no_dropout(make_student()), term), **UNTRACED)
        logs.append(distiller.train_on_batch(x, y, return_dict=True)["loss"])
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


@pytest.mark.parametrize("loss", [losses.DistanceWise(), losses.AngleWise(), losses.DASK(1, 1, 0)])
def test_our_losses_in_stock_keras(batch, loss, tmp_path):
    x, y = batch
    teacher, student = make_student(16, "teacher"), make_student(6)
    stock = keras.distillation.Distiller(
        teacher,
        student,
        keras.distillation.FeatureDistillation(loss, "embedding", "embedding"),
    )
    stock.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), **UNTRACED)
    before = weights(student)
    stock.fit(x["imu"], y, verbose=0)
    assert not same(before, weights(student))
    stock.save(tmp_path / "stock.keras")
    again = keras.models.load_model(tmp_path / "stock.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x["imu"]), student(x["imu"]))
