"""Words for yes and no."""

from __future__ import annotations

from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import narrow

_YES = [
    "同意する",
    "同意",
    "はい",
    "○",
    "◯",
    "〇",
    "◎",
    "1",
    "true",
    "yes",
    "y",
    "可",
    "有",
    "有り",
    "あり",
    "する",
    "✓",
    "✔",
    "☑",
]
_NO = [
    "同意しない",
    "不同意",
    "いいえ",
    "×",
    "✕",
    "✖",
    "0",
    "false",
    "no",
    "n",
    "不可",
    "無",
    "無し",
    "なし",
    "しない",
    "☐",
]
_WORDS = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}


def read_boolean(text: str) -> bool:
    """Yes or no, from the words that Japanese forms use for consent, in any width and case.

    Raises:
        Unreadable: ``unknown_option``. Silence is not a no: the caller decides about empty cells.
    """
    answer = _WORDS.get(text)
    if answer is None:
        refuse_long(text, "unknown_option")
        answer = _WORDS.get(narrow(text).strip().lower())
    if answer is None:
        raise Unreadable("unknown_option")
    return answer
