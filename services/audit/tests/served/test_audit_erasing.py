"""One person's payloads go from the audit; the log stays whole, and says who took them away and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from daicho.audit.erasing import Eraser
from daicho.audit.schemas import ErasureRequest
from daicho.audit.verify import verify
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import Aggregate
from daicho.keyring import Keyring, Transit
from daicho.runtime import utc_now
from daicho.tenancy import uuid7
from daicho.testkit.waiting import until
from daicho.web import etag

NOTHING = {"entries": [], "erased": 0, "is_complete": True, "next_cursor": None}


async def erase(company: Any, record: UUID, token: str | None = None, **members: Any) -> Any:
    body = {"record_id": str(record), "reason": "privacy_request"} | members
    async with company.client(token=token) as client:
        return await client.post("/v1/audit/erasures", json=body)


async def list_of(company: Any, *records: UUID, words: bytes | None = None) -> UUID:
    """Tell that a list showed ``records``, with the words that were searched for."""
    keys = await company.keys()
    message = audit.Accessed(
        action="contact.search",
        resource="contact",
        ids=[record.bytes for record in records],
        sealed_query=b"" if words is None else keys.events.seal(words, field="Accessed.sealed_query"),
    )
    event: UUID = await company.tell(
        message, Aggregate("access", company.actor.user_id, 0), keys=keys, topic="access.events"
    )
    return event


async def exported(company: Any) -> Any:
    async with company.client() as client:
        return verify((await client.get("/v1/audit/export")).content.splitlines(keepends=True))


async def test_an_erased_persons_payloads_are_gone_and_the_log_stands(midori: Any) -> None:
    person, other = uuid7(), uuid7()
    events = [await midori.change(person, version=version) for version in (1, 2, 3)]
    kept = await midori.change(other)
    for event in (*events, kept):
        await midori.logged(event)
    before = await exported(midori)
    answer = await erase(midori, person)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["erased"], done["is_complete"]) == (3, True)
    for event in events:
        entry = await midori.logged(event)
        assert (entry["payload"], entry["address"], entry["action"]) == (None, None, "contact.updated")
    assert (await midori.logged(kept))["payload"]["fields"] == ["phones"]
    report = await exported(midori)
    assert report.stands, report.finding
    assert report.erased == before.erased + 3


async def test_an_entry_names_the_erasure_with_its_reason_and_actor(midori: Any) -> None:
    person = uuid7()
    event = await midori.change(person)
    await midori.logged(event)
    done = (await erase(midori, person, reason="legal_order")).json()
    (named, changed) = await midori.search(record_id=str(person))
    assert (named["id"], changed["id"]) == (done["entries"][0], str(event))
    assert (named["kind"], named["action"]) == ("erasure", "audit.erased")
    assert named["actor"]["user_id"] == str(midori.actor.user_id)
    assert named["payload"] == {
        "type": "erasure",
        "reason": "legal_order",
        "record_id": str(person),
        "erased": [str(event)],
    }
    async with midori.client() as client:
        register = (await client.get("/v1/audit/erasures", params={"limit": 1})).json()
    assert register["items"][0] == {
        "id": named["id"],
        "record_id": str(person),
        "reason": "legal_order",
        "erased": 1,
        "actor_user_id": str(midori.actor.user_id),
        "erased_at": named["time"],
    }


async def test_an_erased_entry_still_has_a_proof(midori: Any) -> None:
    person = uuid7()
    event = await midori.change(person)
    await midori.logged(event)
    await erase(midori, person)
    async with midori.client() as client:
        proof = (await client.get(f"/v1/audit/entries/{event}/proof")).content
    report = verify(proof.splitlines(keepends=True))
    assert report.stands, report.finding
    assert report.erased == 1


async def test_erasure_removes_only_searched_words_from_shared_entries(midori: Any) -> None:
    person, other = uuid7(), uuid7()
    plain = await list_of(midori, person, other)
    worded = await list_of(midori, person, other, words="田中".encode())
    of_other = await list_of(midori, other, words=b'{"q": "x", "looked_into": []}')
    for event in (plain, worded, of_other):
        await midori.logged(event)
    assert (await erase(midori, person)).json()["erased"] == 1
    assert (await midori.logged(plain))["payload"] is not None
    assert (await midori.logged(worded))["payload"] is None
    assert (await midori.logged(of_other))["payload"]["query"]["q"] == "x"
    assert str(worded) in {entry["id"] for entry in await midori.search(record_id=str(other))}


async def test_erasing_again_or_somebody_unknown_changes_nothing(midori: Any) -> None:
    person = uuid7()
    await midori.logged(await midori.change(person))
    await erase(midori, person)
    for wanted in (person, uuid7()):
        answer = await erase(midori, wanted)
        assert (answer.status_code, answer.json()) == (200, NOTHING)


async def test_another_company_can_erase_nothing_here(midori: Any, aoba: Any) -> None:
    person = uuid7()
    event = await midori.change(person)
    await midori.logged(event)
    assert (await erase(aoba, person)).json()["erased"] == 0
    assert (await midori.logged(event))["payload"] is not None


async def test_many_entries_go_round_by_round(make_company: Callable[[str], Awaitable[Any]]) -> None:
    company, person = await make_company("kasumi"), uuid7()
    for version in range(1, 521):
        last = await company.change(person, version=version)
    await company.logged(last)
    done = (await erase(company, person)).json()
    assert (done["erased"], len(done["entries"])) == (520, 2)
    async with company.client() as client:
        first = (await client.get("/v1/audit/erasures", params={"limit": 1})).json()
        rest = (await client.get("/v1/audit/erasures", params={"cursor": first["next_cursor"]})).json()
    assert [row["id"] for row in first["items"] + rest["items"]] == done["entries"][::-1]
    assert (await exported(company)).stands


async def test_an_erasure_ends_however_many_entries_stay(
    make_company: Callable[[str], Awaitable[Any]], openbao_server: Any, openbao_roles: Any
) -> None:
    company, person = await make_company("nagare"), uuid7()
    staying = [await list_of(company, person, uuid7()) for _ in range(7)]
    going = [await company.change(person, version=version) for version in (1, 2)]
    for event in (*staying, *going):
        await company.logged(event)
    database = await company.stack.databases["audit"].open()
    transit = Transit(openbao_server.address, *openbao_roles["audit"], service="audit")
    try:
        eraser = Eraser(database, Keyring(transit, database), utc_now, lambda _: None, round_size=2, rounds=1)
        asked, answers = ErasureRequest(person, "privacy_request"), []
        while not (answers and answers[-1].is_complete):
            assert len(answers) < 10, "each request begins anew"
            answers.append(await eraser.erase(company.actor, asked))
            asked = replace(asked, cursor=answers[-1].next_cursor)
    finally:
        transit.close()
        await database.close()
    assert sum(done.erased for done in answers) == 2
    of_another = await erase(company, uuid7(), cursor=answers[0].next_cursor)
    assert (of_another.status_code, of_another.json()["code"]) == (400, "invalid_cursor")
    for event in going:
        assert (await company.logged(event))["payload"] is None
    for event in staying:
        assert (await company.logged(event))["payload"] is not None


@pytest.mark.parametrize("reason", [None, "", "because"])
async def test_an_erasure_without_a_known_reason_is_refused(midori: Any, reason: str | None) -> None:
    answer = await erase(midori, uuid7(), reason=reason)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")


async def test_an_auditor_who_is_no_owner_may_read_the_register_and_not_erase(
    midori: Any, member: str
) -> None:
    async with midori.client("identity") as owner:
        users = (await owner.get("/v1/users")).json()["items"]
        (user,) = [user for user in users if user["id"] != str(midori.actor.user_id)]
        answer = await owner.patch(
            f"/v1/users/{user['id']}", json={"role": "admin"}, headers={"if-match": etag(user["version"])}
        )
        assert answer.status_code == 200, answer.text
    async with midori.client(token=member) as client:

        async def read() -> bool:
            return (await client.get("/v1/audit/erasures")).status_code == 200

        await until(read)
    assert (await erase(midori, uuid7(), token=member)).status_code == 403


async def test_the_service_can_take_a_payload_away_and_put_none_in_its_place(midori: Any) -> None:
    event = await midori.change()
    await midori.logged(event)
    connection = await asyncpg.connect(midori.stack.settings["audit"]["DAICHO_DATABASE_URL"])
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.tenant_id = '{midori.tenant_id}'")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("UPDATE entry SET payload = '\\x00' WHERE entry_id = $1", event)
    finally:
        await connection.close()
