"""Letters of other scripts that look like Latin letters, and accents, folded to plain Latin letters.

For judging passwords only: the result is neither shown, stored nor hashed. The pairs are those of ``confusables.txt`` of
Unicode Technical Standard #39 that lead from one Cyrillic, Greek, Armenian or Latin letter to one letter or digit of ASCII.
A small Cyrillic or Greek letter whose capital looks Latin (``В``, ``К``) is read like its capital.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_PAIRS: Final = (
    # Cyrillic
    "ЅSІIЈJАAВBЕEЗ3КKМMНHОOРPСCТTУYХXЬbаaб6гrеeоoрpсcуyхxѕsіiјjѡwѴVѵvҮYүyһhҽeӀIӏiԁdԌGԛqԜWԝwꙇi"
    # Greek
    "ͿJΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXαaγyιiνvοoρpσoυuωwϜFϳjϺM"
    # Armenian
    "ՍUՏSՕOաwգqզqհhոnռnսuցgքfօo"
    # Latin
    "ıiƖIƦRƽsɑaɡgɣyɩiɪiɯwʀrʋuʏyʙbᴀaᴄcᴅdᴇeɢgʜhᴊjᴋkʟlᴍmɴnᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜱsꬵfꬽoøoØOđdĐDłlŁL"
)
_ACCENTS: Final = dict.fromkeys(range(0x300, 0x370))
"""Combining marks of Latin, Greek and Cyrillic letters; those of kana (U+3099, U+309A) make other letters."""


def _table() -> dict[int, str]:
    found = {ord(each): latin for each, latin in zip(_PAIRS[::2], _PAIRS[1::2], strict=True)}
    for each, latin in zip(_PAIRS[::2], _PAIRS[1::2], strict=True):
        found.setdefault(ord(each.lower()), latin.lower())
    return found


_TABLE: Final = _table()


def plain_letters(text: str) -> str:
    """``text`` with lookalikes and accented letters as plain Latin letters, everything else as it was."""
    if text.isascii():
        return text
    return "".join(map(_without_accents, text)).translate(_TABLE)


def _without_accents(character: str) -> str:
    """One character at a time: a long run of combining marks takes a quadratic time to normalise."""
    bare = unicodedata.normalize("NFD", character).translate(_ACCENTS)
    return unicodedata.normalize("NFC", bare)
