"""`import tfkd` loads Keras and nothing heavier: what else is needed is loaded where it is used."""

import subprocess
import sys

CODE = """
import sys
import keras
before = set(sys.modules)
import tfkd
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_import_loads_keras_and_nothing_more():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['tfkd']"
