"""A broker that hangs without refusing, a host that dies without a word: shards and slots go to another in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy import make_url

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, BusUnavailable, Message, Relay, open_bus, tell_all
from daicho.tenancy import Database, uuid7
from daicho.testkit import create_actor
from daicho.testkit.background import running
from daicho.testkit.events import EventsWorld
from daicho.testkit.stalling_proxy import StallingProxy, stalling_proxy

TOPIC = "customers.events"
WITHIN = 30


def through(url: str, proxy: StallingProxy) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}"))


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[StallingProxy]:
    place = make_url(url)
    assert place.host
    assert place.port
    async with stalling_proxy(place.host, place.port) as proxy:
        yield proxy


async def tell_many(world: EventsWorld, count: int) -> None:
    async with world.database.transaction(create_actor()) as tx:
        told = [
            (customers.ContactChanged(contact_id=contact.bytes), Aggregate("contact", contact, 1))
            for contact in (uuid7() for _ in range(count))
        ]
        await tell_all(tx, None, told)


async def shards_held(world: EventsWorld) -> int:
    admin = await asyncpg.connect(world.service.admin_url)
    held = await admin.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await admin.close()
    return int(held)


async def test_publishing_to_a_bus_that_hangs_ends_in_time(world: EventsWorld) -> None:
    async with proxy_to(world.bus_url) as proxy:
        bus = await open_bus(through(world.bus_url, proxy))
        await bus.publish([Message(TOPIC, b"k", b"v")])
        proxy.stall()
        for attempt in (bus.publish([Message(TOPIC, b"k", b"v")]), bus.ping()):
            begun = perf_counter()
            with pytest.raises(BusUnavailable):
                await attempt
            assert perf_counter() - begun < WITHIN
        proxy.resume()
        await bus.publish([Message(TOPIC, b"k", b"v")])
        await bus.close()


async def test_relay_whose_bus_hangs_leaves_its_shards_to_another(world: EventsWorld) -> None:
    async with proxy_to(world.bus_url) as proxy:
        hanging = await open_bus(through(world.bus_url, proxy))
        signer = world.signers.signer("customers")
        stuck = Relay(world.service.relay_url, hanging, signer)
        async with running(stuck.run()):
            await tell_many(world, 20)
            await world.arrived(TOPIC, 20)
            proxy.stall()
            await tell_many(world, 200)
            async with asyncio.timeout(WITHIN), world.relaying():
                await world.arrived(TOPIC, 220)
        proxy.resume()
        await hanging.close()


async def test_server_takes_the_shards_of_a_relay_whose_host_is_gone(world: EventsWorld) -> None:
    """Its connection stays open for TCP, as behind a proxy or a stopped process: keepalives are answered."""
    async with proxy_to(world.service.relay_url) as proxy:
        signer = world.signers.signer("customers")
        gone = Relay(through(world.service.relay_url, proxy), world.bus, signer)
        async with running(gone.run()):
            await tell_many(world, 20)
            await world.arrived(TOPIC, 20)
            assert await shards_held(world) == 5  # four shards, and that it is a member
            proxy.stall()
            await tell_many(world, 200)
            async with asyncio.timeout(WITHIN), world.relaying():
                await world.arrived(TOPIC, 220)


async def test_server_takes_the_slots_of_a_consumer_whose_host_is_gone(world: EventsWorld) -> None:
    async with proxy_to(world.bus_url) as proxy:
        there = await open_bus(through(world.bus_url, proxy))
        await world.bus.publish([Message(TOPIC, str(n).encode(), b"v") for n in range(40)])
        async with there.subscribe("customers.test", [TOPIC]) as gone:
            await gone.next()
            proxy.stall()
            stuck = asyncio.create_task(gone.next())
            heard = 0
            async with asyncio.timeout(WITHIN), world.bus.subscribe("customers.test", [TOPIC]) as member:
                while heard < 40:
                    batches = await member.next()
                    heard += sum(len(batch.records) for batch in batches)
                    await member.commit(*batches)
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)


async def test_every_long_lived_connection_asks_for_keepalives(world: EventsWorld) -> None:
    database = await Database.open(world.service.app_url)
    async with database.tenantless() as tx:
        shown = [
            await tx.driver.fetchval(f"SHOW {name}") for name in ("tcp_keepalives_idle", "tcp_user_timeout")
        ]
    await database.close()
    assert shown == ["10", "25000"]
