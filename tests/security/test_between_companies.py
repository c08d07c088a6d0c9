"""Attempts to reach from one company into another, through the gateway of the whole product."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from daicho.testkit.company import Caller
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

from .conftest import UNKNOWN, Strangers


async def test_a_forged_tenant_user_or_role_header_counts_for_nothing(strangers: Strangers) -> None:
    b = strangers.b
    forged = {
        name: value
        for prefix in ("x", "x_daicho", "daicho", "x_jwt", "x_auth")
        for name, value in {
            f"{prefix}_tenant_id": b.tenant_id,
            f"{prefix}_tenant": b.code,
            f"{prefix}_user_id": b.owner.user_id,
            f"{prefix}_role": "owner",
            f"{prefix}_permissions": "contacts:read=all",
        }.items()
    }
    me = await strangers.a.owner("GET", "/v1/me", **forged)
    assert me.json()["tenant"]["id"] == strangers.a.tenant_id
    place = f"/v1/contacts/{strangers.theirs['contact_id']}"
    assert (await strangers.a.owner("GET", place, **forged)).status_code == 404
    assert (await strangers.powerless("GET", "/v1/contacts", **forged)).status_code == 403
    assert (await strangers.a.client.get(place, headers=forged)).status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/contacts", {"family_name": "名", "company_id": "company_id"}),
        ("/v1/contacts", {"family_name": "名", "owner_id": "user_id"}),
        ("/v1/companies", {"name": "社", "owner_id": "user_id"}),
        (
            "/v1/invitations",
            {"invitations": [{"email": "n@a.example.jp", "role": "member", "team_id": "team_id"}]},
        ),
    ],
    ids=["company", "contact-owner", "company-owner", "team"],
)
async def test_a_reference_to_anothers_record_is_as_wrong_as_one_to_nothing(strangers, path, body) -> None:
    answers = []
    for ids in (strangers.theirs, dict.fromkeys(strangers.theirs, UNKNOWN)):
        answer = await strangers.a.owner("POST", path, _with_ids(body, ids))
        answers.append((answer.status_code, answer.text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


async def test_an_import_that_names_anothers_people_gets_that_row_rejected(
    product: Product, strangers: Strangers
) -> None:
    """Somebody of B and somebody who is nobody are told apart by nothing."""
    owner = (await product.company()).owner  # the file names B, and who sent it may read it again
    rows = [("我", owner.email), ("彼", strangers.b.owner.email), ("無", "nobody@nowhere.example.jp")]
    content = "姓,所有者\r\n" + "".join(f"{name},{email}\r\n" for name, email in rows)
    begun = await owner.upload(content.encode(), name="owners.csv")
    place = f"/v1/imports/{begun['id']}"
    mapping = [{"column": 0, "field": "family_name"}, {"column": 1, "field": "owner"}]
    changed = await owner("PATCH", place, {"mapping": mapping})
    if changed.status_code == 422:
        mapping[1]["field"] = "owner_id"
        changed = await owner("PATCH", place, {"mapping": mapping})
    assert changed.status_code == 200, changed.text
    await owner.post(f"{place}/check")
    await until(lambda: _is(owner, place, "checked"), within=30)
    errors = (await owner.get(f"{place}/errors"))["items"]
    assert [it["row"] for it in errors] == [2, 3]
    assert len({(it["column"], it["code"], it["detail"]) for it in errors}) == 1
    await owner.post(f"{place}/run")
    await until(lambda: _is(owner, place, "done"), within=30)
    assert (await owner.get(place))["created"] == 1


async def test_ciphertext_moved_by_the_databases_own_ruler_does_not_open(
    product, strangers: Strangers
) -> None:
    """B's sealed blob under A's row: refused without a byte of it, and the log has the alert."""
    mine = await strangers.a.owner.post("/v1/contacts", {"family_name": "移転先"})
    place = f"/v1/contacts/{mine['id']}"
    database = await asyncpg.connect(product.database_url("customers"))
    try:
        kept = await database.fetchval("SELECT card FROM contact WHERE id = $1", mine["id"])
        theirs = await database.fetchval(
            "SELECT card FROM contact WHERE id = $1", strangers.theirs["contact_id"]
        )
        assert theirs is not None
        await database.execute("UPDATE contact SET card = $2 WHERE id = $1", mine["id"], theirs)
        before = len(product.log("services"))
        for answer in (
            await strangers.a.owner("GET", place),
            await strangers.a.owner("GET", "/v1/contacts"),
        ):
            assert answer.status_code == 500
            assert answer.headers["content-type"] == "application/problem+json"
            assert not [mark for mark in strangers.marks if mark in answer.text]
        alerts = [
            line for line in product.log("services")[before:].splitlines() if '"level": "error"' in line
        ]
        assert any("ampered" in line for line in alerts)
        assert not [mark for mark in strangers.marks if mark in "".join(alerts)]
    finally:
        await database.execute("UPDATE contact SET card = $2 WHERE id = $1", mine["id"], kept)
        await database.close()
    assert (await strangers.a.owner.get(place))["family_name"] == "移転先"


async def test_a_cursor_of_another_company_opens_nothing(strangers: Strangers) -> None:
    for name in ("一", "二"):
        await strangers.b.owner.post("/v1/companies", {"name": f"雲霧第{name}"})
    cursor = (await strangers.b.owner.get("/v1/companies?limit=1"))["next_cursor"]
    assert cursor
    answer = await strangers.a.owner("GET", f"/v1/companies?limit=1&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
    assert "雲霧" not in answer.text


async def test_an_idempotency_key_belongs_to_its_company_user_and_body(strangers: Strangers) -> None:
    key = {"idempotency_key": "one-key-for-all"}
    asked = {"name": "同じ鍵の会社"}
    first = await strangers.a.owner("POST", "/v1/companies", asked, **key)
    again = await strangers.a.owner("POST", "/v1/companies", asked, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = await strangers.a.owner("POST", "/v1/companies", {"name": "別の会社"}, **key)
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")
    stranger = await strangers.b.owner("POST", "/v1/companies", asked, **key)
    assert stranger.status_code == 201
    assert stranger.json()["id"] != first.json()["id"]
    colleague = await strangers.a.invite("same-key", "admin")
    own = await colleague("POST", "/v1/companies", asked, **key)
    assert own.status_code == 201
    assert own.json()["id"] != first.json()["id"]


async def test_a_stream_of_another_companys_import_never_opens(strangers: Strangers) -> None:
    place = f"/v1/imports/{strangers.theirs['import_id']}/events"
    answer = await strangers.a.owner("GET", place)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "key",
    ["__proto__", "constructor", "select", "x'; DROP TABLE contact; --", "tenant_id", "a" * 200, "名前", ""],
)
async def test_a_hostile_field_key_is_refused(strangers: Strangers, key: str) -> None:
    body = {"resource": "contact", "key": key, "label": "欄", "type": "text"}
    answer = await strangers.a.owner("POST", "/v1/fields", body)
    assert answer.status_code == 422, answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/key"}


async def test_cells_like_formulas_come_back_as_they_were_and_are_harmless_in_between(
    strangers: Strangers,
) -> None:
    """Rejected rows go back to a spreadsheet: neutralised there, and read again as what was typed."""
    owner = strangers.a.owner
    cells = ['=HYPERLINK("http://evil.example","x")', "+81", "-5", "@SUM(1)", "＝1+1", "＠SUM(1)", "－2+3"]
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells]
    content = "姓,備考,メールアドレス\r\n" + "".join(f"試,{cell},no-mail\r\n" for cell in quoted)
    rejected = await _rejected(owner, content.encode("utf-8-sig"))
    text = rejected.decode("utf-8-sig")
    fields = [field.strip('"') for line in text.splitlines()[1:] for field in line.split(",")]
    assert not [field for field in fields if field[:1] in "=+-@＝＋－＠" and field], text
    mended = text.replace("no-mail", "mended@example.jp").encode("utf-8-sig")
    begun = await owner.upload(mended, name="again.csv")
    place = f"/v1/imports/{begun['id']}"
    await owner.post(f"{place}/check")
    await until(lambda: _is(owner, place, "checked"), within=30)
    await owner.post(f"{place}/run")
    await until(lambda: _is(owner, place, "done"), within=30)
    found = (await owner.post("/v1/contacts/search", {"q": "mended@example.jp"}))["items"]
    notes = [(await owner.get(f"/v1/contacts/{it['id']}"))["notes"] for it in found]
    assert sorted(notes) == sorted(cells)


async def _rejected(owner: Caller, content: bytes) -> bytes:
    begun = await owner.upload(content, name="formulas.csv")
    place = f"/v1/imports/{begun['id']}"
    await owner.post(f"{place}/check")
    await until(lambda: _is(owner, place, "checked"), within=30)
    return (await owner("GET", f"{place}/rejected")).content


async def _is(caller: Caller, place: str, status: str) -> bool:
    now = await caller.get(place)
    assert now["status"] != "failed", now
    return bool(now["status"] == status)


def _with_ids(body: Any, ids: dict[str, str]) -> Any:
    """``body`` with the names of ids replaced by them."""
    text = json.dumps(body)
    for name, value in ids.items():
        text = text.replace(f': "{name}"', f': "{value}"')
    return json.loads(text)
