"""Tables of numbers: exact, and every fault told by file, line and column."""

import pytest

from tfkd.data import tables
from tfkd.data.recordings import DataError


def write(folder, text):
    path = folder / "S0100.csv"
    path.write_bytes(text.encode())
    return path


def test_columns_come_in_the_order_asked_for(tmp_path):
    path = write(tmp_path, "unixtime,a,word,b\n1648531521000,1,x,0.25\n1648531521033,-2e3,y,3\n")
    assert tables.read_numbers(path, ["b", "unixtime"]).tolist() == [[0.25, 1648531521000], [3, 1648531521033]]
    table = tables.read_table(path, ["a"], ["word"])
    assert list(table.columns) == ["a", "word"] and table["word"].tolist() == ["x", "y"]
    quoted = write(tmp_path, 't,a,note\n1,2,"one, two"\n2,3,\n')
    assert tables.read_numbers(quoted, ["t", "a"]).tolist() == [[1, 2], [2, 3]]


def test_a_mark_at_the_start_and_windows_line_ends_are_no_fault(tmp_path):
    assert tables.read_numbers(write(tmp_path, "\ufefft,a\r\n1,2\r\n"), ["t", "a"]).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("t,a\n1,2\n2,x\n", "line 3, column a: 'x' is no finite number"),
        ("t,a\n1,2\n2,\n", "line 3, column a: '' is no finite number"),
        ("t,a\n1,nan\n", "line 2, column a: 'nan' is no finite number"),
        ("t,a\n1,inf\n", "line 2, column a: 'inf' is no finite number"),
        ('t,a\n1,"0,5"\n', "line 2, column a: '0,5' is no finite number. Write numbers with a decimal point."),
        ("t,a\n1,2\n2,0,5\n", "line 3 has 3 cells, the header 2. Decimal commas?"),
        ("t,a\n1,0,5\n2,0,5\n", "line 2 has 3 cells, the header 2. Decimal commas?"),
        ("t,a\n1,2\n2\n", "line 3 has 1 cells, the header 2. Was it cut off?"),
        ("t,b\n1,2\n", "line 1 has no column a, only t, b."),
        ("t;a\n1;2\n", "separated by semicolons"),
        ("t\ta\n1\t2\n", "separated by tabs"),
        ("t,a\n1,2\n2,1_000\n", "line 3, column a: '1_000' is no finite number"),
        ("t,a\n1,2\n \t\n2,x\n", "line 4, column a: 'x' is no finite number"),
        ("t,a\n", "has no rows"),
        ("", "is empty"),
    ],
)
def test_faults_are_told_by_line_and_column(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError) as raised:
        tables.read_numbers(path, ["t", "a"])
    assert message in str(raised.value) and str(path) in str(raised.value)


def test_rows_are_found_in_the_file_as_pandas_counts_them(tmp_path):
    path = write(tmp_path, "t,a\n\n1,2\n  \n2,3\n\t\n\n,\n4,5\n")
    assert tables.lines_of_rows(path) == [3, 5, 8, 9]
    assert len(tables.read_table(path, [], ["t", "a"])) == 4
    assert tables.place(path, 1) == "line 5" and tables.place(path.with_suffix(".npz"), 1) == "row 2"


@pytest.mark.parametrize(
    "text, message",
    [
        (",t,a\n0,1,2\n", r"line 1: column 1 has no name. Is it an index \(pandas: to_csv\(..., index=False\)\)"),
        ("t,a,\n1,2,\n", "line 1: column 3 has no name. .* a comma too many"),
        ("sep=,\nt,a\n", r"line 1 \(sep=,\) is for a spreadsheet alone"),
        ("t, a\n", "column ' a': take the blanks"),
        ("", "is empty"),
    ],
)
def test_a_header_is_all_names(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        tables.read_header(write(tmp_path, text))


def test_what_is_no_text_is_told(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01")
    for read in (lambda path: tables.read_numbers(path, ["t"]), tables.read_header):
        with pytest.raises(DataError, match="a.csv is no UTF-8 text. Save it as such"):
            read(tmp_path / "a.csv")
    with pytest.raises(DataError, match="none.csv cannot be read"):
        tables.read_numbers(tmp_path / "none.csv", ["t"])


def test_a_table_without_a_header_is_read_from_bytes():
    found = tables.read_plain_numbers(b"1 2.5\r\n\r\n 3\t1332864600.250001\n", "a.txt", ("x", "seconds"))
    assert found.tolist() == [[1, 2.5], [3, 1332864600.250001]]
    assert tables.read_plain_numbers(b"time,x\n1,2\n", "a.csv", ("time", "x"), ",", skip=1).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "data, separator, message",
    [
        (b"1 2\n3 4 5\n", None, "a.txt: line 2 has 3 cells instead of 2 (x, y)."),
        (b"1 2\n\n3\n", None, "a.txt: line 3 has 1 cells instead of 2 (x, y)."),
        (b"1,2\n3,4,5\n", ",", "line 2 has 3 cells instead of 2 (x, y). Decimal commas?"),
        (b"1 2\n3 inf\n", None, "line 2, column 2 (y): 'inf' is no finite number."),
        (b"1 2\n3,5 4\n", None, "line 2, column 1 (x): '3,5' is no finite number. Numbers with a decimal point"),
        (b"\xff\x00 2\n", None, "line 1, column 1 (x)"),
        (b"\n", None, "a.txt has no rows"),
    ],
)
def test_a_bad_table_without_a_header_is_told_by_line_and_column(data, separator, message):
    with pytest.raises(DataError) as raised:
        tables.read_plain_numbers(data, "a.txt", ("x", "y"), separator)
    assert message in str(raised.value)
