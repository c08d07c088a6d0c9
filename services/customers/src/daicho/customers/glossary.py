"""What the names in the ledger's REST shapes mean, with values such as they have."""

from __future__ import annotations

from typing import Final

from daicho.web import Glossary, Term

_USER: Final = "019abf4e-8e10-7c35-8f61-92f3c4e5a704"
_COMPANY: Final = "019abf4e-c4d5-7066-8b27-f90a1b2c3d48"
_FILTER: Final = {"all": [{"field": "lifecycle", "op": "eq", "value": "customer"}]}

_RECORDS: Final[Glossary] = {
    "address": Term("Where it is."),
    "postal_code": Term("郵便番号: seven digits, any spelling on the way in.", "1000001"),
    "look_up.code": Term("A postal code in any width, with or without 〒 and hyphen.", "100-0001"),
    "town": Term("町域.", "千代田"),
    "prefecture": Term("都道府県.", "東京都"),
    "city": Term("市区町村.", "千代田区"),
    "street": Term("番地.", "千代田1-1"),
    "building": Term("建物名.", "みどりビル 3F"),
    "owner_id": Term("Whose it is: a user's id. Left out of a new record, it is the caller's.", _USER),
    "tags": Term("Words of the company's own.", ["展示会2026"]),
    "custom": Term("Custom fields: key → value. A change merges by key; null empties one.", {}),
    "deleted_at": Term("When it was put into the bin; null while it is not there.", None),
    "q": Term("Words that must all be found, in names, kana, companies, e-mails and telephones.", "タナカ"),
    "filter": Term("A tree of all, any, not and {field, op, value}.", _FILTER),
    "sort": Term("newest, oldest, updated, kana (contacts), name (companies) or custom.<key>; - before it: descending.", "newest"),
    "kana": Term("Only those whose 姓 begins in this row: one of あかさたなはまやらわ他.", "た"),
    "count": Term("Count all that match as well, up to 1,000."),
    "ContactPage.count": Term("How many match, where that was asked."),
    "CompanyPage.count": Term("How many match, where that was asked."),
    "value": Term("The number.", 42),
    "capped": Term("Whether there are more than that."),
    "kind": Term("What it is used for."),
    "HistoryEntry.kind": Term("What happened."),
    "at": Term("When (RFC 3339, UTC).", "2026-11-25T01:23:45.678901Z"),
    "actor_kind": Term("user, service or system.", "user"),
    "actor_id": Term("The user who did it; null where no person did.", _USER),
    "cause_id": Term("The import or the other record that brought it about; null where none did.", None),
    "changes": Term("Field → its value before and after.", {"title": ["課長", "営業部長"]}),
}  # fmt: skip

_CONTACTS: Final[Glossary] = {
    "contact_id": Term("A contact.", "019abf4e-b3c4-7f55-8a16-e8091a2b3c37"),
    "family_name": Term("姓.", "田中"),
    "given_name": Term("名.", "一郎"),
    "family_name_kana": Term("セイ; any kana on the way in, full-width katakana on the way out.", "タナカ"),
    "given_name_kana": Term("メイ; as above.", "イチロウ"),
    "emails": Term("E-mail addresses, the first is the main one."),
    "Email.address": Term("An e-mail address.", "tanaka@example.co.jp"),
    "phones": Term("Telephone numbers, the first is the main one."),
    "number": Term("Any spelling on the way in, E.164 on the way out.", "+81312345678"),
    "company_id": Term("A company of the ledger; null for none.", _COMPANY),
    "company_name": Term("Its name. On the way in it may stand for company_id: it is found, or created.", "株式会社みどり商事"),
    "department": Term("部署.", "営業部"),
    "title": Term("役職.", "課長"),
    "birthday": Term("誕生日.", "1980-04-01"),
    "notes": Term("備考.", "紹介: 鈴木様"),
    "customer_code": Term("顧客番号: the company's own, unique in it.", "C-0017"),
    "lifecycle": Term("lead, prospect, customer, former or other.", "lead"),
    "ContactInput": Term("", {
        "family_name": "田中", "given_name": "一郎", "family_name_kana": "タナカ", "given_name_kana": "イチロウ",
        "emails": [{"kind": "work", "address": "tanaka@example.co.jp"}],
        "phones": [{"kind": "work", "number": "03-1234-5678"}],
        "company_name": "株式会社みどり商事", "department": "営業部", "title": "課長",
        "address": {"postal_code": "100-0001", "prefecture": "東京都", "city": "千代田区", "street": "千代田1-1"},
        "customer_code": "C-0017", "lifecycle": "lead", "tags": ["展示会2026"],
    }),
    "ContactPatch": Term("", {"title": "営業部長", "address": {"building": None}}),
}  # fmt: skip

