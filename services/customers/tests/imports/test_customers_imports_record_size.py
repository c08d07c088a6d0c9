"""A record has a size as a whole, over however many requests, rows or files it grows."""

from __future__ import annotations

from typing import Any

import pytest

from daicho.testkit.waiting import until

LONG = "あ" * 20_000
"""60 KB; sixteen of them are a record of nearly 1 MB."""
KEYS = [f"text_{number}" for number in range(20)]


@pytest.fixture
async def owner(imports) -> Any:
    """The owner of a tenant with twenty fields of long text."""
    house = await imports.ledger.create_house()
    for key in KEYS:
        await house.owner.make("/v1/fields", resource="contact", key=key, label=key, type="long_text")
    return house.owner


def texts(first: int, last: int, text: str | None = LONG) -> dict[str, Any]:
    return {"custom": dict.fromkeys(KEYS[first:last], text)}


def errors_of(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(it["pointer"], it["code"]) for it in answer.json()["errors"]]


async def test_record_that_grows_over_several_changes_is_bounded(owner) -> None:
    made = await owner.make("/v1/contacts", family_name="山田", **texts(0, 8))
    path = f"/v1/contacts/{made['id']}"
    answer = await owner("PATCH", path, texts(8, 16), if_match='"v1"')
    assert answer.status_code == 200
    answer = await owner("PATCH", path, texts(16, 17), if_match='"v2"')
    assert errors_of(answer) == [("", "record_too_large")]
    assert "1 MB" in answer.json()["errors"][0]["detail"]
    answer = await owner("PATCH", path, {**texts(0, 1, None), "notes": "短い"}, if_match='"v2"')
    assert answer.status_code == 200
    answer = await owner("PATCH", path, texts(16, 17), if_match='"v3"')
    assert answer.status_code == 200


async def test_new_record_in_one_body_is_within_the_same_bound(owner) -> None:
    escaped = "\n" * 19_998
    body = {
        "custom": dict.fromkeys(KEYS, f"a{escaped}b"),
        "notes": "x",
    }  # each line end is two bytes in JSON
    answer = await owner("POST", "/v1/contacts", {"family_name": "山田", **body})
    assert answer.status_code == 201, answer.text


async def test_imported_record_is_bounded_made_or_changed(imports, owner) -> None:
    header = ",".join(["顧客番号", "姓", *KEYS])
    small = ",".join(["A-1", "田中", *([LONG] * 12), *([""] * 8)])
    large = ",".join(["A-2", "鈴木", *([LONG] * 17), *([""] * 3)])
    found = await imports.whole(owner, "a.csv", f"{header}\r\n{small}\r\n{large}\r\n".encode())
    assert (found["created"], found["rejected"]) == (1, 1)
    (error,) = await imports.errors(owner, found["id"])
    assert (error["row"], error["code"]) == (2, "record_too_large")
    more = ",".join(["A-1", *([LONG] * 8)])
    header = ",".join(["顧客番号", *KEYS[12:]])
    update = {"match_on": "customer_code", "on_match": "update"}
    found = await imports.whole(owner, "b.csv", f"{header}\r\n{more}\r\n".encode(), **update)
    assert (found["updated"], found["rejected"]) == (0, 1)

    errors: list[dict[str, Any]] = []

    async def told() -> bool:
        errors[:] = await imports.errors(owner, found["id"])
        return bool(errors)

    await until(told, within=20)
    assert [each["code"] for each in errors] == ["record_too_large"]
