"""What can go wrong in the ledger, beyond what every service shares."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.faults import Conflict, Fault, FieldFault, Invalid, Messages

FIELD_MESSAGES: Mapping[str, Messages] = {
    "unknown_company": Messages(ja="該当する取引先がありません。", en="There is no such company."),
    "company_twice": Messages(
        ja="会社は company_id と company_name のどちらか一方で指定してください。",
        en="Name the company by its id or by its name, not by both.",
    ),
    "not_among_readers": Messages(
        ja="この変更ができるのは、いまこの項目を閲覧できる役割の人とオーナーだけです。オーナーに依頼してください。",
        en="Only those who may read this field, and owners, may change this. Ask an owner.",
    ),
    "not_among_writers": Messages(
        ja="この変更ができるのは、いまこの項目に入力できる役割の人とオーナーだけです。オーナーに依頼してください。",
        en="Only those who may write this field, and owners, may change this. Ask an owner.",
    ),
    "option_in_use": Messages(
        ja="選択肢「{value}」は削除できません。使わない場合はアーカイブしてください。",
        en="The option “{value}” cannot be removed. Archive it to stop offering it.",
    ),
    "invalid_key": Messages(
        ja="半角の英小文字で始め、英小文字・数字・_ を 40 文字以内で指定してください。",
        en="Begin with a lower-case letter; then letters, digits and _, 40 at most.",
    ),
    "reserved_key": Messages(ja="この名前は使えません。", en="This name is reserved."),
    "not_sortable": Messages(ja="この種類の項目は並べ替えに使えません。", en="This cannot be sorted by."),
    "unknown_sort": Messages(
        ja="この並び順はありません。使えるのは次の並び順です（- を前に付けると custom の降順）：{options}",
        en="There is no such order. There are: {options} (custom fields descend with - before them).",
    ),
    "not_for_type": Messages(
        ja="この種類の項目には設定できません。", en="This does not fit the field's type."
    ),
}


class RecordDeleted(Conflict):
    """The record is in the bin; it must be restored before it can be changed."""

    code = "record_deleted"
    messages = Messages(
        ja="このレコードは削除されています。先に復元してください。",
        en="The record is deleted. Restore it first.",
    )


class RecordNotDeleted(Conflict):
    """Only a deleted record can be restored."""

    code = "record_not_deleted"
    messages = Messages(ja="このレコードは削除されていません。", en="The record is not deleted.")


def taken(pointer: str) -> type[Fault]:
    """An Invalid whose one fault says that the value at ``pointer`` is in use; for a violated constraint."""

    class Taken(Invalid):
        def __init__(self) -> None:
            super().__init__([FieldFault(pointer, "not_unique")])

    return Taken
