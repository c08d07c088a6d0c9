"""Definitions and the one validator."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.faults import FIELD_MESSAGES, FieldFault
from daicho.fields import (
    MAX_FIELDS,
    FieldDefinition,
    FieldType,
    FieldValidator,
    Format,
    Option,
    Schema,
    check_definition,
    index_kind,
    index_rows,
    json_schema,
)
from daicho.nihongo import Unreadable

RANKS = tuple(Option(value) for value in "SABC")
USER = "0198c2c4-5a8e-7a3f-9d43-3a1b2c3d4e5f"


def create_field(type_: str = "text", **overrides: object) -> FieldDefinition:
    if type_ in ("select", "multi_select"):
        overrides.setdefault("options", RANKS)
    if type_ == "link":
        overrides.setdefault("link_resource", "company")
    return FieldDefinition(**{"key": "field", "type": FieldType(type_), **overrides})


def from_text(type_: str, text: str, **overrides: object) -> object:
    try:
        return FieldValidator(create_field(type_, **overrides)).from_text(text)
    except Unreadable as unreadable:
        return f"!{unreadable.code}"


def from_json(type_: str, value: object, **overrides: object) -> object:
    try:
        return FieldValidator(create_field(type_, **overrides)).from_json(value)
    except Unreadable as unreadable:
        return f"!{unreadable.code}{getattr(unreadable, 'pointer', '')}"


@pytest.mark.parametrize(
    ("type_", "text", "stored"),
    [
        ("text", "　表ソ ㈱ ", "表ソ ㈱"),
        ("text", "a\r\nb\rc", "!control_character"),
        ("text", "a\u202eb", "!control_character"),
        ("text", "a\u2028b", "!control_character"),
        ("long_text", "a\r\nb\rc", "a\nb\nc"),
        ("long_text", "a\u202eb", "a\u202eb"),
        ("text", "=1+1", "=1+1"),
        ("text", "a\x00b", "!control_character"),
        ("text", "x" * 501, "!too_long"),
        ("long_text", "x" * 501, "x" * 501),
        ("text", "㌖㍿ﷺ", "㌖㍿ﷺ"),
        ("text", "ﷺ" * 10, "!expands_too_much"),
        ("long_text", "㌖" * 17, "!expands_too_much"),
        ("integer", "１，２３４", 1234),
        ("integer", "9007199254740992", "!too_large"),
        ("integer", "9" * 5000, "!invalid_number"),
        ("decimal", "1,234.50", "1234.5"),
        ("decimal", "1.234", "!invalid_number"),
        ("decimal", "-0", "0"),
        ("decimal", "0.1000000000000000000000000000001", "!invalid_number"),
        ("money", "￥1,234,567", {"amount": 1234567, "currency": "JPY"}),
        ("money", "百万円くらい", "!invalid_number"),
        ("date", "令和6年4月1日", "2024-04-01"),
        ("date", "不明", "!invalid_date"),
        ("datetime", "2024/4/1 9:00", "2024-04-01T00:00:00Z"),
        ("boolean", "同意する", True),
        ("boolean", "×", False),
        ("boolean", "たぶん", "!unknown_option"),
        ("select", "Ｓ", "S"),
        ("select", "D", "!unknown_option"),
        ("multi_select", "C、A", ["A", "C"]),
        ("multi_select", "C;D", "!unknown_option"),
        ("url", "https://example.co.jp/", "https://example.co.jp/"),
        ("url", "javascript:alert(1)", "!invalid_url"),
        ("url", "http://user@example.jp", "!invalid_url"),
        ("email", "ＳＯＦＩＡ＠EXAMPLE.CO.JP", "sofia@example.co.jp"),
        ("phone", "０３－３２３４－５６７８", "+81332345678"),
        ("user", USER.upper(), USER),
        ("user", "花子", "!unknown_user"),
        ("link", "株式会社", "!unknown_record"),
        ("date", "　 ", None),
    ],
)
def test_typed_text_becomes_the_stored_value(type_: str, text: str, stored: object) -> None:
    assert from_text(type_, text) == stored


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        ("text", 1, "!invalid_type"),
        ("text", "", None),
        ("integer", "1", "!invalid_type"),
        ("integer", True, "!invalid_type"),
        ("integer", 1.0, "!invalid_type"),
        ("integer", -(2**53), "!too_small"),
        ("decimal", "1.50", "1.5"),
        ("decimal", 1.25, "1.25"),
        ("decimal", 1, "1"),
        ("decimal", "1e5", "!invalid_number"),
        ("decimal", True, "!invalid_type"),
        ("money", {"amount": 5, "currency": "JPY"}, {"amount": 5, "currency": "JPY"}),
        ("money", {"amount": 5, "currency": "USD"}, "!unknown_option/currency"),
        ("money", {"amount": "5"}, "!invalid_type/amount"),
        ("money", {"amount": 5, "x": 1}, "!invalid_type"),
        ("money", 5, "!invalid_type"),
        ("date", "2024-04-01", "2024-04-01"),
        ("date", "2024/4/1", "!invalid_date"),
        ("date", "2024-02-30", "!invalid_date"),
        ("datetime", "2024-04-01T09:00:00+09:00", "2024-04-01T00:00:00Z"),
        ("datetime", "2024-04-01T09:00:00", "!invalid_datetime"),
        ("datetime", "0001-01-01T00:00:00+09:00", "!day_out_of_range"),
        ("boolean", "はい", "!invalid_type"),
        ("boolean", False, False),
        ("select", "Ａ", "A"),
        ("select", ["A"], "!invalid_type"),
        ("multi_select", ["C", "A", "Ａ"], ["A", "C"]),
        ("multi_select", ["A", "D"], "!unknown_option/1"),
        ("multi_select", "A", "!invalid_type"),
        ("multi_select", [], None),
        ("phone", "+819012345678", "+819012345678"),
        ("email", "a@@b", "!invalid_email"),
        ("user", "x", "!unknown_user"),
        ("text", None, None),
    ],
)
def test_typed_json_becomes_the_stored_value(type_: str, value: object, stored: object) -> None:
    assert from_json(type_, value) == stored


@pytest.mark.parametrize(
    ("form", "text", "stored"),
    [
        (Format.KANA, "ﾜﾀﾅﾍﾞ", "ワタナベ"),
        (Format.POSTAL_CODE, "０６４ー０８２０", "0640820"),
        (Format.CORPORATE_NUMBER, "9.12345E+12", "!invalid_corporate_number"),
        (Format.REGISTRATION_NUMBER, "t9998303614522", "T9998303614522"),
        (Format.LINE, "a\nb", "!control_character"),
    ],
)
def test_formats_of_text(form: Format, text: str, stored: str) -> None:
    assert from_text("text", text, format=form) == stored


def test_a_month_is_an_integer_with_a_format() -> None:
    assert from_text("integer", "3月末", format=Format.MONTH) == 3
    assert from_json("integer", 13, format=Format.MONTH) == "!invalid_month"


def test_money_in_other_currencies_has_minor_units() -> None:
    assert from_text("money", "$1,234.5", currency="USD") == {"amount": 123450, "currency": "USD"}
    assert from_text("money", "1.234", currency="USD") == "!invalid_number"


def test_an_option_with_commas_in_it_is_found_whole() -> None:
    options = (Option("医療、福祉"), Option("建設業"))
    assert from_text("multi_select", "医療、福祉", options=options) == ["医療、福祉"]
    assert from_text("multi_select", "建設業;医療、福祉", options=options) == ["医療、福祉", "建設業"]


def test_an_archived_option_stays_and_is_offered_no_more() -> None:
    field = create_field("select", options=(Option("old", archived=True), Option("new")))
    validator = FieldValidator(field)
    assert validator.from_json("old", kept="old") == "old"
    with pytest.raises(Unreadable, match="unknown_option"):
        validator.from_json("old", kept="new")
    with pytest.raises(Unreadable, match="unknown_option"):
        validator.from_text("old")


def test_an_option_is_found_by_its_label_too() -> None:
    assert from_text("select", "金（最上位）", options=(Option("gold", "金(最上位)"),)) == "gold"


def test_names_of_users_are_resolved_by_the_caller() -> None:
    validator = FieldValidator(create_field("user"), {"花子": USER}.get)
    assert validator.from_text("花子") == USER
    with pytest.raises(Unreadable, match="unknown_user"):
        validator.from_text("太郎")


def test_a_new_record_gets_defaults_and_misses_what_is_required() -> None:
    schema = Schema(
        [
            create_field(key="name", required=True),
            create_field("select", key="rank", default="B"),
            create_field(key="memo"),
        ]
    )
    checked = schema.check({"memo": " x "})
    assert checked.values == {"memo": "x", "rank": "B"}
    assert checked.faults == (FieldFault("/custom/name", "required"),)


def test_a_change_checks_only_what_was_sent() -> None:
    schema = Schema([create_field(key="name", required=True), create_field(key="memo")])
    assert schema.check({"memo": "x"}, current={"name": "a"}).faults == ()
    assert schema.check({"name": None}, current={"name": "a"}).faults == (
        FieldFault("/custom/name", "required"),
    )


def test_unknown_hidden_and_read_only_fields_are_refused_by_name() -> None:
    schema = Schema(
        [create_field(key="hidden", read_roles=("admin",)), create_field(key="fixed", write_roles=("admin",))]
    )
    sent = {"hidden": "x", "fixed": "x", "__proto__": "x", "a/b~c": "x"}
    assert {fault.pointer: fault.code for fault in schema.check(sent, role="member").faults} == {
        "/custom/hidden": "unknown_field",
        "/custom/fixed": "not_permitted",
        "/custom/__proto__": "unknown_field",
        "/custom/a~1b~0c": "unknown_field",
    }
    assert schema.check({"hidden": "x", "fixed": "x"}, role="admin").faults == ()
    assert schema.readable({"hidden": 1, "fixed": 2, "gone": 3}, "member") == {"fixed": 2}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("__proto__", "invalid_key"),
        ("constructor", "reserved_key"),
        ("tenant_id", "reserved_key"),
        ("select", "reserved_key"),
        ("a; drop table x", "invalid_key"),
        ("Name", "invalid_key"),
        ("a" * 41, "invalid_key"),
        ("キー", "invalid_key"),
        ("taken", "not_unique"),
    ],
)
def test_keys_are_on_an_allow_list(key: str, code: str) -> None:
    assert check_definition(create_field(key=key), {"taken"}) == (FieldFault("/key", code),)


def test_a_resource_has_a_cap_of_fields() -> None:
    taken = {f"f{n}" for n in range(MAX_FIELDS)}
    assert check_definition(create_field(), taken)[0].code == "too_many"


@pytest.mark.parametrize(
    ("field", "pointer", "code"),
    [
        (create_field("long_text", sortable=True), "/sortable", "not_sortable"),
        (create_field("text", sortable=True, sensitive=True), "/sortable", "not_sortable"),
        (create_field("money", unique=True), "/unique", "not_for_type"),
        (create_field("boolean", searchable=True), "/searchable", "not_for_type"),
        (create_field("select", options=()), "/options", "no_options"),
        (create_field("text", options=RANKS), "/options", "not_for_type"),
        (create_field("select", options=(Option("A"), Option("Ａ"))), "/options/1/value", "not_unique"),
        (create_field("select", options=(Option("A"), Option("A"))), "/options/1/value", "not_unique"),
        (
            create_field("select", options=(Option("a", "x"), Option("b", "ｘ"))),
            "/options/1/label",
            "not_unique",
        ),
        (create_field("select", options=(Option(" "),)), "/options/0/value", "required"),
        (create_field("select", default="D"), "/default", "unknown_option"),
        (create_field("decimal", scale=7), "/scale", "too_large"),
        (create_field("money", currency="yen"), "/currency", "invalid_currency"),
        (create_field("text", max_length=0), "/max_length", "too_small"),
        (create_field("link", link_resource=None), "/link_resource", "required"),
        (create_field("date", format=Format.KANA), "/format", "not_for_type"),
        (create_field("text", max_length=501), "/max_length", "too_large"),
        (create_field("text", label="x" * 101), "/label", "too_long"),
    ],
)
def test_an_unsound_definition_is_refused(field: FieldDefinition, pointer: str, code: str) -> None:
    faults = check_definition(field)
    assert [(fault.pointer, fault.code) for fault in faults] == [(pointer, code)]
    assert all(fault.code in FIELD_MESSAGES for fault in faults)


@pytest.mark.parametrize("type_", list(FieldType))
def test_every_type_has_a_sound_definition_a_schema_and_survives_storage(type_: FieldType) -> None:
    field = create_field(type_)
    assert check_definition(field) == ()
    assert json_schema(field)["type"][1] == "null"
    assert msgspec.json.decode(msgspec.json.encode(field), type=FieldDefinition) == field


def test_index_rows_are_of_leakproof_types() -> None:
    assert index_rows(create_field("text"), "ﾀﾅｶ") == ("タナカ",)
    assert len(index_rows(create_field("text"), "㈱" * 300)[0]) == 200
    assert index_rows(create_field("decimal", scale=3), "-1.25") == (-1250,)
    assert index_rows(create_field("money"), {"amount": 7, "currency": "JPY"}) == (7,)
    assert index_rows(create_field("boolean"), True) == (1,)
    assert index_rows(create_field("multi_select"), ["A", "C"]) == ("A", "C")
    assert index_rows(create_field("date"), None) == ()
    assert index_kind(create_field("date", sensitive=True)) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(FieldType), ANYTHING)
def test_garbage_ends_in_a_value_or_a_known_code(type_: FieldType, value: object) -> None:
    validator = FieldValidator(create_field(type_))
    for read in (
        (validator.from_json, validator.from_text) if isinstance(value, str) else (validator.from_json,)
    ):
        code, stored = outcome(read, value)
        assert code is None or code in FIELD_MESSAGES
        msgspec.json.encode(stored)
        assert code or validator.from_json(stored) == stored
        index_rows(validator.definition, stored)


def outcome(read: Callable[[Any], object], value: object) -> tuple[str | None, object]:
    try:
        return None, read(value)
    except Unreadable as unreadable:
        return unreadable.code, None


def test_options_of_before_the_limit_may_stay_and_be_archived() -> None:
    before = create_field("select", options=tuple(Option(f"{n:04d}" + "漢" * 400) for n in range(600)))
    first = msgspec.structs.replace(before.options[0], archived=True)
    after = msgspec.structs.replace(before, options=(first, *before.options[1:]))
    assert check_definition(after, before=before) == ()
    longer = msgspec.structs.replace(before, options=(*before.options, Option("a")))
    assert [each.code for each in check_definition(longer, before=before)] == ["too_long"]
