"""The one thing that reading can end in besides a value."""

from __future__ import annotations


class Unreadable(ValueError):
    """The text is not what it should be. ``code`` is a field code of ``daicho.faults``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)
