"""Writes the table of micro/README.md from micro/measured.json, which `make firmware-table` measures."""

import json
import sys

from boards import MICRO
from report import readme_table

BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"


def updated(readme, records):
    """The text of README.md with the table of `records` between its marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, found_begin, rest = readme.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not (found_begin and found_end):
        raise ValueError(f"README.md lacks the marks {BEGIN.strip()} and {END.strip()}.")
    return f"{before}{BEGIN}{readme_table(records)}{END}{after}"


def main():
    readme = MICRO / "README.md"
    records = json.loads((MICRO / "measured.json").read_text())
    try:
        readme.write_text(updated(readme.read_text(), records))
    except ValueError as error:
        sys.exit(str(error))
    print(f"wrote the table of {readme}")


if __name__ == "__main__":
    main()
