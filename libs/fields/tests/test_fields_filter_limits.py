"""The work for a filter does not grow with what a client sends: groups count as conditions do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from daicho.faults import Invalid
from daicho.fields import FieldDefinition, FieldType, Option
from daicho.fields.filters import (
    FilterContext,
    conditions,
    matcher,
    matcher_in_steps,
    matching,
    parse_filter,
    parsing,
)
from daicho.fields.filters.parsing import MAX_NODES, MAX_VALUES
from daicho.nihongo import fold

TODAY = FilterContext(dt.date(2026, 11, 21))
FIELDS = {
    "text": FieldDefinition(key="text", type=FieldType.TEXT),
    "score": FieldDefinition(key="score", type=FieldType.INTEGER),
    "at": FieldDefinition(key="at", type=FieldType.DATETIME),
    "ranks": FieldDefinition(
        key="ranks", type=FieldType.MULTI_SELECT, options=tuple(Option(str(n)) for n in range(300))
    ),
}


def groups(depth: int, width: int) -> dict[str, Any]:
    return {"all": [groups(depth - 1, width)] * width if depth else []}


def leaf(field: str, op: str, value: object) -> dict[str, object]:
    return {"field": field, "op": op, "value": value}


HOSTILE = {
    "empty groups side by side": ({"any": [{"all": []}] * 100_000}, "condition_too_large"),
    "empty groups in groups": (groups(4, 6), "too_many"),
    "unknown fields in groups": ({"any": [{"any": [leaf("x", "eq", 1)] * 8}] * 60}, "too_many"),
    "nothing at all in groups": ({"any": [{"any": [1] * 90}] * 90}, "too_many"),
    "a name of 900 KB": ({"any": [leaf("x" * 900_000, "eq", 1)]}, "condition_too_large"),
    "an operator of 900 KB": ({"any": [leaf("score", "x" * 900_000, 1)]}, "condition_too_large"),
    "deep": ({"all": [groups(400, 1)]}, "too_deep"),
    "values of every condition": ({"any": [leaf("score", "in", list(range(400)))] * 3}, "too_many"),
    "one condition a value": ({"any": [leaf("ranks", "all_of", [str(n) for n in range(250)])]}, "too_many"),
    "days": ({"any": [leaf("at", "in", ["2026-11-21"] * 120)]}, "too_many"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_large_filter_is_refused_after_a_bounded_number_of_nodes(name, monkeypatch) -> None:
    tree, code = HOSTILE[name]
    seen = 0
    node = parsing._Parser.node

    def counted(*args: Any) -> Any:
        nonlocal seen
        seen += 1
        return node(*args)

    monkeypatch.setattr(parsing._Parser, "node", counted)
    with pytest.raises(Invalid) as refused:
        parse_filter(tree, FIELDS, TODAY)
    assert code in {fault.code for fault in refused.value.fields}
    assert seen <= MAX_NODES + 1
    assert len(refused.value.fields) <= MAX_NODES + 1
    assert all(len(fault.pointer) < 200 for fault in refused.value.fields)


def test_large_honest_filters_are_taken() -> None:
    many = {"any": [leaf("score", "in", list(range(500))), leaf("score", "in", list(range(500)))]}
    assert sum(len(each.values) for each in conditions(parse_filter(many, FIELDS, TODAY))) == MAX_VALUES
    wide = {"all": [{"any": [leaf("score", "eq", n)]} for n in range(99)]}
    assert len(conditions(parse_filter(wide, FIELDS, TODAY))) == 99
    days = {"any": [leaf("at", "in", ["2026-11-21"] * 50)]}
    assert len(conditions(parse_filter(days, FIELDS, TODAY))) == 100


def test_value_is_folded_once_for_all_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[object] = []
    monkeypatch.setattr(matching, "comparable", lambda _, value: folded.append(value) or fold(value))
    tree = {"any": [leaf("text", "contains", f"無{number}") for number in range(50)]}
    node = parse_filter(tree, FIELDS, TODAY)
    assert not matcher(node)({"text": "青木"})
    assert list(matcher_in_steps(node)({"text": "青木"}))[-1] is False
    assert folded == ["青木", "青木"]


def test_depth_and_width_have_caps() -> None:
    deep: object = leaf("score", "eq", 1)
    for _ in range(10_000):
        deep = {"not": deep}
    wide = {"any": [leaf("score", "eq", 1)] * 101}
    spread = {"any": [{"all": [leaf("score", "eq", 1)] * 60}] * 2}
    for tree, code in ((deep, "too_deep"), (wide, "too_many"), (spread, "too_many")):
        with pytest.raises(Invalid) as refused:
            parse_filter(tree, FIELDS, TODAY)
        assert code in {fault.code for fault in refused.value.fields}
