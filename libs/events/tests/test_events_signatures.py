"""Events count once their service's signature over them verifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import hvac
import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from daicho.contracts.identity.events.v1 import events_pb2 as identity
from daicho.events import (
    Aggregate,
    BatchSigner,
    Consumer,
    Envelope,
    EventVerifier,
    Forged,
    Message,
    Patience,
    Record,
    Revocations,
    dead_letters,
)
from daicho.events.envelope import enclose, partition_key
from daicho.events.merkle_tree import build, leaf_hash, root_of
from daicho.events.signatures import (
    PROOF,
    Certificate,
    Proof,
    batch_statement,
    certificate_statement,
    header_of,
)
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, bus_key
from daicho.keyring.provision import SERVICES
from daicho.local.servers import OpenBaoServer
from daicho.tenancy import Actor, TenantId, TenantTransaction, uuid7
from daicho.testkit import create_tenant_id
from daicho.testkit.background import running
from daicho.testkit.events import EventsWorld

TOPIC = "identity.events"


def role_event(tenant: TenantId, version: int = 1) -> Message:
    about = Aggregate("role", tenant, version)
    message = identity.RoleChanged(role="member")
    event_id, value = enclose(
        message, actor=Actor.system(tenant), tenant_id=tenant, aggregate=about, keys=None
    )
    return Message(TOPIC, partition_key(tenant, about.id), value, (("id", event_id),))


def record_of(message: Message, *, topic: str = "", time: datetime | None = None) -> Record:
    return Record(
        topic or message.topic, 0, 0, time or datetime.now(UTC), message.key, message.value, message.headers
    )


def with_proof(message: Message, change: Callable[[list[Any]], object]) -> Message:
    proof = list(msgpack.unpackb(header_of(message.headers, PROOF)))
    change(proof)
    rest = tuple(header for header in message.headers if header[0] != PROOF)
    return message._replace(headers=(*rest, (PROOF, msgpack.packb(proof))))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 4_000])
def test_every_leaf_leads_to_the_root_and_no_other_path_does(size: int) -> None:
    leaves = [leaf_hash("t", b"", str(number).encode()) for number in range(size)]
    root, paths = build(leaves)
    for index in {0, size // 2, size - 1}:
        leaf, path = leaves[index], paths[index]
        assert root_of(leaf, index, size, path) == root
        assert root_of(leaf_hash("t", b"", b"other"), index, size, path) != root
        assert root_of(leaf, index, size, path + b"\0" * 32) is None
        assert root_of(leaf, size, size, path) is None
        if size > 1:
            assert root_of(leaf, (index + 1) % size, size, path) != root
            assert root_of(leaf, index, size, path[32:]) is None


def test_a_leaf_does_not_pass_for_the_same_bytes_parted_elsewhere() -> None:
    assert leaf_hash("ab", b"c", b"d") != leaf_hash("a", b"bc", b"d") != leaf_hash("a", b"b", b"cd")


async def test_signed_batch_verifies_on_its_topic(world: EventsWorld) -> None:
    for message in await world.signers.sign([role_event(create_tenant_id()) for _ in range(7)]):
        await world.verifier.check(record_of(message))


async def _self_certified(message: Message) -> Message:
    """By a key that nobody certified, named as identity's."""
    key, now = Ed25519PrivateKey.generate(), int(datetime.now(UTC).timestamp())
    public = key.public_key().public_bytes_raw()
    statement = certificate_statement("identity", public, now, now + 3_600)
    certificate = Certificate("identity", public, now, now + 3_600, 1, key.sign(statement))
    root, (path,) = build([leaf_hash(message.topic, message.key, message.value)])
    proof = (certificate.pack(), key.sign(batch_statement(root, 1)), 0, 1, path)
    return message._replace(headers=(*message.headers, (PROOF, msgpack.packb(proof))))


@pytest.mark.parametrize(
    ("reason", "forge"),
    [
        ("unsigned", lambda m: m._replace(headers=m.headers[:1])),
        ("unsigned", lambda m: m._replace(headers=(*m.headers, m.headers[-1]))),
        ("signature_unreadable", lambda m: m._replace(headers=((PROOF, b"\xc1"),))),
        ("signature_unreadable", lambda m: m._replace(headers=((PROOF, msgpack.packb([1, 2, 3, 4, 5])),))),
        ("signature_unreadable", lambda m: m._replace(headers=((PROOF, b"x" * 5_000),))),
        ("signature_invalid", lambda m: m._replace(value=m.value + b"\x4a\x00")),
        ("signature_invalid", lambda m: m._replace(key=bytes(32))),
        ("signature_invalid", lambda m: with_proof(m, lambda p: p.__setitem__(2, p[2] ^ 1))),
        ("signature_invalid", lambda m: with_proof(m, lambda p: p.__setitem__(3, p[3] + 1))),
        ("signature_invalid", lambda m: with_proof(m, lambda p: p.__setitem__(3, 1 << 40))),
        ("signature_invalid", lambda m: with_proof(m, lambda p: p.__setitem__(1, bytes(64)))),
        ("signature_invalid", lambda m: m._replace(topic="identity.revocations")),
    ],
)
async def test_changed_event_is_forged(
    world: EventsWorld, reason: str, forge: Callable[[Message], Message]
) -> None:
    signed = await world.signers.sign([role_event(create_tenant_id()) for _ in range(4)])
    await world.verifier.check(
        record_of(signed[1])
    )  # the root is known; what is forged is refused all the same
    with pytest.raises(Forged) as error:
        await world.verifier.check(record_of(forge(signed[1])))
    assert error.value.reason == reason


