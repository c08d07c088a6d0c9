"""Decode the escapes of a workbook's texts (ECMA-376-1, 22.9.2.19, ST_Xstring)."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_KEPT: Final = "\t\n\r"
"""Control characters that are text."""


def unescape(text: str) -> str:
    """``text`` with each ``_xHHHH_`` as the character that it stands for, once: ``_x005F_x000D_`` is ``_x000D_``.

    Control characters other than tab and line ends are left out, as is half of a pair of surrogates.
    """
    if "_x" not in text:
        return text
    decoded = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    if any("\ud800" <= each <= "\udfff" for each in decoded):
        decoded = decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return "".join(each for each in decoded if _is_text(each))


def _is_text(character: str) -> bool:
    return (character >= " " and not "\x7f" <= character <= "\x9f") or character in _KEPT
