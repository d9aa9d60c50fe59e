"""The zoo's students, used as a stranger would: by `contract.json` alone, on the real recordings."""

import json
from pathlib import Path

import numpy as np
import pytest

from tfkd.data import cross_subject, stream, whole_trial
from tfkd.data.utd_mhad import STREAMS, read_utd_mhad
from tfkd.deploy import Contract, TflmModel, encode_for
from tfkd.evaluation import Predictions

MODELS = Path(__file__).resolve().parent.parent / "models"
PUBLISHED = sorted(path.parent for path in MODELS.glob("utd-*/student.tflite"))


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda path: path.name)
def test_the_published_accuracy_is_that_of_the_published_bytes(model, utd_dir):
    contract = Contract.read(model / "contract.json")
    test = cross_subject(read_utd_mhad(utd_dir)).test
    # One with a memory takes as many chunks as that reaches back, and one more.
    lengths = {"imu": contract.window * (1 - (-contract.memory // contract.window))}
    cut = contract.windowing == "whole_trial"
    windows = whole_trial(test, lengths) if cut else stream(test, lengths, contract.hop)
    channels = [STREAMS["imu"].channels.index(name) for name in contract.channels]
    mean, scale = np.array(contract.mean, "float32"), np.array(contract.scale, "float32")
    x = (windows.arrays["imu"][..., channels] - mean) / scale
    logits = TflmModel((model / "student.tflite").read_bytes()).predict(encode_for(contract, x))
    found = Predictions.of(windows, logits).metrics()
    claimed = json.loads((model / "results.json").read_text())["stages"]["int8"]
    assert found["accuracy"] == claimed["accuracy"]["seeds"][0]
    assert found["window_accuracy"] == claimed["window_accuracy"]["seeds"][0]
