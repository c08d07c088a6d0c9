"""Which Accept-Language asks for English: a pattern, since Envoy can ask a header no other question.

It agrees with ``language_of`` of ``daicho.web``: the better of Japanese (``*`` counts as it) and English, the first
of two that are as good. A pattern cannot compare numbers, so there is one alternative for each tenth of a quality:
what differs in the second decimal counts as equal, and less than a tenth counts as nothing.
"""

from __future__ import annotations

from typing import Final

_OTHER: Final = r"(?:[^,;\s*-]|[^,;\s*j-][^,;\s*-]|j[^,;\s*a-]|[^,;\s*-]{3,})(?:[-\s;][^,]*)?"
"""An element whose language is not Japanese."""
_JAPANESE: Final = r"(?:ja(?:-[^,;\s]*)?|\*)"
_ENGLISH: Final = r"en(?:-[^,;\s]*)?"
_QUALITY: Final = r"\s*;\s*q="


def asks_for_english() -> str:
    """An RE2 pattern that the whole header must match; RE2 takes time in proportion to the header alone."""
    return f"(?i)(?:{'|'.join(_english_at(tenths) for tenths in range(10, 0, -1))})"


def _english_at(tenths: int) -> str:
    """English at this quality, after nothing as good in Japanese and before nothing better."""
    before = _element(_OTHER, f"{_JAPANESE}{_QUALITY}{_below(tenths)}")
    at = r"(?:" + _QUALITY + r"1(?:\.0*)?)?" if tenths == 10 else rf"{_QUALITY}0\.{tenths}[0-9]*"
    up_to = "[^,]*" if tenths == 10 else f"{_QUALITY}{_below(tenths + 1)}"
    after = _element(_OTHER, f"{_JAPANESE}{up_to}")
    return rf"(?:{before},)*\s*{_ENGLISH}{at}\s*(?:,{after})*"


def _element(*ways: str) -> str:
    """One element of the list, which may be empty."""
    return rf"\s*(?:{'|'.join(ways)})?\s*"


def _below(tenths: int) -> str:
    """A quality of less than so many tenths."""
    return rf"0(?:\.(?:[0-{tenths - 1}][0-9]*)?)?"
