"""Kana: the one form in which they are stored, and the index あかさたな."""

from __future__ import annotations

import re
import unicodedata

import jaconv

from daicho.nihongo.widths import compose, narrow

_HIRAGANA = {code: jaconv.hira2kata(chr(code)) for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HIRAGANA_RUN = re.compile("[ぁ-ゖ]+")
_LONG_MARK = re.compile("(?<=[ァ-ヺー])[-\u2010-\u2015\u2212\u2500\uff0d]")
"""A hyphen or a dash after a kana: what people type for the long vowel mark."""
_STORED = re.compile("[\u30a1-\u30fa\u30fb-\u30fe]+")

_ROWS = {
    "あ": "アイウエオ",
    "か": "カキクケコ",
    "さ": "サシスセソ",
    "た": "タチツテト",
    "な": "ナニヌネノ",
    "は": "ハヒフヘホ",
    "ま": "マミムメモ",
    "や": "ヤユヨ",
    "ら": "ラリルレロ",
    "わ": "ワヰヱヲン",
}
_SMALL = dict(zip("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ", strict=True))
_BUCKET = {kana: row for row, members in _ROWS.items() for kana in members}

KANA_BUCKETS = (*_ROWS, "他")
"""What :func:`kana_bucket` can answer, in the order of the index."""


def to_katakana(text: str) -> str:
    """Hiragana as katakana; every other character stays."""
    return _HIRAGANA_RUN.sub(
        _as_katakana, text
    )  # "translate" is slow for characters that are not in its table


def _as_katakana(run: re.Match[str]) -> str:
    return run[0].translate(_HIRAGANA)


def store_kana(text: str) -> str:
    """The stored form, full-width katakana, of kana typed in any width or as hiragana.

    Other characters pass through in their NFKC form: a reading may hold a space or a latin name.
    """
    if _STORED.fullmatch(text):
        return text
    # Some katakana have a voiced form where the hiragana have none (わ with U+3099 becomes ヷ): composed anew.
    return _LONG_MARK.sub("ー", compose(narrow(text).translate(_HIRAGANA), "NFC"))


def kana_bucket(kana: str | None) -> str | None:
    """The row of the index あかさたな that ``kana`` (in any width or script) belongs to.

    ``他`` stands for what begins with something else; nothing for nothing.
    """
    if not kana:
        return None
    first = store_kana(kana[:2])[:1]
    base = unicodedata.normalize("NFD", _SMALL.get(first, first))[:1]
    return _BUCKET.get(base, "他")
