"""Kafka with TLS, passwords, client certificates and the ACLs of infra/kafka: who may do what, on a real broker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter

import pytest

from daicho.events import BusUnavailable, Message, kafka_acls, open_bus
from daicho.testkit.secured_kafka import SecuredKafka, secured_kafka

pytestmark = pytest.mark.kafka
SERVICES = ("identity", "customers")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    folder = tmp_path_factory.mktemp("kafka")
    users = (*SERVICES, kafka_acls.OPERATOR, "stranger")
    with secured_kafka(folder, users, kafka_acls.script(SERVICES)) as running:
        yield running


def event(topic: str) -> Message:
    return Message(topic, b"key", b"value")


@pytest.mark.parametrize("way", ["password", "certificate"])
async def test_service_tells_on_its_own_topics_hears_all_and_moves_its_own_groups(
    kafka: SecuredKafka, way: str
) -> None:
    urls = {name: kafka.url(name) if way == "password" else kafka.certificate_url(name) for name in SERVICES}
    identity, customers = [await open_bus(urls[name]) for name in SERVICES]
    try:
        await identity.publish([event("identity.events")])
        await customers.publish(
            [event("customers.events"), event("access.events"), event("identity.events.dead")]
        )
        for topic in ("identity.events", "identity.revocations", "audit.events"):
            with pytest.raises(BusUnavailable):
                await customers.publish([event(topic)])
        group = f"customers.{way}"
        async with customers.subscribe(group, ["identity.events"]) as member, asyncio.timeout(60):
            (batch,) = await member.next()
            assert await member.commit(batch)
        assert await customers.backlog(group, "identity.events") == 0
        with pytest.raises(BusUnavailable):
            await customers.rewind("identity.permissions", "identity.events", {0: 0})
    finally:
        await identity.close()
        await customers.close()


async def test_nobody_enters_without_tls_a_password_or_a_right(kafka: SecuredKafka) -> None:
    wrong = kafka.url("customers").replace(kafka.passwords["customers"], "wrong")
    no_certificate = f"kafkas://localhost:{kafka.mtls_port}?ca={kafka.folder}/ca.pem"
    no_tls = f"kafka://localhost:{kafka.scram_port}"
    another_authority = kafka.url("customers").partition("?")[0]
    for url in (wrong, no_certificate, no_tls, another_authority, kafka.url("stranger")):
        bus = await open_bus(url)
        with pytest.raises(BusUnavailable):
            await bus.publish([event("customers.events")])
        await bus.close()


async def test_operator_tells_dead_letters_anew_and_moves_groups(kafka: SecuredKafka) -> None:
    operator = await open_bus(kafka.url(kafka_acls.OPERATOR))
    await operator.publish([event("identity.events")])
    await operator.rewind("customers.stopped", "identity.events", {0: 0})
    await operator.close()


async def test_broker_that_hangs_is_given_up_in_time(kafka: SecuredKafka) -> None:
    bus = await open_bus(kafka.url("customers"))
    await bus.publish([event("customers.events")])
    os.kill(kafka.process.pid, signal.SIGSTOP)
    try:
        for attempt in (bus.publish([event("customers.events")]), bus.ping()):
            begun = perf_counter()
            with pytest.raises(BusUnavailable):
                await attempt
            assert perf_counter() - begun < 20
    finally:
        os.kill(kafka.process.pid, signal.SIGCONT)
    async with asyncio.timeout(60):
        while True:  # as a relay does; the broker has lost its session meanwhile
            with suppress(BusUnavailable):
                await bus.publish([event("customers.events")])
                break
    await bus.close()
