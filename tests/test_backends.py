"""Networks, losses and distillers compute the same on JAX as on TensorFlow, and there without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests import backend_values

# Little optimisation: most of the time goes into compiling.
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}


def test_jax_computes_what_tensorflow_does(tmp_path):
    command = [sys.executable, "-m", "tests.backend_values", str(tmp_path / "jax.npz")]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, env={**os.environ, **JAX}, cwd=root, stderr=subprocess.PIPE, text=True) as jax:
        here = backend_values.values()
        errors = jax.communicate()[1]
    assert jax.returncode == 0, errors
    there = {name.replace("|", "/"): value for name, value in np.load(tmp_path / "jax.npz").items()}
    assert there.keys() == here.keys()
    for name, value in here.items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(there[name], value, rtol=1e-3, atol=1e-3 * scale + 1e-6, err_msg=name)
