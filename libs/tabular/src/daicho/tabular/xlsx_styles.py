"""Tell what the cell styles make of a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daicho.tabular.faults import FileTooComplex, FileUnreadable
from daicho.tabular.number_formats import BUILT_IN, Kind, NumberFormat, number_format
from daicho.tabular.xml_reader import EndReading, Source, read_elements

MAX_STYLES: Final = 32 * 1024 * 1024
"""Bytes of the styles part. Workbooks that grew over years have ten megabytes."""
MAX_FORMATS: Final = 100_000
"""Cell styles and number formats; Excel itself stops at 65,490 styles."""

_PLAIN: Final = NumberFormat(Kind.NUMBER)
_FORMATS: Final[Mapping[int, NumberFormat]] = {
    number: NumberFormat(kind) for number, kind in BUILT_IN.items()
}


def read_styles(source: Source) -> Mapping[int, NumberFormat]:
    """Number formats by the cell style's number in ``cellXfs``; a style that shows a number as it is has none.

    Raises:
        FileUnreadable, FileTooLarge, FileTooComplex.
    """
    formats = dict(_FORMATS)
    found: dict[int, NumberFormat] = {}
    count = 0
    is_inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, is_inside
        tag = name.rpartition(" ")[2]
        if tag == "numFmt":
            formats[_number(attributes)] = number_format(attributes.get("formatCode", ""))
        elif tag == "cellXfs":
            is_inside = True
        elif tag == "xf" and is_inside:
            shown = formats.get(_number(attributes), _PLAIN)
            if shown != _PLAIN:
                found[count] = shown
            count += 1
        if count > MAX_FORMATS or len(formats) > MAX_FORMATS:
            raise FileTooComplex

    def end(name: str) -> None:
        if name.endswith(" cellXfs"):
            raise EndReading

    read_elements(source, start, end)
    return found


def _number(attributes: dict[str, str]) -> int:
    text = attributes.get("numFmtId", "0")
    if not text.isdecimal() or len(text) > 9:
        raise FileUnreadable
    return int(text)
