"""A list page of one company, through the gateway of the running product, while a stranger keeps connections open.

The stranger asks for 1,150 live streams as one user, and begins 1,120 bodies without a token that it never finishes. Printed
for the company that waits: median, p95 and longest page when nothing else is asked, and under each of the attacks.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import httpx

from daicho.testkit.company import Caller
from daicho.testkit.held_connections import held_bodies, held_streams
from daicho.testkit.product import running_product

STREAMS: Final = 1_150
BODIES: Final = 1_120
PAGES: Final = 300
MOST_WAITING: Final = 0.3
"""Seconds that nobody else may wait for one client."""


async def print_pages(situation: str, caller: Caller) -> None:
    """Ask for the list page again and again, and say how long it took."""
    seconds = []
    async with httpx.AsyncClient(
        base_url=caller.company.client.base_url, headers=await caller.fresh(), timeout=60
    ) as client:
        for _ in range(PAGES):
            began = time.perf_counter()
            (await client.get("/v1/contacts")).raise_for_status()
            seconds.append(time.perf_counter() - began)
    seconds.sort()
    median, p95, longest = seconds[PAGES // 2], seconds[PAGES * 95 // 100], seconds[-1]
    print(
        f"{situation:>34}: median {median * 1000:6.1f} ms  p95 {p95 * 1000:6.1f} ms  "
        f"longest {longest * 1000:7.1f} ms  (bar {MOST_WAITING * 1000:.0f} ms)"
    )


async def measure() -> None:
    """Run the product and print its figures."""
    with running_product() as product:
        stranger, other = await product.company(), await product.company()
        port = other.client.base_url.port or 0
        upload = await stranger.owner.upload("姓,メール\n田中,a@example.jp\n".encode(), name="a.csv")
        events = f"/v1/imports/{upload['id']}/events"
        await print_pages("idle", other.owner)
        async with held_streams(port, events, await stranger.owner.fresh(), STREAMS) as statuses:
            opened = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
            await print_pages(f"{STREAMS} streams ({opened})", other.owner)
        async with held_bodies(port, "/v1/sessions", BODIES):
            await print_pages(f"{BODIES} half-sent bodies", other.owner)
        await print_pages("afterwards", other.owner)


if __name__ == "__main__":
    asyncio.run(measure())
