"""The stage that sets weights to zero."""

import types

import keras
import numpy as np
import pytest

from tfkd import pruning
from tfkd.compress import sparsity_of
from tfkd.networks import imu_student
from tfkd.recipe import parse_recipe


@pytest.fixture(scope="module")
def student():
    keras.utils.set_random_seed(0)
    return imu_student((16, 6), 4, width=24, depth=2, kernel=3, stem_kernel=5)


@pytest.mark.parametrize("settings, told", [
    ({"sparsity": 0.85, "per_layer": "instructions"}, []),
    ({"sparsity": 0.2, "per_layer": "instructions"}, ["saves no instructions with plain_c on m4"]),
    ({"sparsity": 0.5, "pattern": "2:4"}, []),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_the_stage(settings, told, student, tmp_path):
    import tensorflow as tf

    student.save(tmp_path / "distilled.keras")
    x, said = np.random.default_rng(0).normal(size=(8, 16, 6)), []

    def going_on(student, training):
        student.compile(keras.optimizers.SGD(0.01), "mse")
        return student, types.SimpleNamespace(num_batches=2)

    def trained(stage, model, batches, training, callbacks):
        tf.config.run_functions_eagerly(True)  # graphs of two steps take longer to make than they do
        model.fit(x, np.zeros((8, 4)), batch_size=4, epochs=training.epochs, verbose=0, callbacks=callbacks)
        tf.config.run_functions_eagerly(False)
        return {}

    run = types.SimpleNamespace(
        recipe=parse_recipe({"pruning": {"epochs": 1, **settings}}),
        folder=tmp_path,
        trainer=types.SimpleNamespace(on_device=lambda student: student),
        experiment=types.SimpleNamespace(say=said.append),
        going_on=going_on,
        trained=trained,
        kept=lambda stage, network, facts: {**facts, "network": network},
    )
    facts = pruning.prune(run)
    by_layer = facts["sparsity_by_layer"]
    assert facts["sparsity"] == sparsity_of(facts["network"])
    assert [words for words in said if told and told[0] in words] == said
    if told:
        assert said and set(by_layer.values()) == {0.0}
    elif settings["sparsity"] == 0.85:
        assert by_layer["logits"] == 0 and by_layer["stem_conv"] > 0.8
    else:
        assert by_layer["block1_pointwise"] == by_layer["logits"] == 0.5
