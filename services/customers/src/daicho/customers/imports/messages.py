"""What is wrong with rows and columns of a file, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daicho.customers.imports.normalising import CellError
from daicho.faults import FIELD_MESSAGES, Language, Messages

IMPORT_MESSAGES: Final[Mapping[str, Messages]] = {
    "column_count": Messages(
        ja="列の数が見出しと合いません。", en="The number of columns differs from the header's."
    ),
    "undecodable": Messages(
        ja="文字コードとして読み取れない文字があります。",
        en="Some characters do not decode in the file's encoding.",
    ),
    "unclosed_quote": Messages(
        ja='引用符（"）が閉じられていません。', en='A quotation mark (") is opened and never closed.'
    ),
    "repeated_in_file": Messages(
        ja="同じ値の行がこのファイルの前のほうにあります。", en="A row further up has the same value."
    ),
    "ambiguous_match": Messages(
        ja="この値に一致するレコードが複数あります。", en="More than one record matches this value."
    ),
    "record_gone": Messages(
        ja="更新するレコードが見つからなくなりました。", en="The record to update is no longer there."
    ),
    "not_matchable": Messages(
        ja="この項目ではレコードを照合できません。", en="Records cannot be matched by this field."
    ),
    "unknown_column": Messages(ja="この列はファイルにありません。", en="The file has no such column."),
}


def say(error: CellError, language: Language) -> str:
    """The error as a sentence, after the column that it is about."""
    messages = IMPORT_MESSAGES.get(error.code) or FIELD_MESSAGES.get(error.code) or FIELD_MESSAGES["invalid"]
    params = error.params
    if error.code == "too_long" and "maximum" not in params:
        return "行が長すぎます。" if language == "ja" else "The row is too long."
    sentence = messages.say(language, params)
    if error.column is None:
        return sentence
    return f"{error.column}：{sentence}" if language == "ja" else f"{error.column}: {sentence}"
