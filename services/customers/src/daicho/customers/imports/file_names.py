"""The name of an uploaded file as it is kept, shown and given back with a download."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from daicho.nihongo import drop_unseen, is_single_line

LONGEST: Final = 100
"""Characters. Windows and macOS take 255 in a name, Linux 255 bytes, of which Japanese takes three a character."""
_LONGEST_ENDING: Final = 10
_FOLDERS: Final = re.compile(r"[/\\]")


def clean_file_name(sent: str) -> str:
    """``sent`` without folders, control characters and invisible ones (direction marks), blanks and dots at its ends,
    cut to :data:`LONGEST` characters before its ending. Nothing remains of a name that is made of such alone."""
    name = drop_unseen(_FOLDERS.split(sent)[-1])
    if not is_single_line(name):
        name = "".join(" " if unicodedata.category(each) in _CONTROLS else each for each in name)
    name = name.strip(" .\u3000")
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return name[:LONGEST]
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"


_CONTROLS: Final = frozenset(["Cc", "Cs", "Zl", "Zp"])
