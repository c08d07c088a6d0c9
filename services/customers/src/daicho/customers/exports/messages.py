"""What is said of exports that cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daicho.faults import Messages

EXPORT_MESSAGES: Final[Mapping[str, Messages]] = {
    "too_many_records": Messages(
        ja="一度にエクスポートできるのは {maximum} 件までです。検索や絞り込みで件数を減らしてください。",
        en="At most {maximum} records can be exported at once. Narrow the list by words or a filter.",
    ),
    "characters_lacking": Messages(
        ja="Shift_JIS（CP932）にない文字が {count} 種類あります：{characters}。置き換える文字（substitute、例：〓）を指定するか、UTF-8 か xlsx でエクスポートしてください。",
        en="Shift_JIS (CP932) lacks {count} of the characters: {characters}. Say what stands in their place (substitute, such as 〓), or export as UTF-8 or xlsx.",
    ),
    "not_encodable": Messages(
        ja="置き換える文字自体が Shift_JIS（CP932）にありません。〓 や ? などを指定してください。",
        en="Shift_JIS (CP932) lacks the substitute itself. Give 〓 or ?, for instance.",
    ),
    "not_for_xlsx": Messages(
        ja="xlsx に文字コードは指定できません。省略してください。",
        en="A workbook has no encoding. Leave it out.",
    ),
    "only_for_cp932": Messages(
        ja="置き換える文字は encoding が cp932 のときだけ指定できます。省略してください。",
        en="Only cp932 lacks characters. Leave the substitute out.",
    ),
}
