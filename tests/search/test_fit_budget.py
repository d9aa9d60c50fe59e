"""`tools/fit_budget.py` as it is called; what it finds is tested beside."""

import pytest

from tests.command_line import run


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--dataset", "synthetic"], "A budget needs a limit: flash, RAM, milliseconds or instructions."),
        (["--dataset", "synthetic", "--flash", "64 g"], "'64 g' is no size: write bytes, or 64k, or 1M."),
        (["--dataset", "synthetic", "--ms", "5", "--core", "m7"], "limit the instructions instead"),
        (["--dataset", "utd", "--ram", "8k"], "TFKD_DATA"),
        (["--dataset", "synthetic", "--ms", "nan"], "milliseconds must be a number above 0, got nan"),
        (["--dataset", "synthetic", "--ram", "8k", "--mhz", "inf"], "mhz must be a number above 0, got inf"),
        (["--ram", "8k"], "Name a data set"),
        (["--dataset", "synthetic", "--ram", "8k", "--validation_subjects", "seven"], "must be numbers"),
        (["--recipe", "nowhere.toml", "--ram", "8k"], "There is no recipe nowhere.toml"),
    ],
)
def test_what_it_cannot_do_is_told_plainly(arguments, told, tmp_path):
    answer = run("fit_budget.py", *arguments, "--out", tmp_path / "fit")
    assert answer.returncode != 0 and told in answer.stdout + answer.stderr
    assert not (tmp_path / "fit").exists()


def test_a_missing_optuna_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = run("fit_budget.py", "--dataset", "synthetic", "--ram", "8k", "--out", tmp_path / "fit")
    assert answer.returncode == 1 and 'pip install "tfkd[search]"' in answer.stderr
