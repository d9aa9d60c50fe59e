"""The tool that tells what zeros buy."""

import numpy as np
import pytest

from tests.command_line import TOOLS, run
from tests.deploy.test_cost_of_zeros import written
from tfkd.deploy import TflmModel, cost_of
from tfkd.deploy.cost import zeros


def table(text):
    """The rows of a Markdown table: name -> cells."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in rows}


def number(cell):
    return int(cell.replace(",", ""))


def test_what_zeros_buy(tmp_path):
    path = tmp_path / "student.tflite"
    path.write_bytes(written())
    answer = run("compare_sparsity.py", "--model", path, "--shares", "0.9", "--by_cost", "0.8")
    assert answer.returncode == 0, answer.stderr
    assert "Accuracy is not in it" in answer.stdout
    rows = table(answer.stdout)
    dense, sparse = rows["as they are"], rows["90% anywhere"]
    cost = cost_of(written(), "plain_c", "m4")
    assert dense[4:6] == [f"{cost.flash_bytes:,}", f"{cost.instructions:,.0f}"]
    assert dense[1] == "100.0%" and dense[2] == f"{len(zeros.replaced(written(), {})):,}"
    assert sparse[0] == "90%" and all(number(sparse[i]) < number(dense[i]) for i in (3, 4, 5, 8))
    assert [round(float(rows[p][0][:-1]), -1) for p in ("2:4", "3:4")] == [50, 70]  # groups cut short keep more
    by_flash = next(cells for name, cells in rows.items() if name.startswith("80% by flash, plain C m4: "))
    assert number(by_flash[4]) < number(dense[4]) and float(by_flash[1][:-1]) > float(sparse[1][:-1])
    four = rows["4 bits in convolutions"]
    assert number(four[4]) < number(dense[4]) and float(four[1][:-1]) > 97
    assert number(four[8]) > number(dense[8])  # with TFLM the code grows by more than so small a student saves
    assert "16 values an output channel (k-means)" in rows


def test_tables_of_values_are_decoded_by_tflm(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import clusters

    kernels = zeros.kernels_of(written())
    clustered = {name: clusters.clustered(kernel) for name, kernel in kernels.items()}
    assert all(len(np.unique(column)) <= 16 for kernel in clustered.values() for column in kernel.T)
    model_bytes = zeros.replaced(written(), clustered)
    with_tables = clusters.with_tables(model_bytes)
    assert len(with_tables) <= len(zeros.smallest(model_bytes))
    windows = np.random.default_rng(0).integers(-128, 128, (4, 32, 1, 6), np.int8)
    np.testing.assert_array_equal(TflmModel(with_tables).run(windows), TflmModel(model_bytes).run(windows))


@pytest.mark.parametrize("arguments, message", [
    ([], "--model"),
    (["--model", "models/utd-imu-4bit"], "models/utd-imu-4bit has weights of 4 bits already"),
    (["--model", "none"], "There is no file or folder none."),
    (["--model", "."], ". holds no student"),
    (["--model", "none.tflite"], "There is no file none.tflite"),
    (["--model", "none.keras"], "none.keras"),
    (["--model", "none", "--shares", "half"], "--shares must be numbers"),
    (["--model", "none", "--shares", "1.0"], "--shares must be at least 0 and below 1"),
])  # fmt: skip
def test_wrong_arguments(arguments, message):
    answer = run("compare_sparsity.py", *arguments)
    assert answer.returncode != 0 and message in answer.stderr + answer.stdout and "Traceback" not in answer.stderr
