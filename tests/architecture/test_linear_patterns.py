"""Every regular expression of the product reads its text in time in proportion to the text's length."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from daicho.testkit.growth import cpu_time, superlinear_growth

from .attacks import attacks
from .patterns import NotConstant, Pattern, find_patterns, normalises, takes_re_apart

ROOT = Path(__file__).resolve().parents[2]
EXEMPT = "libs/testkit/"
"""Reads what tests themselves make."""
LENGTH = 2_048
SUSPICIOUS = 0.002
"""CPU seconds for a text of that length from which on its growth is measured; linear patterns take 0.0003."""
OFFENDERS = {
    "cubic": r"\S+@\S+\.\S+",
    "optional at both sides": r"[\d,. ]*\d[\d,. ]*",
    "blanks before an end, searched": r"\s*\([日月火水木金土]\)$",
    "a time at the end, searched": r"[ T]+0:00$",
    "lazy, then the same again": r"(.+?)[ \t]*(?:株式会社|有限会社)",
    "two greedy parts": r"(.+市)(.+区)",
    "a class within a class": r"[a-z]+[.a-z0-9]*",
    "nested": r"(?:a+)+b",
}


def _modules() -> list[PurePosixPath]:
    listed = subprocess.run(["git", "ls-files", "--", "*.py"], cwd=ROOT, capture_output=True, check=True)
    paths = [PurePosixPath(name) for name in listed.stdout.decode().split()]
    return [
        path
        for path in paths
        if "src" in path.parts and "contracts" not in path.parts and not str(path).startswith(EXEMPT)
    ]


def _holds_pattern(source: str) -> bool:
    return re.search(r"\bre\.\w+\(|\bpattern=", source) is not None


def _slow_text(pattern: re.Pattern[str] | re.Pattern[bytes], *, is_searched: bool) -> str | None:
    """The first text derived from ``pattern`` on which its work grows faster than the text."""
    ways = [pattern.search] if is_searched else [pattern.match, pattern.fullmatch]
    for first, part, last in attacks(pattern.pattern, pattern.flags):

        def build(size: int, first: str = first, part: str = part, last: str = last) -> str | bytes:
            text = first + part * (size // len(part)) + last
            return text.encode() if isinstance(pattern.pattern, bytes) else text

        for way in ways:
            if cpu_time(way, build(LENGTH), 0.05) > SUSPICIOUS and (grown := superlinear_growth(way, build)):
                return f"{first!r} + {part!r}… + {last!r}: {grown}"
    return None


PATTERNS = [(path, source) for path in _modules() if _holds_pattern(source := (ROOT / path).read_text())]


@pytest.mark.parametrize(("path", "source"), PATTERNS, ids=[str(path) for path, _ in PATTERNS])
def test_patterns_are_linear(path: PurePosixPath, source: str) -> None:
    slow = {
        found.place: text
        for found in find_patterns(path, source)
        if (text := _slow_text(found.pattern, is_searched=found.is_searched))
    }
    assert not slow


def test_patterns_are_found() -> None:
    found: list[Pattern] = [each for path, source in PATTERNS for each in find_patterns(path, source)]
    assert len(found) > 70
    assert {"search", "fullmatch"} <= {name for each in found for name in each.methods}


def test_no_module_hides_its_patterns() -> None:
    hiding = [path for path in _modules() if takes_re_apart(ast.parse((ROOT / path).read_text()))]
    assert not hiding


def test_text_is_normalised_by_the_linear_function_alone() -> None:
    found = [path for path in _modules() if normalises(ast.parse((ROOT / path).read_text()))]
    assert [str(each) for each in found] == [
        "libs/nihongo/src/daicho/nihongo/addresses.py",  # one character at a time
        "libs/nihongo/src/daicho/nihongo/kana.py",  # the first character
        "libs/nihongo/src/daicho/nihongo/widths.py",
        "services/identity/src/daicho/identity/lookalikes.py",  # one character at a time
        "services/identity/src/daicho/identity/policy.py",  # 256 characters
    ]


@pytest.mark.parametrize("pattern", OFFENDERS.values(), ids=list(OFFENDERS))
def test_pattern_that_is_not_linear_is_named(pattern: str) -> None:
    assert _slow_text(re.compile(pattern), is_searched="$" in pattern) is not None


def test_pattern_made_at_run_time_is_refused() -> None:
    source = "import re\ndef read(mark, text):\n    return re.search(f'{mark}+$', text)\n"
    with pytest.raises(NotConstant):
        list(find_patterns(PurePosixPath("libs/nihongo/src/daicho/nihongo/widths.py"), source))


def test_hidden_pattern_is_named() -> None:
    assert takes_re_apart(ast.parse("from re import compile as build"))
    assert takes_re_apart(ast.parse("import re as r"))
    assert normalises(ast.parse("import unicodedata\nunicodedata.normalize('NFC', text)"))
