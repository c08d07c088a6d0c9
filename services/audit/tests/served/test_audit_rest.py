"""The audit's REST: four callers for each route, searches, proofs, exports that verify."""

from __future__ import annotations

import itertools
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from daicho.audit import verify_command
from daicho.audit.export import origin_of
from daicho.audit.notes import Verifier, read_checkpoint
from daicho.audit.verify import verify
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import Aggregate
from daicho.nihongo import is_moment_in_range
from daicho.tenancy import uuid7

ROUTES = [
    ("POST", "/v1/audit/entries/search"),
    ("GET", "/v1/audit/entries/{id}"),
    ("GET", "/v1/audit/entries/{id}/proof"),
    ("GET", "/v1/audit/checkpoint"),
    ("GET", "/v1/audit/key"),
    ("GET", "/v1/audit/export"),
    ("POST", "/v1/audit/erasures"),
    ("GET", "/v1/audit/erasures"),
]
OF_ONE = [route for route in ROUTES if "{id}" in route[1]]


async def ask(client: httpx.AsyncClient, route: tuple[str, str], entry_id: object) -> httpx.Response:
    method, path = route
    bodies = {
        "/v1/audit/entries/search": {},
        "/v1/audit/erasures": {"record_id": str(uuid7()), "reason": "privacy_request"},
    }
    body = bodies.get(path) if method == "POST" else None
    return await client.request(method, path.format(id=entry_id), json=body)


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_anonymous_caller_is_sent_to_sign_in(stack: Any, route: tuple[str, str]) -> None:
    async with stack.client("audit") as client:
        answer = await ask(client, route, uuid7())
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_colleague_without_the_permission_is_refused(
    midori: Any, member: str, route: tuple[str, str]
) -> None:
    event = await midori.change()
    await midori.logged(event)
    async with midori.client(token=member) as client:
        answer = await ask(client, route, event)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("route", OF_ONE, ids=str)
async def test_another_tenants_entry_is_as_unknown_as_any(
    midori: Any, aoba: Any, route: tuple[str, str]
) -> None:
    event = await midori.change()
    await midori.logged(event)
    async with aoba.client() as client:
        foreign, unknown = await ask(client, route, event), await ask(client, route, uuid7())
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


async def test_searches_and_exports_hold_nothing_of_another_tenant(midori: Any, aoba: Any) -> None:
    contact = uuid7()
    await midori.logged(await midori.change(contact))
    assert await aoba.search(record_id=str(contact)) == []
    assert await aoba.search(actor_id=str(midori.actor.user_id)) == []
    async with aoba.client() as client:
        text = (await client.get("/v1/audit/export")).text
        assert str(midori.tenant_id) not in text
        assert str(contact) not in text
        assert (await client.get("/v1/audit/checkpoint")).json()["note"].startswith(origin_of(aoba.tenant_id))


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_auditor_is_answered(midori: Any, route: tuple[str, str]) -> None:
    event = await midori.change()
    await midori.logged(event)
    async with midori.client() as client:
        assert (await ask(client, route, event)).status_code == 200


async def test_pages_are_newest_first_and_neither_skip_nor_repeat(midori: Any) -> None:
    contact = uuid7()
    events = [await midori.change(contact, version=version) for version in range(1, 24)]
    await midori.logged(events[-1])
    seen: list[str] = []
    cursor = None
    async with midori.client() as client:
        while True:
            body = {"record_id": str(contact), "limit": 5, "cursor": cursor}
            page = (await client.post("/v1/audit/entries/search", json=body)).json()
            seen += [entry["id"] for entry in page["items"]]
            if len(seen) == 5:
                await midori.logged(await midori.change(contact, version=99))
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seen == [str(event) for event in reversed(events)]


async def test_a_page_of_long_entries_ends_early_and_the_next_one_goes_on(midori: Any) -> None:
    """Two hundred entries about 1,000 records each would be 8 MB of one answer."""
    record = uuid7()
    others = [uuid7().bytes for _ in range(999)]
    message = audit.Accessed(action="contact.export", resource="contact", ids=[record.bytes, *others])
    about = Aggregate("access", midori.actor.user_id, 0)
    events = [await midori.tell(message, about, topic="access.events") for _ in range(20)]
    await midori.logged(events[-1])
    asked: dict[str, Any] = {"record_id": str(record), "limit": 200}
    seen: list[str] = []
    async with midori.client() as client:
        first = await client.post("/v1/audit/entries/search", json=asked)
        seen += [entry["id"] for entry in first.json()["items"]]
        rest = (
            await client.post(
                "/v1/audit/entries/search", json=asked | {"cursor": first.json()["next_cursor"]}
            )
        ).json()
        seen += [entry["id"] for entry in rest["items"]]
    assert len(first.content) < 1_000_000
    assert rest["next_cursor"] is None
    assert sorted(seen) == sorted(str(event) for event in events)


