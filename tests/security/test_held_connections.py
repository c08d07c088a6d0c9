"""One client keeps more connections open than a service is given; nobody else waits for it."""

from __future__ import annotations

import time

import httpx

from daicho.testkit.company import Caller
from daicho.testkit.held_connections import held_bodies, held_streams

STREAMS = 1_150
BODIES = 1_120
PAGES = 60
LONGEST = 10.0
"""Seconds for one page or sign-in; generous, since the machine runs other tests."""


async def _pages(caller: Caller) -> list[float]:
    """The seconds that each of :data:`PAGES` list pages took."""
    seconds = []
    async with httpx.AsyncClient(
        base_url=caller.company.client.base_url, headers=await caller.fresh(), timeout=30
    ) as client:
        for _ in range(PAGES):
            began = time.monotonic()
            assert (await client.get("/v1/contacts")).status_code == 200
            seconds.append(time.monotonic() - began)
    return seconds


async def test_held_streams_and_half_bodies_block_nobody_else(product) -> None:
    attacker, other = await product.company(), await product.company()
    port = other.client.base_url.port
    upload = await attacker.owner.upload("姓,メール\n田中,a@example.jp\n".encode(), name="a.csv")
    events = f"/v1/imports/{upload['id']}/events"
    async with held_streams(port, events, await attacker.owner.fresh(), STREAMS) as statuses:
        assert statuses == {200: 10, 429: STREAMS - 10}
        async with held_bodies(port, "/v1/sessions", BODIES):
            began = time.monotonic()
            await other.sign_in(other.owner.email)
            assert time.monotonic() - began < LONGEST
            assert max(await _pages(other.owner)) < LONGEST