async def test_self_made_certificate_is_forged(world: EventsWorld) -> None:
    forged = await _self_certified(role_event(create_tenant_id()))
    with pytest.raises(Forged) as error:
        await world.verifier.check(record_of(forged))
    assert error.value.reason == "certificate_invalid"


async def test_only_the_owner_of_a_topic_signs_for_it(world: EventsWorld) -> None:
    event = role_event(create_tenant_id())
    for service in SERVICES:
        (signed,) = await world.signers.sign([event], service=service)
        if service == "identity":
            await world.verifier.check(record_of(signed))
            continue
        with pytest.raises(Forged) as error:
            await world.verifier.check(record_of(signed))
        assert error.value.reason == "signed_by_another_service"
    access = event._replace(topic="access.events")
    for service in SERVICES:
        (signed,) = await world.signers.sign([access], service=service)
        await world.verifier.check(record_of(signed))


@pytest.mark.parametrize("service", SERVICES)
async def test_key_store_lets_a_service_sign_as_itself_alone(world: EventsWorld, service: str) -> None:
    transit = world.signers.transit(service)
    for other in SERVICES:
        assert await transit.public_keys(bus_key(other))
        if other == service:
            assert await transit.sign(bus_key(other), b"x")
            continue
        for attempt in (transit.sign(bus_key(other), b"x"), transit.rotate_signing_key(bus_key(other))):
            with pytest.raises(KeyRefused):
                await attempt


async def test_certificate_ends_by_the_time_of_the_bus(world: EventsWorld) -> None:
    (signed,) = await world.signers.sign([role_event(create_tenant_id())])
    now = datetime.now(UTC)
    for moment in (now - timedelta(hours=1), now + timedelta(hours=25)):
        with pytest.raises(Forged) as error:
            await world.verifier.check(record_of(signed, time=moment))
        assert error.value.reason == "signed_with_an_old_key"
    await world.verifier.check(record_of(signed, time=now + timedelta(hours=23)))


