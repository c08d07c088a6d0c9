"""Places by postal code."""

from __future__ import annotations

from urllib.parse import quote

import pytest


async def places(caller, code):
    answer = await caller("GET", f"/v1/postal-codes/{quote(code, safe='')}")
    assert answer.status_code == 200, answer.text
    return [(it["prefecture"], it["city"], it["town"]) for it in answer.json()["items"]]


@pytest.mark.parametrize("code", ["1000001", "100-0001", "〒１００－０００１"])
async def test_a_code_in_any_writing_names_its_place(house, code):
    assert await places(house.owner, code) == [("東京都", "千代田区", "千代田")]


async def test_a_code_of_several_towns_names_them_all(house):
    found = await places(house.owner, "4520961")
    assert len(found) > 1
    assert {place[:2] for place in found} == {("愛知県", "清須市")}


async def test_a_code_that_is_nobodys_names_no_place(house):
    assert await places(house.owner, "9999999") == []


@pytest.mark.parametrize("code", ["100", "東京", "10000011"])
async def test_what_is_no_code_is_refused_at_its_place(house, code):
    answer = await house.owner("GET", f"/v1/postal-codes/{quote(code)}")
    assert answer.status_code == 422
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [
        ("/code", "invalid_postal_code")
    ]


async def test_only_those_who_are_signed_in_may_ask(house, ledger):
    assert (await ledger.anonymous()("GET", "/v1/postal-codes/1000001")).status_code == 401
    assert (await house.reader("GET", "/v1/postal-codes/1000001")).status_code == 200