_COMPANIES: Final[Glossary] = {
    "name": Term("The company's name, with its legal form.", "株式会社みどり商事"),
    "name_kana": Term("Its reading.", "ミドリショウジ"),
    "corporate_number": Term("法人番号: 13 digits, the check digit is checked.", "7000012050002"),
    "registration_number": Term("登録番号 for invoices: T and 13 digits.", "T7000012050002"),
    "phone": Term("Any spelling on the way in, E.164 on the way out.", "+81312345678"),
    "url": Term("A web address.", "https://midori.example.jp/"),
    "capital": Term("資本金."),
    "amount": Term("In the currency's minor units; yen has none.", 10_000_000),
    "currency": Term("ISO 4217.", "JPY"),
    "closing_month": Term("決算月, 1 to 12.", 3),
    "founded_on": Term("設立日.", "1998-07-01"),
    "CompanyInput": Term("", {
        "name": "株式会社みどり商事", "name_kana": "ミドリショウジ", "corporate_number": "7000012050002",
        "phone": "03-1234-5678", "capital": {"amount": 10_000_000, "currency": "JPY"}, "closing_month": 3,
    }),
    "CompanyPatch": Term("", {"phone": "03-1234-9999", "closing_month": None}),
    "SearchRequest": Term("", {"q": "タナカ", "filter": _FILTER, "limit": 50}),
}  # fmt: skip

_FIELDS: Final[Glossary] = {
    "field_id": Term("A custom field, from GET /v1/fields.", "019abf4e-e6f7-7b88-8c49-1b3c4d5e6f60"),
    "resource": Term("contact or company.", "contact"),
    "position": Term("Its place in forms.", 0),
    "key": Term("Its name in custom, filters and imports: a-z, digits and _, 40 at most.", "rank"),
    "type": Term("What values it takes. It stays."),
    "label": Term("What people see.", "ランク"),
    "help": Term("A sentence beside the field.", ""),
    "section": Term("The heading under which it stands.", ""),
    "required": Term("Whether it must be filled."),
    "unique": Term("Whether no two records may hold the same value."),
    "sensitive": Term("Whether its values are sealed in the database, as names are."),
    "searchable": Term("Whether q finds its values."),
    "sortable": Term("Whether lists can be sorted by it."),
    "default": Term("The value of a new record that does not say otherwise.", None),
    "options": Term("The choices of a select."),
    "Option.value": Term("What is stored.", "S"),
    "Option.label": Term("What people see.", "S ランク"),
    "color": Term("How it is shown.", None),
    "archived": Term("Whether it is offered no more; records that have it keep it."),
    "format": Term("A form of the product's own fields; custom fields leave it out.", None),
    "scale": Term("Decimal places of a decimal.", 2),
    "FieldInput.currency": Term("The currency of money, ISO 4217.", "JPY"),
    "FieldView.currency": Term("The currency of money, ISO 4217.", "JPY"),
    "link_resource": Term("What a link leads to.", None),
    "max_length": Term("Characters of a text.", None),
    "read_roles": Term("The roles that see it; null: all.", None),
    "write_roles": Term("The roles that may change it; null: all that see it.", None),
    "json_schema": Term("Its values as JSON Schema.", {"enum": ["S", "A"]}),
    "FieldInput": Term("", {
        "resource": "contact", "key": "rank", "label": "ランク", "type": "select",
        "options": [{"value": "S", "label": "S ランク"}, {"value": "A", "label": "A ランク"}],
    }),
    "FieldPatch": Term("", {"label": "顧客ランク", "position": 3}),
}  # fmt: skip

