"""`import tfkd` loads Keras and nothing heavier: what else is needed is loaded where it is used."""

import os
import subprocess
import sys

CODE = """
import sys
import keras
before = set(sys.modules)
assert "tensorflow" not in before
import tfkd
tfkd.networks.weights.load_resnet18  # as docstrings name it
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_import_loads_keras_and_nothing_more():
    """On JAX: beside TensorFlow, whose import Keras needs there, one by tfkd would not be seen."""
    jax = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=jax)
    assert done.stdout.splitlines()[-1] == "['tfkd']"
