"""Checkpoints come by themselves, are told to everyone, and other services may ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from daicho.audit.export import origin_of
from daicho.audit.notes import Verifier, read_checkpoint
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.contracts.audit.v1 import audit_pb2, audit_pb2_grpc
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Envelope, Message
from daicho.events.envelope import enclose, partition_key
from daicho.keyring import Certificates, Transit
from daicho.rpc import CallerNotAllowed, Channel
from daicho.tenancy import uuid7
from daicho.testkit import create_actor
from daicho.testkit.waiting import until


async def told(company: Any) -> list[audit.CheckpointSigned]:
    envelopes = [Envelope.FromString(record.value) async for record in company.bus.read("audit.events")]
    return [
        audit.CheckpointSigned.FromString(envelope.payload)
        for envelope in envelopes
        if envelope.tenant_id == company.tenant_id.bytes
    ]


async def test_a_log_that_grows_is_signed_unasked_and_told(aoba: Any) -> None:
    entry = await aoba.logged(await aoba.change())

    async def covering() -> audit.CheckpointSigned | None:
        return next((signed for signed in await told(aoba) if signed.size > entry["sequence"]), None)

    signed = await until(covering, within=30)
    async with aoba.client() as client:
        key = Verifier.parse((await client.get("/v1/audit/key")).json()["key"])
    point = read_checkpoint(signed.note, key)
    assert (point.origin, point.size, point.root) == (origin_of(aoba.tenant_id), signed.size, signed.root)


@pytest.fixture
async def channel_of(stack: Any, openbao_server: Any, openbao_roles: Any) -> AsyncIterator[Any]:
    """Makes a channel to the audit with the certificate of a service."""
    opened: list[Any] = []

    async def make(service: str) -> audit_pb2_grpc.LogServiceStub:
        transit = Transit(openbao_server.address, *openbao_roles[service], service=service)
        certificates = Certificates(transit)
        await certificates.start()
        channel = Channel(stack.settings["audit"]["DAICHO_AUDIT_GRPC"], certificates, service="audit")
        opened.append((channel, transit))
        return channel.stub(audit_pb2_grpc.LogServiceStub)

    yield make
    for channel, transit in opened:
        await channel.close()
        transit.close()


async def test_another_service_gets_the_checkpoint_of_the_tenant_it_names(aoba: Any, channel_of: Any) -> None:
    entry = await aoba.logged(await aoba.change())
    async with aoba.client() as client:
        shown = (await client.get("/v1/audit/checkpoint")).json()
    assert shown["size"] > entry["sequence"]
    stub = await channel_of("customers")
    answer = await stub.GetCheckpoint(audit_pb2.GetCheckpointRequest(tenant_id=aoba.tenant_id.bytes))
    point = read_checkpoint(answer.note, Verifier.parse(shown["key"]))
    assert (answer.size, answer.root) == (point.size, point.root)
    assert answer.size >= shown["size"]


async def test_a_service_that_is_not_named_gets_no_checkpoint(aoba: Any, channel_of: Any) -> None:
    stub = await channel_of("mailing")
    with pytest.raises(CallerNotAllowed):
        await stub.GetCheckpoint(audit_pb2.GetCheckpointRequest(tenant_id=aoba.tenant_id.bytes))


async def test_the_log_of_a_tenant_without_a_key_is_closed_and_others_flow_on(midori: Any) -> None:
    """After the key's destruction nothing can be sealed any more: such events go to the dead letters."""
    stranger, contact = create_actor(), uuid7()
    message = customers.ContactChanged(contact_id=contact.bytes)
    about = Aggregate("contact", contact, 1)
    _, value = enclose(message, actor=stranger, tenant_id=stranger.tenant_id, aggregate=about, keys=None)
    key = partition_key(stranger.tenant_id, contact)
    await midori.publish([Message("customers.events", key, value)])
    await midori.logged(await midori.change())

    async def buried() -> bool:
        letters = [record async for record in midori.bus.read("customers.events.dead")]
        return any(
            record.key == key and any(b"tenant_key_gone" in header for _, header in record.headers)
            for record in letters
        )

    assert await until(buried, within=30)
