"""Cards say what results.json says, and the zoo's cards are up to date."""

import hashlib
import json
from pathlib import Path

import pytest

from tfkd.deploy import Contract
from tfkd.report import card

MODELS = Path(__file__).resolve().parents[2] / "models"
PUBLISHED = sorted(path.parent for path in MODELS.glob("*/results.json"))


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda path: path.name)
def test_the_card_is_made_from_the_results_beside_it(model):
    results = json.loads((model / "results.json").read_text())
    command = f"python tools/distill.py --recipe models/{model.name}/recipe.toml --seeds {results['seeds']}"
    page = (model / "README.md").read_text()
    assert page == card.replaced(page, card.MEASURED, card.measured(results, command))


def test_the_table_says_who_was_judged():
    results = json.loads((MODELS / "utd-acc" / "results.json").read_text())
    assert "people who trained" not in card.zoo({"new": results})
    results["protocol"]["judged_subjects"] = results["protocol"]["train_subjects"]
    assert "whole trials; people who trained" in card.zoo({"known": results})


def test_the_readme_table_is_made_from_the_results_of_the_zoo():
    table = card.zoo({model.name: json.loads((model / "results.json").read_text()) for model in PUBLISHED})
    page = (MODELS.parent / "README.md").read_text()
    assert page == card.replaced(page, card.ZOO, table)


@pytest.mark.parametrize("model", [m for m in PUBLISHED if (m / "student.tflite").exists()], ids=lambda path: path.name)
def test_the_student_is_the_one_of_the_contract_and_runs(model):
    import numpy as np

    from tfkd.deploy import TflmModel

    contract = Contract.read(model / "contract.json")
    content = (model / "student.tflite").read_bytes()
    assert hashlib.sha256(content).hexdigest() == contract.model_sha256
    x = np.random.default_rng(0).normal(size=(3, *contract.input_shape[1:])).astype("float32")
    logits = TflmModel(content).predict(x)
    assert logits.shape == (3, len(contract.labels)) and np.ptp(logits) > 1


def test_markers_are_needed():
    with pytest.raises(ValueError, match="must hold <!-- measured -->"):
        card.replaced("# A card", card.MEASURED, "text")