async def test_a_cursor_belongs_to_its_tenant_and_its_question(midori: Any, aoba: Any) -> None:
    contact = uuid7()
    for version in (1, 2):
        await midori.logged(await midori.change(contact, version=version))
    body: dict[str, Any] = {"record_id": str(contact), "limit": 1}
    async with midori.client() as client, aoba.client() as other:
        cursor = (await client.post("/v1/audit/entries/search", json=body)).json()["next_cursor"]
        # One cursor in 256 ends with AA as it is.
        changed = cursor[:-2] + ("BB" if cursor.endswith("AA") else "AA")
        for caller, asked in (
            (client, body | {"cursor": cursor, "action": "contact.updated"}),
            (client, body | {"cursor": changed}),
            (other, body | {"cursor": cursor}),
        ):
            answer = await caller.post("/v1/audit/entries/search", json=asked)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_a_search_is_narrowed_by_each_of_its_members(midori: Any) -> None:
    contact = uuid7()
    first = await midori.logged(await midori.change(contact, version=1))
    second = await midori.logged(await midori.change(contact, version=2))
    record = {"record_id": str(contact)}
    later = (datetime.fromisoformat(first["time"]) + timedelta(microseconds=1)).isoformat()
    assert {e["id"] for e in await midori.search(**record)} == {first["id"], second["id"]}
    assert [e["id"] for e in await midori.search(**record, to=later)] == [first["id"]]
    assert [e["id"] for e in await midori.search(**{**record, "from": later})] == [second["id"]]
    assert await midori.search(**record, action="contact.deleted") == []
    assert await midori.search(**record, resource="company") == []
    assert await midori.search(**record, actor_id=str(uuid7())) == []
    newest = (await midori.search(action="contact.updated", limit=1))[0]
    assert newest["id"] == second["id"]
    assert (await midori.search(actor_id=str(midori.actor.user_id), resource="contact", limit=1))[0] == newest
    assert (await midori.search(resource="contact", limit=1))[0]["id"] == newest["id"]


@pytest.mark.parametrize("body", [
    {"actor_id": "x"}, {"limit": 0}, {"limit": 201}, {"from": "yesterday"}, {"to": "2026-01-01T00:00:00"},
    {"actor": "x"}, {"action": ""}, {"cursor": 3},
])  # fmt: skip
async def test_a_question_that_cannot_be_read_is_named(midori: Any, body: dict[str, Any]) -> None:
    async with midori.client() as client:
        answer = await client.post("/v1/audit/entries/search", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(body))}"


async def test_a_fresh_entry_has_a_proof_that_verifies_offline(midori: Any, tmp_path: Path) -> None:
    event = await midori.change()
    entry = await midori.logged(event)
    async with midori.client() as client:
        answer = await client.get(f"/v1/audit/entries/{event}/proof")
        key = (await client.get("/v1/audit/key")).json()["key"]
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-proof-{event}.json"'
    file = tmp_path / "proof.json"
    file.write_bytes(answer.content)
    assert verify_command.run([str(file), "--key", key]) == 0
    proof = json.loads(answer.content)
    assert proof["entry"]["sequence"] == entry["sequence"]
    proof["entry"]["action"] = "contact.deleted"
    file.write_text(json.dumps(proof))
    assert verify_command.run([str(file), "--key", key]) == 1


async def test_every_entry_can_be_proven_whatever_the_size_of_the_log(midori: Any) -> None:
    events = [await midori.change() for _ in range(300)]
    await midori.logged(events[-1])
    async with midori.client() as client:
        for event in (events[0], events[150], events[-1]):
            answer = await client.get(f"/v1/audit/entries/{event}/proof")
            report = verify(answer.content.splitlines(keepends=True))
            assert report.stands, report.finding


async def test_the_export_verifies_and_holds_every_entry(midori: Any) -> None:
    await midori.logged(await midori.change())
    async with midori.client() as client:
        key = Verifier.parse((await client.get("/v1/audit/key")).json()["key"])
        kept = (await client.get("/v1/audit/checkpoint")).json()
        for _ in range(300):
            await midori.change()
        await midori.logged(await midori.change())
        answer = await client.get("/v1/audit/export")
    report = verify(answer.content.splitlines(keepends=True), key=key, kept=[kept["note"]])
    assert report.stands, report.finding
    assert report.key_trusted
    assert report.entries == report.checkpoint.size > kept["size"] + 300


async def test_the_checkpoint_is_signed_by_the_key_and_names_the_log(midori: Any) -> None:
    async with midori.client() as client:
        shown = (await client.get("/v1/audit/checkpoint")).json()
    point = read_checkpoint(shown["note"], Verifier.parse(shown["key"]))
    assert (point.origin, point.size) == (origin_of(midori.tenant_id), shown["size"])


async def test_reading_the_audit_is_itself_an_access(midori: Any) -> None:
    event = await midori.change()
    await midori.logged(event)
    await midori.search(record_id=str(event))
    async with midori.client() as client:
        await client.get(f"/v1/audit/entries/{event}/proof")
        await client.get("/v1/audit/export")
    for action in ("audit.open", "audit.proof", "audit.export", "audit.search"):
        found = await midori.found(action=action)
        assert found[0]["actor"]["user_id"] == str(midori.actor.user_id)
        assert found[0]["kind"] == "access"
    found = await midori.search(record_id=str(event))
    assert {entry["action"] for entry in found} >= {"audit.open", "audit.proof"}


async def test_a_search_is_answered_or_refused_within_whatever_moments(midori: Any) -> None:
    """Every offset at both ends of the calendar, and any moments between them."""
    chance = random.Random(3)
    zones = [timezone(timedelta(minutes=minutes)) for minutes in (-1439, -540, 0, 540, 1439)]
    ends = ((1, 1, 1), (9999, 12, 31, 23, 59, 59, 999_999))
    moments = [datetime(*end, tzinfo=zone) for end in ends for zone in zones]
    moments += [
        datetime(1, 1, 1, tzinfo=chance.choice(zones)) + timedelta(days=chance.randint(1, 3_652_056))
        for _ in range(20)
    ]
    async with midori.client() as client:
        for moment, name in itertools.product(moments, ("from", "to")):
            answer = await client.post("/v1/audit/entries/search", json={name: moment.isoformat()})
            if is_moment_in_range(moment):
                assert answer.status_code == 200, answer.text
            else:
                (error,) = answer.json()["errors"]
                assert (error["pointer"], error["code"]) == (f"/{name}", "day_out_of_range")
                assert "9999-12-30" in error["detail"]