_IMPORTS: Final[Glossary] = {
    "import_id": Term("An import.", "019abf4e-f708-7c99-9d50-2c4d5e6f7071"),
    "ImportView.status": Term("How far it is."),
    "file_name": Term("The file's name.", "顧客.csv"),
    "file_size": Term("The file's bytes.", 48_211),
    "encoding": Term("cp932, utf-8, utf-16 …; null for xlsx.", "cp932"),
    "delimiter": Term("What stands between cells; null for xlsx.", ","),
    "header_row": Term("The line with the columns' names, from 1; 0: there is none.", 1),
    "columns": Term("The file's columns."),
    "index": Term("Its place, from 0.", 0),
    "ImportColumn.name": Term("What its header says.", "顧客番号"),
    "samples": Term("A few of its values.", ["C-0017"]),
    "suggested_field": Term("The field that its header names; null when none does.", "customer_code"),
    "mapping": Term("Where columns go."),
    "column": Term("A column's index.", 0),
    "field": Term("family_name, email, phone, mobile, company_name, address.city …, custom.<key>; null leaves the column out.", "customer_code"),
    "match_on": Term("The mapped field by which a row finds its record; null: every row is new.", "customer_code"),
    "on_match": Term("What becomes of a row whose record exists.", "update"),
    "failure": Term("Why it failed; stable, null while it did not.", None),
    "failure_detail": Term("Why it failed and the way out, in the language of the caller; null while it did not.", None),
    "rows": Term("Rows looked at so far.", 300),
    "valid": Term("Rows that are right.", 268),
    "rejected": Term("Rows that are not, and do not enter.", 32),
    "created": Term("Records that the run made.", 268),
    "updated": Term("Records that the run changed.", 0),
    "skipped": Term("Valid rows whose record exists, left alone.", 0),
    "created_by": Term("Who began it.", _USER),
    "row": Term("The data row, from 1.", 17),
    "line": Term("The line of the file on which it begins; the header's is 1.", 19),
    "ImportError.column": Term("The header's text; null when it is the whole row.", "メールアドレス"),
    "code": Term("What is wrong; stable.", "invalid_email"),
    "detail": Term("What is wrong, in the caller's language.", "This is not an e-mail address."),
    "ImportPatch": Term("", {
        "mapping": [{"column": 0, "field": "customer_code"}, {"column": 1, "field": "family_name"}],
        "match_on": "customer_code", "on_match": "update",
    }),
}  # fmt: skip

_EXPORTS: Final[Glossary] = {
    "ExportRequest.format": Term("csv, tsv or xlsx.", "csv"),
    "ExportRequest.encoding": Term("Of csv and tsv; null is utf-8-sig, which Excel reads. xlsx takes none.", "cp932"),
    "substitute": Term("What stands in the place of a character that cp932 lacks; without it such a character refuses the export.", "〓"),
    "ExportRequest": Term("", {"q": "タナカ", "format": "csv", "encoding": "cp932", "substitute": "〓"}),
}  # fmt: skip

_HAND_OVERS: Final[Glossary] = {
    "user_id": Term("The user who left.", _USER),
    "successor_id": Term("Who gets their records.", "019abf4e-8e10-7c35-8f61-92f3c4e5a705"),
    "moved": Term("Records that are the successor's by now.", 500),
    "total": Term("Records there are to hand over; null while they are not counted.", 1200),
    "done_at": Term("When the last one was handed over; null while some are left.", None),
}  # fmt: skip

GLOSSARY: Final[Glossary] = {
    **_HAND_OVERS,
    **_RECORDS,
    **_CONTACTS,
    **_COMPANIES,
    **_FIELDS,
    **_IMPORTS,
    **_EXPORTS,
}
