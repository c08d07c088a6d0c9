"""The one thing that reading can end in besides a value."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 200
"""Characters of a text that is read as a value with a form of its own; no date, number, code or address has more."""


class Unreadable(ValueError):
    """The text is not what it should be. ``code`` is a field code of ``daicho.faults``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def refuse_long(text: str, code: str, maximum: int = LONGEST) -> None:
    """Raise :class:`Unreadable` with ``code`` when ``text`` has more than ``maximum`` characters.

    Each reader calls it before it normalises the text or tries a pattern on it.
    """
    if len(text) > maximum:
        raise Unreadable(code)
