"""A reader of the log sees nothing of others' searches that reveals a field that they may not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daicho.audit.searched import NOTHING, Readable, hide_unreadable

READABLE = Readable(frozenset({"department", "custom.rank"}), words=False)
SALARY = {"field": "custom.salary", "op": "eq", "value": 9_000_000}
RANK = {"field": "custom.rank", "op": "in", "value": ["S"]}
HIDDEN = {"field": "custom.salary", "hidden": True}


MADE = datetime(2026, 11, 30, tzinfo=UTC)


def query(tree: Any, q: str | None = None) -> dict[str, Any]:
    return {"q": q, "filter": tree}


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        (SALARY, HIDDEN),
        ({"all": [RANK, SALARY]}, {"all": [RANK, HIDDEN]}),
        ({"any": [{"not": {"all": [SALARY]}}]}, {"any": [{"not": {"all": [HIDDEN]}}]}),
        ({"not": {"field": "custom.salary", "op": "is_set", "value": False}}, {"not": HIDDEN}),
        ({"field": "custom.gone", "op": "eq", "value": "x"}, {"field": "custom.gone", "hidden": True}),
    ],
)
def test_unreadable_condition_keeps_its_field_alone(tree, shown) -> None:
    found = hide_unreadable(query(tree), READABLE)
    assert found["filter"] == shown
    assert len(found["hidden"]) == 1
    assert "9000000" not in str(found)


def test_words_are_hidden_from_those_who_may_not_read_what_they_look_into() -> None:
    asked = {**query(None, "田中"), "looked_into": []}
    assert hide_unreadable(asked, READABLE) == {"q": None, "filter": None, "hidden": ["q"]}
    assert hide_unreadable(asked, Readable(words=True)) == query(None, "田中")


@pytest.mark.parametrize("looked_into", [["memo"], ["rank", "memo"], None, "memo", ["rank", 5]])
def test_words_that_looked_into_a_field_which_is_not_readable_now_are_hidden(looked_into) -> None:
    asked = {**query(None, "田中"), "looked_into": looked_into}
    assert hide_unreadable(asked, Readable(READABLE.fields, words=True)) == {
        "q": None,
        "filter": None,
        "hidden": ["q"],
    }


def test_words_that_looked_into_readable_fields_are_shown_until_a_field_takes_the_key_anew() -> None:
    asked = {**query(None, "田中"), "looked_into": ["rank"]}
    readable = Readable(READABLE.fields, words=True, made_at={"custom.rank": MADE})
    assert hide_unreadable(asked, readable.at(MADE)) == query(None, "田中")
    assert hide_unreadable(asked, readable.at(MADE - timedelta(seconds=1)))["hidden"] == ["q"]


@pytest.mark.parametrize("asked", ["田中", query(None, "田中")])
def test_words_of_an_entry_that_does_not_say_what_they_looked_into_are_hidden(asked) -> None:
    assert hide_unreadable(asked, Readable(READABLE.fields, words=True))["q"] is None


def test_readable_search_is_shown_as_it_was() -> None:
    shortened = {**query({"all": [RANK]}), "shortened": {"bytes": 5_000}}
    assert hide_unreadable(shortened, READABLE) == shortened


def test_search_of_an_unknown_resource_is_hidden() -> None:
    assert hide_unreadable(query(RANK, "x"), NOTHING)["hidden"] == ["q", "custom.rank"]


def test_order_by_an_unreadable_field_is_hidden_with_its_name() -> None:
    for descending in (True, False):
        asked = {**query(None), "sort": {"field": "custom.salary", "descending": descending}}
        assert hide_unreadable(asked, READABLE) == {
            **query(None),
            "sort": {"hidden": True},
            "hidden": ["sort"],
        }


def test_order_by_a_readable_field_is_shown() -> None:
    asked = {**query(RANK), "sort": {"field": "custom.rank", "descending": True}}
    assert hide_unreadable(asked, READABLE) == asked


@pytest.mark.parametrize(
    "sort", ["custom.salary", ["custom.salary"], {"field": {"custom.salary": 1}}, {"x": 1}]
)
def test_order_of_another_shape_tells_nothing(sort) -> None:
    assert "salary" not in str(hide_unreadable({"sort": sort}, READABLE))


def test_search_of_the_log_itself_is_shown() -> None:
    asked = {"action": "contact.open", "limit": 50}
    assert hide_unreadable(asked, NOTHING) == asked


@pytest.mark.parametrize("tree", ["x", 5, {"all": 5}, {"all": ["9000000"]}, {"op": "eq", "value": "9000000"}])
def test_filter_that_is_none_tells_nothing(tree) -> None:
    assert "9000000" not in str(hide_unreadable(query(tree), READABLE))


def test_condition_on_an_earlier_field_of_the_same_name_is_hidden() -> None:
    readable = Readable(frozenset({"department", "custom.salary"}), made_at={"custom.salary": MADE})
    before, after = readable.at(MADE - timedelta(seconds=1)), readable.at(MADE)
    assert hide_unreadable(query(SALARY), before)["filter"] == HIDDEN
    assert hide_unreadable(query(SALARY), after) == query(SALARY)
    by_salary = {"sort": {"field": "custom.salary", "descending": True}}
    assert hide_unreadable(by_salary, before)["sort"] == {"hidden": True}
    assert hide_unreadable(by_salary, after) == by_salary
    assert "department" in before.fields
