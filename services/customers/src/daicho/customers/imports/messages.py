"""What is wrong with rows and columns of a file, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daicho.customers.imports.faults import UNREADABLE, ImportExpired, NamesTooLarge
from daicho.customers.imports.normalising import CellError
from daicho.faults import FIELD_MESSAGES, Language, Messages
from daicho.tabular import FileTooLarge

_COUNTS: Final = Messages(
    ja="列の数が見出しと合いません（見出しは {expected} 列、この行は {found} 列）。",
    en="The number of columns differs from the header's: {expected} expected, {found} found.",
)
IMPORT_MESSAGES: Final[Mapping[str, Messages]] = {
    "error_value": Messages(
        ja="表計算ソフトのエラー値（{word}）です。元のファイルの数式を直すか、空欄にしてください。",
        en="This is a spreadsheet's error value ({word}). Mend the formula in the file, or empty the cell.",
    ),
    "company_in_name": Messages(
        ja="人の名前の列に会社名が入っています。会社名の列に移してください。",
        en="A company's name stands in a person's name. Move it to the column of the company.",
    ),
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
        ja="この項目ではレコードを照合できません。使えるのは次の項目です：{options}",
        en="Records cannot be matched by this field. They can by: {options}.",
    ),
    "unmapped_key": Messages(
        ja="照合に使う項目に、ファイルの列が割り当てられていません。",
        en="No column of the file is mapped to the field that records are matched by.",
    ),
    "column_twice": Messages(
        ja="列「{column}」が 2 回指定されています。", en="The column “{column}” is named twice."
    ),
    "field_twice": Messages(
        ja="列「{other}」と列「{column}」が同じ項目に割り当てられています。どちらかを外してください。",
        en="The columns “{other}” and “{column}” go into the same field. Leave one of them out.",
    ),
    "name_unmapped": Messages(
        ja="姓または氏名に列を割り当ててください。", en="Map a column to the family name or to the full name."
    ),
    "company_unmapped": Messages(
        ja="会社名に列を割り当ててください。", en="Map a column to the company's name."
    ),
    "field_unmapped": Messages(
        ja="必須項目「{label}」に列を割り当ててください。", en="Map a column to the required field “{label}”."
    ),
    "unmatched": Messages(
        ja="一致するレコードがなく、名前の列もないため、新しく登録できません。",
        en="No record matches, and without a column of names none can be made.",
    ),
    "fields_changed": Messages(
        ja="チェックの後に項目の設定が変わったため、取り込まれませんでした。",
        en="Fields were changed since the check, so the row was not imported.",
    ),
    "withheld": Messages(
        ja="表示する権限のない列に誤りがあります。内容は、ファイルをアップロードした人に確認してください。",
        en="Something is wrong in a column that you may not see. Ask who uploaded the file.",
    ),
    "unknown_column": Messages(ja="この列はファイルにありません。", en="The file has no such column."),
}

FAILURES: Final[Mapping[str, Messages]] = {
    **{each.code: each.messages for each in UNREADABLE if each is not FileTooLarge},
    "file_too_large": Messages(
        ja="ファイルが大きすぎます。分割してからもう一度お試しください。",
        en="The file is too large. Split it, then try again.",
    ),
    "file_missing": Messages(
        ja="保存されていたファイルが見つかりません。もう一度アップロードしてください。",
        en="The stored file is gone. Upload it again.",
    ),
    "fields_changed": Messages(
        ja="チェックの後に項目の設定が変わりました。もう一度チェックしてください。",
        en="Fields were changed since the check. Check the import again.",
    ),
    NamesTooLarge.code: NamesTooLarge.messages,
    "forbidden": Messages(
        ja="このインポートを始めた人に、取り込みの権限がなくなりました。",
        en="Whoever began this import may not import any more.",
    ),
    "rights_lost": Messages(
        ja="このインポートを始めた人が登録・変更できる範囲が、取り込みの途中で狭くなりました。もう一度チェックしてください。",
        en="During the import, the person who began it lost rights to create or change records. Check the import again.",
    ),
    "field_rights_lost": Messages(
        ja="このインポートを始めた人が、取り込み先の項目に入力できなくなりました。その項目を外して、もう一度チェックしてください。",
        en="During the import, the person who began it lost the right to write one of its fields. Leave the field out and check the import again.",
    ),
    "expired": Messages(
        ja="30 日間操作がなかったため、ファイルを削除しました。もう一度アップロードしてください。",
        en="Nothing was done with it for 30 days, so the file was deleted. Upload it again.",
    ),
    "internal": Messages(
        ja="処理中に問題が起きました。取り込み済みの行はそのまま残っています。もう一度お試しください。",
        en="Something went wrong on our side. Rows already imported stay. Try again.",
    ),
}
"""Why nothing more comes of an import, by its ``failure``."""
BEGUN: Final[Mapping[str, Messages]] = {
    "fields_changed": Messages(
        ja="取り込みの途中で項目の設定が変わりました。取り込み済みの行はそのまま残っています。"
        "もう一度取り込みを実行すると、残りの行をダウンロードして取り込み直せるようになります。",
        en="Fields were changed during the import. Rows already imported stay. "
        "Run it again to get the remaining rows as a file that can be imported anew.",
    ),
    "rights_lost": Messages(
        ja="このインポートを始めた人が登録・変更できる範囲が、取り込みの途中で狭くなりました。取り込み済みの行はそのまま残っています。"
        "もう一度取り込みを実行すると、残りの行のうち、いまの権限で取り込めるものだけを取り込みます。",
        en="During the import, the person who began it lost rights to create or change records. Rows already imported stay. "
        "Run it again to import those of the remaining rows that their rights still cover.",
    ),
    "field_rights_lost": Messages(
        ja="このインポートを始めた人が、取り込みの途中で、取り込み先の項目に入力できなくなりました。取り込み済みの行はそのまま残っています。"
        "権限が戻れば、もう一度取り込みを実行して残りの行を取り込めます。",
        en="During the import, the person who began it lost the right to write one of its fields. Rows already imported stay. "
        "Once they have the right again, run it again to go on with the rest.",
    ),
    "expired": ImportExpired.messages,
    "internal": Messages(
        ja="処理中に問題が起きました。取り込み済みの行はそのまま残っています。"
        "もう一度取り込みを実行すると、残りの行から続きます。",
        en="Something went wrong on our side. Rows already imported stay. Run it again to go on with the rest.",
    ),
}
"""What is said instead of an import that stopped halfway; see ``Import.has_begun``."""


def say_failure(code: str | None, language: Language, *, has_begun: bool) -> str | None:
    """The failure as a sentence; None where there is none."""
    if code is None:
        return None
    known = {**FAILURES, **(BEGUN if has_begun else {})}
    return known.get(code, known["internal"]).say(language, {})


_CELL_MESSAGES: Final[Mapping[str, Messages]] = {
    **IMPORT_MESSAGES,
    "required": Messages(ja="空欄です。", en="This is empty."),
}


def say(error: CellError, language: Language) -> str:
    """The error as a sentence, after the column that it is about."""
    messages = _CELL_MESSAGES.get(error.code) or FIELD_MESSAGES.get(error.code) or FIELD_MESSAGES["invalid"]
    params = error.params
    if error.code == "column_count" and "found" in params:
        return _COUNTS.say(language, params)
    if error.code == "too_long" and "maximum" not in params:
        return "行が長すぎます。" if language == "ja" else "The row is too long."
    sentence = messages.say(language, params)
    if error.column is None:
        return sentence
    return f"{error.column}：{sentence}" if language == "ja" else f"{error.column}: {sentence}"
