"""Tell which cell styles show a number as a date or a time."""

from __future__ import annotations

import re
from typing import Final

from daicho.tabular.faults import FileTooComplex, FileUnreadable
from daicho.tabular.xml_reader import EndReading, Source, read_elements

MAX_STYLES: Final = 32 * 1024 * 1024
"""Bytes of the styles part. Workbooks that grew over years have ten megabytes."""
MAX_FORMATS: Final = 100_000
"""Cell styles and number formats; Excel itself stops at 65,490 styles."""
_LONGEST_FORMAT: Final = 255
"""Characters of a number format that count."""

# Formats without a code in the file, by ECMA-376-1, 18.8.30. In Japanese (and Chinese, Korean) workbooks 27 to 36
# and 50 to 58 are dates and times as well.
_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERALS: Final = re.compile(r'"[^"]*"|\[(?!(?:hh?|mm?|ss?)\])[^\]]{0,64}+\]')
"""Text in quotes, colours and places of at most 64 characters; not ``[h]``, which counts hours beyond a day."""
_SYMBOLS: Final = re.compile(r"(?<![_\\])[dmhysDMHYS]")


def is_date_format(code: str) -> bool:
    """Whether the number format ``code`` shows a date or a time, judged by its part for positive numbers."""
    shown = _LITERALS.sub("", code[:_LONGEST_FORMAT].partition(";")[0])
    return _SYMBOLS.search(shown) is not None


def read_date_styles(source: Source) -> frozenset[int]:
    """The cell styles, by their number in ``cellXfs``, that show dates or times.

    Raises:
        FileUnreadable, FileTooLarge, FileTooComplex.
    """
    formats: dict[int, bool] = {}
    found: set[int] = set()
    count = 0
    is_inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, is_inside
        tag = name.rpartition(" ")[2]
        if tag == "numFmt":
            formats[_number(attributes)] = is_date_format(attributes.get("formatCode", ""))
        elif tag == "cellXfs":
            is_inside = True
        elif tag == "xf" and is_inside:
            number = _number(attributes)
            if formats.get(number, number in _DATES):
                found.add(count)
            count += 1
        if count > MAX_FORMATS or len(formats) > MAX_FORMATS:
            raise FileTooComplex

    def end(name: str) -> None:
        if name.endswith(" cellXfs"):
            raise EndReading

    read_elements(source, start, end)
    return frozenset(found)


def _number(attributes: dict[str, str]) -> int:
    text = attributes.get("numFmtId", "0")
    if not text.isdecimal() or len(text) > 9:
        raise FileUnreadable
    return int(text)
