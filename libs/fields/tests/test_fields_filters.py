"""The filter language: what it accepts, what it means, and that SQL never loses a record."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from daicho.faults import FIELD_MESSAGES, Invalid
from daicho.fields import FieldDefinition, FieldType, IndexKind, Option, index_kind, index_rows
from daicho.fields.filters import (
    PERIODS,
    Bounds,
    FilterContext,
    IndexRows,
    Not,
    PlainColumn,
    Sealed,
    compile_filter,
    conditions,
    matcher,
    matcher_in_steps,
    operators,
    parse_filter,
)
from daicho.nihongo import fold

TODAY = FilterContext(dt.date(2026, 11, 21))
RANKS = tuple(Option(value) for value in "SABC")


def create_field(key: str, type_: FieldType = FieldType.TEXT, **overrides: Any) -> FieldDefinition:
    if type_ in (FieldType.SELECT, FieldType.MULTI_SELECT):
        overrides.setdefault("options", RANKS)
    return FieldDefinition(key=key, type=type_, **overrides)


FIELDS = {type_.value: create_field(type_.value, type_) for type_ in FieldType} | {
    "secret": create_field("secret", sensitive=True),
    "emails": create_field("emails", FieldType.EMAIL, sensitive=True),
    "name": create_field("name"),
    "score": create_field("score", FieldType.INTEGER),
    "hidden": create_field("hidden", read_roles=("admin",)),
}


def leaf(field: str, op: str, value: object = None) -> dict[str, object]:
    return {"field": field, "op": op, "value": value}


def matches(tree: object, record: dict[str, object]) -> bool:
    return matcher(parse_filter(tree, FIELDS, TODAY))(record)


@pytest.mark.parametrize(
    ("tree", "record", "expected"),
    [
        ({}, {}, True),
        ({"all": []}, {}, True),
        ({"any": []}, {}, False),
        (leaf("text", "eq", "ﾀﾅｶ"), {"text": "たなか"}, True),
        (leaf("text", "contains", "商"), {"text": "東京商事㈱"}, True),
        (leaf("text", "begins", "(株)"), {"text": "㈱東京"}, True),
        (leaf("text", "ne", "a"), {}, True),
        (leaf("text", "in", ["a", "Ｂ"]), {"text": "b"}, True),
        (leaf("integer", "gt", 5), {"integer": 6}, True),
        (leaf("integer", "gt", 5), {}, False),
        ({"not": leaf("integer", "gt", 5)}, {}, True),
        (leaf("decimal", "between", ["1.5", 2]), {"decimal": "1.75"}, True),
        (leaf("money", "lte", {"amount": 100}), {"money": {"amount": 100, "currency": "JPY"}}, True),
        (leaf("money", "lt", 100), {"money": {"amount": 100, "currency": "JPY"}}, False),
        (leaf("boolean", "eq", False), {"boolean": False}, True),
        (leaf("select", "in", ["Ｓ", "A"]), {"select": "S"}, True),
        (leaf("multi_select", "any_of", ["S", "A"]), {"multi_select": ["A", "C"]}, True),
        (leaf("multi_select", "all_of", ["S", "A"]), {"multi_select": ["A", "C"]}, False),
        (leaf("multi_select", "is_set"), {"multi_select": []}, False),
        (leaf("is_set_nothing", "is_set"), {}, None),
        (leaf("phone", "begins", "090"), {"phone": "+819012345678"}, True),
        (leaf("phone", "contains", "1234-5"), {"phone": "+819012345678"}, True),
        (leaf("emails", "contains", "EXAMPLE"), {"emails": ["a@x.jp", "b@example.jp"]}, True),
        (leaf("date", "within", {"period": "last_days", "count": 30}), {"date": "2026-10-23"}, True),
        (leaf("date", "within", {"period": "last_days", "count": 30}), {"date": "2026-10-22"}, False),
        (leaf("date", "within", {"period": "this_fiscal_half"}), {"date": "2026-10-01"}, True),
        (leaf("date", "within", {"period": "this_fiscal_half"}), {"date": "2026-09-30"}, False),
        (leaf("date", "within", {"period": "last_fiscal_year"}), {"date": "2026-03-31"}, True),
        (leaf("date", "within", {"period": "this_week"}), {"date": "2026-11-16"}, True),
        (leaf("date", "within", {"period": "next_month"}), {"date": "2026-12-31"}, True),
        (leaf("date", "lt", {"days_from_today": -30}), {"date": "2026-10-22"}, False),
        (leaf("datetime", "eq", "2026-11-21"), {"datetime": "2026-11-20T15:00:00Z"}, True),
        (leaf("datetime", "lte", "2026-11-20"), {"datetime": "2026-11-20T15:00:00Z"}, False),
        (leaf("datetime", "within", {"period": "today"}), {"datetime": "2026-11-21T14:59:59Z"}, True),
        (leaf("datetime", "within", {"period": "today"}), {"datetime": "2026-11-21T15:00:00Z"}, False),
        (leaf("datetime", "gt", "2026-11-21T00:00:00+09:00"), {"datetime": "2026-11-20T15:00:01Z"}, True),
    ],
)
def test_a_filter_means_what_it_says(tree: Any, record: dict[str, object], expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(Invalid):
            matches(tree, record)
    else:
        assert matches(tree, record) is expected


@pytest.mark.parametrize(
    ("tree", "pointer", "code"),
    [
        ([], "", "invalid_type"),
        ({"all": {}}, "/all", "invalid_type"),
        ({"all": [], "any": []}, "", "invalid_type"),
        ({"xor": []}, "", "invalid_type"),
        ({"all": [{"not": leaf("nobody", "eq", 1)}]}, "/all/0/not/field", "unknown_field"),
        (leaf("hidden", "eq", "x"), "/field", "unknown_field"),
        (leaf("__proto__", "eq", "x"), "/field", "unknown_field"),
        ({**leaf("text", "eq", "x"), "extra": 1}, "", "invalid_type"),
        (leaf("text", "gt", "x"), "/op", "unknown_operator"),
        (leaf("secret", "ne", "x"), "/op", "unknown_operator"),
        (leaf("secret", "contains", "x"), "/value", "too_short"),
        (leaf("text", "eq", 1), "/value", "invalid_type"),
        (leaf("text", "contains", ""), "/value", "required"),
        (leaf("text", "contains", "a\x00"), "/value", "control_character"),
        (leaf("text", "in", ["a", 1]), "/value/1", "invalid_type"),
        (leaf("text", "in", ["a"] * 501), "/value", "too_many"),
        (leaf("integer", "eq", 2**63), "/value", "too_large"),
        (leaf("date", "between", ["2026-01-01"]), "/value", "invalid_type"),
        (leaf("date", "between", ["2026-01-01", "2026-02-30"]), "/value/1", "invalid_date"),
        (leaf("date", "within", {"period": "last_days"}), "/value/count", "required"),
        (leaf("date", "within", {"period": "last_days", "count": 0}), "/value/count", "too_small"),
        (leaf("date", "within", {"period": "whenever"}), "/value/period", "unknown_option"),
        (leaf("date", "gt", {"days_from_today": 10**6}), "/value/days_from_today", "too_large"),
        (leaf("datetime", "gt", "2026-13-01"), "/value", "invalid_date"),
        (leaf("select", "eq", "D"), "/value", "unknown_option"),
        (leaf("phone", "begins", "abc"), "/value", "invalid_phone"),
        (leaf("integer", "eq", None), "/value", "required"),
    ],
)
def test_a_wrong_filter_is_refused_where_it_is_wrong(tree: object, pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_filter(tree, FIELDS, TODAY, role="member")
    assert [(fault.pointer, fault.code) for fault in refused.value.fields] == [("/filter" + pointer, code)]
    assert code in FIELD_MESSAGES


@given(st.sampled_from(PERIODS), st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), st.integers(1, 12))
def test_every_period_is_a_span_of_days(name: str, today: dt.date, start: int) -> None:
    value = {"period": name} | ({"count": 3} if name.endswith(("days", "months")) else {})
    node = parse_filter(leaf("date", "within", value), FIELDS, FilterContext(today, fiscal_start=start))
    first, end = (condition.values[0] for condition in conditions(node))
    assert first < end
    assert name.startswith(("last", "next", "yes", "tom")) or first <= today < end


metadata = sa.MetaData()
records = sa.Table(
    "filter_record",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name_folded", sa.Text),
    sa.Column("score", sa.BigInteger),
    sa.Column("has_secret", sa.Boolean, nullable=False),
    prefixes=["TEMPORARY"],
)
COLUMN_TYPES: dict[IndexKind, Any] = {
    IndexKind.TEXT: sa.Text(collation="C"),
    IndexKind.BIGINT: sa.BigInteger(),
    IndexKind.UUID: sa.Uuid(),
    IndexKind.DATE: sa.Date(),
    IndexKind.TIMESTAMPTZ: sa.DateTime(timezone=True),
}
indexes = {
    kind: sa.Table(
        f"filter_index_{kind}",
        metadata,
        sa.Column("record_id", sa.Integer),
        sa.Column("field", sa.Text),
        sa.Column("value", type_),
        prefixes=["TEMPORARY"],
    )
    for kind, type_ in COLUMN_TYPES.items()
}
INDEXED = [type_.value for type_ in FieldType if index_kind(FIELDS[type_.value])]


def bindings() -> dict[str, Any]:
    rows = {}
    for name in INDEXED:
        table = indexes[index_kind(FIELDS[name]) or IndexKind.TEXT]
        same = sa.and_(table.c.record_id == records.c.id, table.c.field == name)
        rows[name] = IndexRows(table.c.value, same)
    return rows | {
        "name": PlainColumn(records.c.name_folded, folded=True),
        "score": PlainColumn(records.c.score),
        "secret": Sealed(is_set=records.c.has_secret),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connection(postgres_server: Any) -> AsyncIterator[AsyncConnection]:
    url = sa.make_url(postgres_server.admin_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    async with engine.connect() as opened:
        await opened.run_sync(metadata.create_all)
        yield opened
    await engine.dispose()


TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "A",
            "ab",
            "商事",
            "東京商事",
            "ﾀﾅｶ",
            "たなか",
            "タナカ",
            "%",
            "_",
            "\\",
            "a%b",
            "\U0010ffff",
            "\ud7ff",
        ]
    ),
    st.sampled_from(["あ" * 199, "あ" * 200, "あ" * 201, "あ" * 200 + "い", "x" * 250]),
    st.text("abAB%_\\あいア", max_size=4),
)
SHORT = TEXTS.filter(lambda text: len(fold(text)) > 0 and len(text) <= 200)
SINCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
IDS = st.sampled_from([str(uuid.UUID(int=n)) for n in range(3)])
DAYS = st.dates(dt.date(2026, 11, 18), dt.date(2026, 11, 24))
SCALAR: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.TEXT: TEXTS,
    FieldType.LONG_TEXT: TEXTS,
    FieldType.URL: st.sampled_from(["https://a.jp", "https://a.jp/B", "https://a.jp/" + "x" * 220]),
    FieldType.EMAIL: st.sampled_from(["a@example.jp", "b@example.jp"]),
    FieldType.PHONE: st.sampled_from(["+819012345678", "+81312345678"]),
    FieldType.INTEGER: st.integers(-3, 3),
    FieldType.DECIMAL: st.decimals(-2, 2, places=1).map(lambda number: format(number, "f")),
    FieldType.MONEY: st.integers(-3, 3).map(lambda amount: {"amount": amount, "currency": "JPY"}),
    FieldType.DATE: DAYS.map(str),
    FieldType.DATETIME: st.integers(0, 2 * 86_400).map(
        lambda second: f"{SINCE + dt.timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"
    ),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.SELECT: st.sampled_from("SABC"),
    FieldType.MULTI_SELECT: st.sampled_from("SABC"),
    FieldType.USER: IDS,
    FieldType.LINK: IDS,
}


def stored_of(definition: FieldDefinition) -> st.SearchStrategy[Any]:
    one = SCALAR[definition.type]
    if definition.type is FieldType.MULTI_SELECT:
        return st.lists(one, max_size=3, unique=True)
    return st.none() | one


USED = [*(type_.value for type_ in FieldType), "name", "score", "secret"]
RECORDS = st.lists(st.fixed_dictionaries({name: stored_of(FIELDS[name]) for name in USED}), max_size=6)


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, object]:
    name = draw(st.sampled_from(USED))
    definition = FIELDS[name]
    op = draw(st.sampled_from(sorted(operators(definition))))
    one = SCALAR[definition.type]
    if definition.type in (FieldType.TEXT, FieldType.LONG_TEXT):
        one = SHORT
    if definition.type is FieldType.URL:
        one = one.filter(lambda url: len(url) <= 200)
    days = st.one_of(one, DAYS.map(str), st.builds(dict, days_from_today=st.integers(-2, 2)))
    if definition.type in (FieldType.DATE, FieldType.DATETIME):
        one = days
    match op:
        case "is_set":
            return leaf(name, op, draw(st.booleans()))
        case "in" | "any_of" | "all_of":
            return leaf(name, op, draw(st.lists(one, max_size=3)))
        case "between":
            return leaf(name, op, [draw(one), draw(one)])
        case "within":
            return leaf(
                name, op, {"period": draw(st.sampled_from([p for p in PERIODS if not p.endswith("s")]))}
            )
        case "contains" | "begins":
            if definition.type is FieldType.PHONE:
                return leaf(name, op, draw(st.sampled_from(["090", "1234", "0", "8"])))
            minimum = 2 if definition.sensitive and op == "contains" else 1
            texts = SHORT.filter(lambda text: len(fold(text)) >= minimum)
            return leaf(name, op, draw(st.one_of(texts, st.sampled_from(["https://", "example"]))))
        case _:
            return leaf(name, op, draw(one))


TREES = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


async def fill(connection: AsyncConnection, stored: list[dict[str, Any]]) -> None:
    for table in reversed(metadata.sorted_tables):
        await connection.execute(sa.delete(table))
    for number, record in enumerate(stored):
        name = record["name"]
        row = {
            "id": number,
            "name_folded": None if not name else fold(name),
            "score": record["score"],
            "has_secret": bool(record["secret"]),
        }
        await connection.execute(sa.insert(records).values(row))
        for field in INDEXED:
            definition = FIELDS[field]
            value = record[field] if record[field] != "" else None
            for each in index_rows(definition, value):
                table = indexes[index_kind(definition) or IndexKind.TEXT]
                await connection.execute(sa.insert(table).values(record_id=number, field=field, value=each))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(stored=RECORDS, trees=st.lists(TREES, min_size=1, max_size=4))
async def test_sql_then_python_is_python_alone(
    connection: AsyncConnection, stored: list[dict[str, Any]], trees: list[Any]
) -> None:
    await fill(connection, stored)
    for tree in trees:
        node = parse_filter(tree, FIELDS, TODAY)
        decides, decides_in_steps = matcher(node), matcher_in_steps(node)
        for record in stored:
            *steps, answer = decides_in_steps(record)
            assert answer is decides(record)
            assert steps == [None] * len(conditions(node))
        alone = {number for number, record in enumerate(stored) if decides(record)}
        bounds = compile_filter(node, bindings())
        over = set((await connection.execute(sa.select(records.c.id).where(bounds.over))).scalars())
        under = set((await connection.execute(sa.select(records.c.id).where(bounds.under))).scalars())
        assert under <= alone <= over
        assert {number for number in over if decides(stored[number])} == alone
        if bounds.exact:
            assert over == alone


async def test_texts_longer_than_their_index_row_are_neither_lost_nor_taken_for_sure(
    connection: AsyncConnection,
) -> None:
    empty = dict.fromkeys(USED)
    stored: list[dict[str, Any]] = [{**empty, "text": "あ" * size} for size in (199, 200, 201)]
    stored.append({**empty, "text": "あ" * 200 + "い"})
    await fill(connection, stored)
    for op in ("eq", "contains", "begins"):
        for wanted in ("あ" * 199, "あ" * 200):
            node = parse_filter(leaf("text", op, wanted), FIELDS, TODAY)
            alone = {number for number, record in enumerate(stored) if matcher(node)(record)}
            bounds = compile_filter(node, bindings())
            over = set((await connection.execute(sa.select(records.c.id).where(bounds.over))).scalars())
            under = set((await connection.execute(sa.select(records.c.id).where(bounds.under))).scalars())
            assert under <= alone <= over
            assert not bounds.exact or over == alone


def test_a_sealed_condition_is_true_in_sql_and_under_not_as_well() -> None:
    node = parse_filter(leaf("secret", "eq", "x"), FIELDS, TODAY)
    for each in (node, Not(node)):
        bounds: Bounds = compile_filter(each, bindings())
        assert (str(bounds.over), str(bounds.under), bounds.exact) == ("true", "false", False)


def test_the_blind_index_narrows_a_sealed_condition_but_never_its_opposite() -> None:
    narrowed = {"secret": Sealed(narrow=lambda _, value: sa.literal_column("tokens").contains(value))}
    node = parse_filter(leaf("secret", "contains", "タナ"), FIELDS, TODAY)
    assert "tokens" in str(compile_filter(node, narrowed).over)
    assert str(compile_filter(Not(node), narrowed).over) == "true"


def test_values_are_bound_never_spelled_out() -> None:
    node = parse_filter(leaf("name", "eq", "'; drop table x --"), FIELDS, TODAY)
    assert "drop" not in str(compile_filter(node, bindings()).over)
