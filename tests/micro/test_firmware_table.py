"""The table of micro/README.md: what stands there was measured, and with the students that are in models/."""

import json

import pytest
from boards import MICRO
from readme_table import updated

RECORDS = json.loads((MICRO / "measured.json").read_text())


def test_the_table_is_that_of_the_measured_figures():
    readme = (MICRO / "README.md").read_text()
    assert updated(readme, RECORDS) == readme, "run python3 micro/tools/readme_table.py"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['model']}, {record['engine']}")
def test_figures_are_of_the_student_that_is_there(record):
    contract = json.loads((MICRO.parent / "models" / record["model"].split(",")[0] / "contract.json").read_text())
    assert record["model_sha256"] == contract["model_sha256"], "measure again: make firmware-table"
    assert all(target["identical"] == target["windows"] for target in record["targets"])


def test_a_readme_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        updated("# The firmware\n", RECORDS)