async def test_relay_signs_on_while_the_key_store_is_away_until_its_certificate_ends(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from daicho.keyring import provision
    from daicho.local.servers import free_port
    from daicho.testkit.events import EventSigners

    server = OpenBaoServer(tmp_path_factory.mktemp("keys") / "openbao", port=free_port())
    server.start()
    try:
        server.wait_until_ready()
        signers = EventSigners(server.address, provision(server.address, server.root_token))
        now = datetime.now(UTC).timestamp()
        signer = BatchSigner(signers.transit("identity"), lifetime=3_600, now=lambda: now)
        verifier, event = signers.verifier("customers"), role_event(create_tenant_id())
        await verifier.check(record_of((await signer.sign([event]))[0]))
        server.seal()
        (signed,) = await signer.sign([event])
        await verifier.check(record_of(signed))
        with pytest.raises(Unavailable):  # whoever has not seen the key waits for it, and refuses nothing
            await signers.verifier("audit").check(record_of(signed))
        now += 2_000  # over half of its life: it asks for another, in vain, and goes on
        await verifier.check(record_of((await signer.sign([event]))[0]))
        now += 1_601
        with pytest.raises(Unavailable):
            await signer.sign([event])
        server.unseal()
        (signed,) = await signer.sign([event])
        await verifier.check(record_of(signed, time=datetime.fromtimestamp(now, UTC)))
        signers.close()
    finally:
        server.stop()


async def test_rotated_key_signs_and_older_versions_verify_until_the_store_drops_them(
    world: EventsWorld, openbao_server: OpenBaoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transit, event = world.signers.transit("sales"), role_event(create_tenant_id())
    event = event._replace(topic="sales.events")
    (old,) = await BatchSigner(transit).sign([event])
    await world.verifier.check(record_of(old))
    await transit.rotate_signing_key(bus_key("sales"))
    (new,) = await BatchSigner(transit).sign([event])
    for signed in (old, new):
        await world.verifier.check(record_of(signed))
    versions = {
        Certificate.unpack(Proof.unpack(header_of(each.headers, PROOF) or b"").certificate).key_version
        for each in (old, new)
    }
    assert len(versions) == 2
    admin = hvac.Client(url=openbao_server.address, token=openbao_server.root_token)
    admin.secrets.transit.update_key_configuration(bus_key("sales"), min_decryption_version=max(versions))
    verifier = world.signers.verifier("customers")
    await verifier.check(record_of(new))
    with pytest.raises(Forged) as error:
        await verifier.check(record_of(old))
    assert error.value.reason == "signed_with_an_unknown_key"


@asynccontextmanager
async def hearing(world: EventsWorld, verifier: EventVerifier, heard: list[UUID]) -> AsyncIterator[None]:
    async def on_all(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
        heard.extend(UUID(bytes=envelope.id) for envelope in envelopes)

    consumer = Consumer(
        world.bus,
        "customers.test",
        world.database,
        verifier,
        topics=[TOPIC, "customers.events"],
        batch_handler=on_all,
        patience=Patience(attempts=2, first_seconds=0.01, longest_seconds=0.05),
    )
    async with running(consumer.run()):
        yield


async def _settled(world: EventsWorld) -> None:
    async with asyncio.timeout(20):
        for topic in (TOPIC, "customers.events"):
            while await world.bus.backlog("customers.test", topic):  # noqa: ASYNC110 - a server's state, which nobody announces
                await asyncio.sleep(0.02)


async def test_forged_events_are_dead_letters_with_an_alarm_and_the_partition_flows_on(
    world: EventsWorld,
) -> None:
    tenant, heard, alarms = create_tenant_id(), [], []

    async def on_forged(record: Record, reason: str) -> None:
        alarms.append((record.topic, reason))

    unsigned, moved, others, genuine = (role_event(tenant, version) for version in range(1, 5))
    (moved,) = await world.signers.sign([moved])
    (others,) = await world.signers.sign([others], service="customers")
    await world.bus.publish([unsigned, moved._replace(topic="customers.events"), others])
    await world.publish([genuine])
    with capture_logs() as logs:
        async with hearing(world, world.signers.verifier("customers", on_forged=on_forged), heard):
            await _settled(world)
    assert heard == [UUID(bytes=dict(genuine.headers)["id"])]
    expected = [
        ("customers.events", "signed_by_another_service"),
        (TOPIC, "signed_by_another_service"),
        (TOPIC, "unsigned"),
    ]
    assert sorted(alarms) == expected
    letters = [
        (letter.topic, letter.reason)
        for topic in (TOPIC, "customers.events")
        async for letter in dead_letters(world.bus, topic)
    ]
    assert sorted(letters) == expected
    said = sorted((line["topic"], line["reason"]) for line in logs if line["event"] == "event_forged")
    assert said == expected


async def test_given_again_without_its_services_word_is_forged(world: EventsWorld) -> None:
    heard: list[UUID] = []
    (signed,) = await world.signers.sign([role_event(create_tenant_id())])
    by_hand = signed._replace(headers=(*signed.headers, ("for", b"customers.test")))
    await world.bus.publish([by_hand])
    async with hearing(world, world.verifier, heard):
        await _settled(world)
        (letter,) = [letter async for letter in dead_letters(world.bus, TOPIC)]
    assert (heard, letter.reason) == ([], "replay_unsigned")


async def test_events_that_lay_on_the_bus_before_the_upgrade_are_heard_once_and_none_can_be_added(
    world: EventsWorld,
) -> None:
    import asyncpg

    old, new, heard = role_event(create_tenant_id()), role_event(create_tenant_id()), []
    await world.bus.publish([old])
    admin = await asyncpg.connect(world.bus_admin_url)
    await admin.execute("UPDATE message SET predates_signatures = true")  # as the column's own default does
    await admin.close()
    await world.bus.publish([new])
    async with hearing(world, world.verifier, heard):
        await _settled(world)
        letters = [letter.event_id async for letter in dead_letters(world.bus, TOPIC)]
    assert heard == [UUID(bytes=dict(old.headers)["id"])]
    assert letters == [UUID(bytes=dict(new.headers)["id"])]


async def test_forged_revocations_and_heartbeats_have_no_effect(world: EventsWorld) -> None:
    told: list[int] = []

    async def on_message(envelope: Envelope) -> None:
        told.append(envelope.aggregate.version)

    async def on_gap() -> None:
        told.append(-1)

    def broadcast(kind: str, sequence: int) -> Message:
        message = identity.Revoked(sequence=sequence, tenant_closed=True)
        about = Aggregate(kind, uuid7(), sequence)
        event_id, value = enclose(message, actor=None, tenant_id=None, aggregate=about, keys=None)
        return Message("identity.revocations", b"", value, (("id", event_id),))

    line = Revocations(
        world.bus, "identity.revocations", world.verifier, on_message=on_message, on_gap=on_gap
    )
    task = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(20):
            while not told:  # the line stands once one arrives
                await world.publish([broadcast("broadcast", 1)])
                await asyncio.sleep(0.05)
            told.clear()
            begun = line.silent_for()
            await world.bus.publish([broadcast("broadcast", 2), broadcast("heartbeat", 9)])
            (others,) = await world.signers.sign([broadcast("broadcast", 2)], service="customers")
            await world.bus.publish([others])
            await world.publish([broadcast("broadcast", 2)])
            while 2 not in told:  # noqa: ASYNC110 - told by another task
                await asyncio.sleep(0.02)
        assert told == [2]
        assert begun >= 0
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
