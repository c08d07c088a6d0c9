"""The table of threats names tests that exist: one that was renamed away would leave its row empty."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "security"
_NAMED = re.compile(r"`((?:[\w./]+\.py|…)?)(?:::(test_\w+))?`")


def missing(table: str) -> list[str]:
    """What ``table`` names and is not there. An ellipsis stands for the file that was named before."""
    found, file = [], HERE
    for row in table.splitlines():
        cells = row.split("|")
        for path, test in _NAMED.findall(cells[2]) if len(cells) > 3 else ():
            if path not in ("", "…"):
                file = ROOT / path if "/" in path else HERE / path
            if not file.is_file():
                found.append(path)
            elif test and f"def {test}(" not in file.read_text(encoding="utf-8"):
                found.append(f"{file.name}::{test}")
    return found


def test_every_row_of_the_table_names_tests_that_exist() -> None:
    table = (HERE / "README.md").read_text(encoding="utf-8")
    assert len(_NAMED.findall(table)) > 60
    assert missing(table) == []


def test_a_row_without_its_test_is_named() -> None:
    table = "| a | `test_canary.py::test_gone`; `…::test_no_canary_in_temporary_files`; `test_gone.py` | x |"
    assert missing(table) == ["test_canary.py::test_gone", "test_gone.py"]
