"""What field codes say, in both languages. A service adds its own beside these."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.faults.fault import Messages

FIELD_MESSAGES: Mapping[str, Messages] = {
    "required": Messages(ja="入力してください。", en="This is required."),
    "no_options": Messages(ja="選択肢を 1 つ以上追加してください。", en="Add at least one option."),
    "unknown_field": Messages(
        ja="この項目はありません。使えるのは次の項目です：{known}",
        en="There is no such field. There are: {known}.",
    ),
    "read_only": Messages(ja="この項目は変更できません。", en="This cannot be changed."),
    "unknown_parameter": Messages(
        ja="このパラメーターはありません。使えるのは次のパラメーターです：{known}",
        en="There is no such parameter. There are: {known}.",
    ),
    "repeated_parameter": Messages(
        ja="このパラメーターは 1 回だけ指定してください。", en="Give this parameter once."
    ),
    "not_permitted": Messages(ja="この項目を扱う権限がありません。", en="You may not use this field."),
    "invalid_type": Messages(
        ja="{expected}で指定してください。",
        en="This must be {expected}.",
    ),
    "invalid_email": Messages(
        ja="メールアドレスの形式が正しくありません（例：taro@example.co.jp）。",
        en="This is not an e-mail address (such as taro@example.co.jp).",
    ),
    "invalid_phone": Messages(
        ja="電話番号の形式が正しくありません（例：03-1234-5678、+81312345678）。",
        en="This is not a telephone number (such as 03-1234-5678 or +81312345678).",
    ),
    "invalid_postal_code": Messages(ja="郵便番号は 7 桁の数字です。", en="A postal code has seven digits."),
    "invalid_date": Messages(
        ja="日付として読み取れません（例：2026-11-25）。",
        en="This is not a date (such as 2026-11-25).",
    ),
    "invalid_datetime": Messages(
        ja="日時として読み取れません。日付に時刻と時差を付けてください（例：2026-11-25T09:30:00+09:00）。",
        en="This is not a date and time. Write the day, the time and its offset (such as 2026-11-25T09:30:00+09:00).",
    ),
    "day_out_of_range": Messages(
        ja="{first} から {last} まで（日本時間）の日付にしてください。",
        en="The day must be between {first} and {last} in Japan's time.",
    ),
    "invalid_number": Messages(
        ja="数値として読み取れません（例：1200、-1.25）。",
        en="This is not a number (such as 1200 or -1.25), or it has more decimals than are kept.",
    ),
    "invalid_boolean": Messages(ja="はい・いいえとして読み取れません。", en="This is neither yes nor no."),
    "invalid_currency": Messages(
        ja="通貨は JPY、USD のような英大文字 3 文字（ISO 4217）です。",
        en="A currency is three capital letters (ISO 4217), such as JPY or USD.",
    ),
    "invalid_url": Messages(
        ja="URL の形式が正しくありません（例：https://www.example.co.jp/）。",
        en="This is not a web address (such as https://www.example.co.jp/).",
    ),
    "invalid_month": Messages(ja="月は 1〜12 です。", en="A month is 1 to 12."),
    "invalid_corporate_number": Messages(
        ja="法人番号（13 桁）の検査数字が合いません。",
        en="The corporate number (13 digits) fails its check digit.",
    ),
    "invalid_registration_number": Messages(
        ja="登録番号は T と 13 桁の数字です。", en="A registration number is T and 13 digits."
    ),
    "unknown_option": Messages(
        ja="選択肢にない値です。使えるのは次の値です：{options}",
        en="This is not one of the options. There are: {options}.",
    ),
    "unknown_record": Messages(ja="該当するレコードがありません。", en="There is no such record."),
    "unknown_user": Messages(ja="該当するユーザーがいません。", en="There is no such user."),
    "too_short": Messages(ja="{minimum} 文字以上で入力してください。", en="At least {minimum} characters."),
    "too_long": Messages(ja="{maximum} 文字以内で入力してください。", en="At most {maximum} characters."),
    "expands_too_much": Messages(
        ja="㌖（キロメートル）のように、ふつうの文字に直すと何文字にもなる文字が多すぎます。ふつうの文字で入力してください。",
        en="Too many characters such as ㌖ (キロメートル), each of which stands for several. Write them out.",
    ),
    "too_small": Messages(ja="{minimum} 以上にしてください。", en="Must be at least {minimum}."),
    "too_large": Messages(ja="{maximum} 以下にしてください。", en="Must be at most {maximum}."),
    "too_few": Messages(ja="{minimum} 件以上にしてください。", en="At least {minimum}."),
    "too_many": Messages(ja="{maximum} 件までです。", en="At most {maximum}."),
    "not_unique": Messages(ja="すでに使われている値です。", en="This value is already in use."),
    "control_character": Messages(
        ja="改行・制御文字・見えない文字（文字の向きを変える記号など）は使えません。取り除いてください。",
        en="Line breaks, control characters and invisible characters such as direction marks are not allowed here. Remove them.",
    ),
    "invalid_key": Messages(
        ja="キーは英小文字で始まる 40 文字以内の英小文字・数字・_ です。",
        en="A key is up to 40 lower-case letters, digits and _, beginning with a letter.",
    ),
    "reserved_key": Messages(ja="このキーは使えません。", en="This key is reserved."),
    "not_for_type": Messages(ja="この種類の項目では使えません。", en="Fields of this type do not have this."),
    "not_sortable": Messages(ja="この項目では並べ替えられません。", en="This field cannot be sorted by."),
    "unknown_operator": Messages(
        ja="この項目では使えない条件です。使えるのは次の条件です：{options}",
        en="This field does not have this operator. It has: {options}.",
    ),
    "record_too_large": Messages(
        ja="レコード全体が大きすぎます（全項目で 1 MB まで）。長文の項目を短くするか、空にしてください。",
        en="The record as a whole is too large (limit 1 MB, all fields together). Shorten or empty long texts.",
    ),
    "condition_too_large": Messages(
        ja="条件が大きすぎます（上限 {maximum} バイト）。値を減らすか、条件を分けてください。",
        en="The conditions are too large (limit {maximum} bytes). Give fewer values, or ask in parts.",
    ),
    "too_deep": Messages(
        ja="条件の入れ子は {maximum} 段までです。",
        en="Conditions are nested {maximum} deep at most.",
    ),
    "invalid_pattern": Messages(
        ja="形式が正しくありません（{pattern}）。", en="This does not look as it should ({pattern})."
    ),
    "invalid_id": Messages(
        ja="ID の形式が正しくありません（例：019abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11）。",
        en="This is not an id (such as 019abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11).",
    ),
    "invalid": Messages(ja="値が正しくありません。", en="The value is not valid."),
}
