"""Whatever is told becomes one entry of its tenant's log, in order, soon."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from daicho.audit.checkpoints import Checkpoints
from daicho.audit.consumers import TOPICS, consumer
from daicho.audit.log import Unsigned
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Envelope, EventVerifier, Message, bus_schema, open_bus
from daicho.events.envelope import enclose, partition_key
from daicho.keyring import Keyring, Transit
from daicho.runtime import utc_now
from daicho.tenancy import uuid7


async def test_a_change_is_logged_with_who_did_it_and_which_fields_and_no_values(midori: Any) -> None:
    contact = uuid7()
    entry = await midori.logged(await midori.change(contact, fields=["phones", "custom.rank"]))
    assert (entry["kind"], entry["action"]) == ("change", "contact.updated")
    assert entry["resource"] == {"type": "contact", "id": str(contact)}
    assert entry["actor"]["user_id"] == str(midori.actor.user_id)
    assert entry["actor"]["name"] == "山田 花子"
    assert (entry["address"], entry["request_id"]) == ("192.0.2.10", midori.actor.request_id)
    assert entry["payload"]["fields"] == ["phones", "custom.rank"]
    assert entry["payload"]["change"] == "updated"


async def test_identity_and_sign_ins_are_heard(midori: Any) -> None:
    (first, *_) = await midori.found(action="session.signed_in")
    assert first["actor"]["user_id"] == str(midori.actor.user_id)
    assert await midori.search(action="tenant.changed")
    assert await midori.search(record_id=str(midori.actor.user_id), action="user.changed")


async def test_what_was_searched_for_can_be_read_by_an_auditor(midori: Any) -> None:
    keys, ids = await midori.keys(), [uuid7() for _ in range(50)]
    message = audit.Accessed(
        action="contact.search",
        resource="contact",
        ids=[each.bytes for each in ids],
        sealed_query=keys.events.seal(
            json.dumps({"q": "タナカ", "filter": None, "looked_into": []}).encode(),
            field="Accessed.sealed_query",
        ),
    )
    about = Aggregate("access", midori.actor.user_id, 0)
    entry = await midori.logged(await midori.tell(message, about, keys=keys, topic="access.events"))
    assert (entry["kind"], entry["action"]) == ("access", "contact.search")
    assert entry["payload"]["query"] == {"q": "タナカ", "filter": None}
    assert entry["payload"]["ids"] == [str(each) for each in ids]
    for record in (ids[0], ids[-1]):
        assert [each["id"] for each in await midori.search(record_id=str(record))] == [entry["id"]]


async def test_a_thousand_records_of_one_access_are_all_found(midori: Any) -> None:
    ids = [uuid7() for _ in range(1_000)]
    message = audit.Accessed(action="contact.export", resource="contact", ids=[each.bytes for each in ids])
    about = Aggregate("access", midori.actor.user_id, 0)
    entry = await midori.logged(await midori.tell(message, about, topic="access.events"))
    for record in (ids[0], ids[500], ids[999]):
        assert [each["id"] for each in await midori.search(record_id=str(record))] == [entry["id"]]


async def test_bulk_work_is_one_entry_that_each_row_is_found_by(midori: Any) -> None:
    rows, cause = [uuid7() for _ in range(500)], uuid7()
    message = customers.RecordsChanged(
        resource="contact",
        change=customers.CHANGE_CREATED,
        ids=[row.bytes for row in rows],
        digests=[bytes(32)] * 500,
        cause="import",
        cause_id=cause.bytes,
    )
    entry = await midori.logged(await midori.tell(message, Aggregate("batch", uuid7(), 0)))
    assert entry["action"] == "contact.created"
    for record in (rows[0], rows[499], cause):
        assert [each["id"] for each in await midori.search(record_id=str(record))] == [entry["id"]]


async def test_an_event_that_comes_again_is_logged_once(midori: Any) -> None:
    contact = uuid7()
    message = customers.ContactChanged(contact_id=contact.bytes, change=customers.CHANGE_CREATED)
    about = Aggregate("contact", contact, 1)
    _, value = enclose(message, actor=midori.actor, tenant_id=midori.tenant_id, aggregate=about, keys=None)
    record = Message("customers.events", partition_key(midori.tenant_id, contact), value)
    await midori.publish([record, record])
    await midori.publish([record])
    await midori.logged(await midori.change(contact, version=2))
    found = await midori.search(record_id=str(contact))
    assert [entry["action"] for entry in found] == ["contact.updated", "contact.created"]


async def test_every_version_is_logged_also_one_that_comes_late(midori: Any) -> None:
    contact = uuid7()
    events = [await midori.change(contact, version=version) for version in (3, 1, 2)]
    entries = [await midori.logged(event) for event in events]
    sequences = [entry["sequence"] for entry in entries]
    assert sequences == sorted(sequences)
    assert len(await midori.search(record_id=str(contact))) == 3


async def test_changes_of_one_record_stand_in_their_order_and_numbers_have_no_gap(midori: Any) -> None:
    contacts = [uuid7() for _ in range(20)]
    events: dict[UUID, list[UUID]] = {contact: [] for contact in contacts}
    for version in range(1, 11):
        for contact in contacts:
            events[contact].append(await midori.change(contact, version=version))
    for contact in contacts:
        last = await midori.logged(events[contact][-1])
        found = await midori.search(record_id=str(contact), action="contact.updated")
        assert [entry["id"] for entry in reversed(found)] == [str(event) for event in events[contact]]
        assert found[0]["sequence"] == last["sequence"]
    admin = await asyncpg.connect(midori.stack.databases["audit"].admin_url)
    size, lowest, highest = await admin.fetchrow(
        "SELECT count(*), min(sequence), max(sequence) FROM entry WHERE tenant_id = $1", midori.tenant_id
    )
    await admin.close()
    assert (lowest, highest) == (0, size - 1)


async def test_an_event_of_a_kind_unknown_here_is_logged_under_its_name(midori: Any) -> None:
    contact = uuid7()
    _, value = enclose(
        customers.ContactChanged(contact_id=contact.bytes),
        actor=midori.actor,
        tenant_id=midori.tenant_id,
        aggregate=Aggregate("deal", contact, 1),
        keys=None,
    )
    envelope = Envelope.FromString(value)
    envelope.type = "daicho.salesbook.events.v1.BigDealClosed"
    key = partition_key(midori.tenant_id, contact)
    await midori.publish([Message("customers.events", key, envelope.SerializeToString())])
    found = await midori.found(record_id=str(contact))
    assert (found[0]["action"], found[0]["resource"]["type"]) == ("salesbook.big_deal_closed", "deal")


async def test_a_poisoned_event_goes_to_the_dead_letters_and_the_log_flows_on(midori: Any) -> None:
    bad, good = uuid7(), uuid7()
    message = audit.Accessed(action="Not An Action", resource="contact", ids=[bad.bytes])
    about = Aggregate("access", midori.actor.user_id, 0)
    await midori.tell(message, about, topic="access.events")
    await midori.logged(
        await midori.tell(
            audit.Accessed(action="contact.open", resource="contact", ids=[good.bytes]),
            about,
            topic="access.events",
        )
    )
    reasons = [dict(record.headers) async for record in midori.bus.read("access.events.dead")]
    assert any(b"action_unreadable" in value for headers in reasons for value in headers.values())


async def test_an_attempt_at_anothers_or_an_unknown_entry_is_logged_and_says_nothing_of_either(
    midori: Any, aoba: Any
) -> None:
    theirs, unknown = await midori.change(), uuid7()
    await midori.logged(theirs)
    shown = []
    async with aoba.client() as client:
        for wanted in (theirs, unknown):
            assert (await client.get(f"/v1/audit/entries/{wanted}/proof")).status_code == 404
            (entry,) = await aoba.found(record_id=str(wanted))
            assert (entry["action"], entry["kind"], entry["resource"]["type"]) == (
                "access.refused",
                "access",
                "entry",
            )
            assert entry["actor"]["user_id"] == str(aoba.actor.user_id)
            shown.append(entry["payload"] | {"ids": []})
    assert shown[0] == shown[1]
    assert await midori.search(record_id=str(theirs), actor_id=str(aoba.actor.user_id)) == []


async def test_somebody_without_the_permission_is_logged_for_having_asked(midori: Any, member: str) -> None:
    wanted = uuid7()
    async with midori.client(token=member) as client:
        assert (await client.get(f"/v1/audit/entries/{wanted}")).status_code == 403
    (entry,) = await midori.found(record_id=str(wanted))
    assert (entry["action"], entry["payload"]["status"]) == ("access.refused", 403)
    assert entry["actor"]["user_id"] != str(midori.actor.user_id)


async def test_a_tenants_keys_are_opened_before_a_connection_is_held(
    midori: Any, make_database: Any, openbao_server: Any, openbao_roles: Any
) -> None:
    """Of a single connection the keys need one themselves; a holder would wait for itself."""
    bus = await open_bus((await make_database("bus", create=bus_schema.create)).app_url)
    database = await midori.stack.databases["audit"].open(pool=1)
    transit = Transit(openbao_server.address, *openbao_roles["audit"], service="audit")
    checkpoints, verifier = Checkpoints(database, transit, utc_now, Unsigned()), EventVerifier(transit)
    keyring = Keyring(transit, database)
    hears = consumer(bus, verifier, database, keyring, checkpoints=checkpoints, grown=lambda _: None)
    for topic in TOPICS:  # the group has heard them on another bus
        await bus.resume("audit", topic)
    hearing = asyncio.create_task(hears.run())
    try:
        event = await replace(midori, bus=bus).change()
        async with asyncio.timeout(30):
            assert (await midori.logged(event))["action"] == "contact.updated"
    finally:
        hearing.cancel()
        with suppress(asyncio.CancelledError):
            await hearing
        transit.close()
        await database.close()
        await bus.close()


async def test_forged_event_is_an_alarm_in_the_log_of_the_tenant_that_it_claims(midori: Any) -> None:
    contact = uuid7()
    message = customers.ContactChanged(contact_id=contact.bytes, change=customers.CHANGE_DELETED)
    about = Aggregate("contact", contact, 1)
    _, value = enclose(message, actor=midori.actor, tenant_id=midori.tenant_id, aggregate=about, keys=None)
    key = partition_key(midori.tenant_id, contact)
    await midori.bus.publish([Message("customers.events", key, value)])
    alarms = await midori.found(action="event.forged")  # one of each service that hears the topic
    told = {(each["payload"]["topic"], each["payload"]["reason"]) for each in alarms}
    assert told == {("customers.events", "unsigned")}
    assert await midori.search(record_id=str(contact)) == []


async def test_missed_events_are_named_in_the_log(midori: Any) -> None:
    message = audit.EventsMissed(
        group="audit", topic="customers.events", kept_since="2026-11-30T00:00:00+00:00"
    )
    entry = await midori.logged(
        await midori.tell(message, Aggregate("event", uuid7(), 0), topic="access.events")
    )
    assert (entry["action"], entry["payload"]["topic"]) == ("event.missed", "customers.events")


@pytest.mark.parametrize("change", ["created", "updated", "deleted", "restored"])
async def test_each_change_has_its_name(midori: Any, change: str) -> None:
    number = customers.Change.Value(f"CHANGE_{change.upper()}")
    entry = await midori.logged(await midori.change(change=number))
    assert entry["action"] == f"contact.{change}"
