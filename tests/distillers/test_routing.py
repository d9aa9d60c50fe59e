"""Each model of a Distiller takes the inputs that it is named for."""

import keras
import numpy as np
import pytest
from keras import layers

from tfkd.distillers.routing import Routed


def test_a_sequential_model_that_was_never_called(batch):
    x, _ = batch
    stack = [layers.Flatten(), layers.Dense(4, name="embedding"), layers.Dense(3)]
    model = keras.Sequential([keras.Input((8, 6), name="imu"), *stack])
    routed = Routed(model, "teacher", ["embedding"])
    assert routed.width(None) == (None, 3) and routed.width("embedding") == (None, 4)
    said = routed(x, training=False)
    np.testing.assert_array_equal(said["logits"], routed(x["imu"], training=False)["logits"])
    np.testing.assert_allclose(said["logits"], np.asarray(model(x["imu"])), rtol=1e-6)
    with pytest.raises(ValueError, match=r"has inputs \['imu'\], but the batch holds \['skeleton'\]"):
        routed({"skeleton": x["skeleton"]}, training=False)
