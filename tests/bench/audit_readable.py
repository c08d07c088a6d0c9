"""How soon a change made through the gateway can be read in the audit: `python tests/bench/audit_readable.py`.

The whole product as `make run` starts it. 100 writes a second for ten seconds (half of them new contacts, half
changes), 16 at a time and more; of each answer the time until an entry about its contact can be found by a search
through the same gateway, asked every 25 ms for a sample of ten a second. p50 and p95 against the bar (200 ms), and
beside it the same search alone, which is part of every time measured.
"""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter
from typing import Any

import uvloop

from daicho.testkit.company import Caller
from daicho.testkit.product import Product, running_product

BAR, RATE, SECONDS, LOOK = 0.2, 100, 10, 0.025
SAMPLED = 10
"""Of so many writes one is looked for."""


async def readable(caller: Caller, contact: str, action: str, since: float) -> float:
    """Seconds from ``since`` until the entry is found."""
    async with asyncio.timeout(30):
        while True:
            found = await search(caller, contact)
            if any(entry["action"] == action for entry in found):
                return perf_counter() - since
            await asyncio.sleep(LOOK)


async def search(caller: Caller, contact: str) -> list[dict[str, Any]]:
    """Entries about one contact, the newest first."""
    asked = {"record_id": contact, "limit": 5}
    items: list[dict[str, Any]] = (await caller.post("/v1/audit/entries/search", asked))["items"]
    return items


async def write(caller: Caller, number: int, contacts: list[dict[str, Any]]) -> tuple[str, str, float]:
    """One write: the contact, the action that the audit must show, and when it was answered."""
    if number % 2:
        held = contacts[number]
        changed = await caller.patch(
            f"/v1/contacts/{held['id']}", {"notes": f"memo {number}"}, version=held["version"]
        )
        return changed["id"], "contact.updated", perf_counter()
    made = await caller.post("/v1/contacts", {"family_name": "計測", "given_name": f"{number}"})
    return made["id"], "contact.created", perf_counter()


async def measure(product: Product) -> None:
    company = await product.company()
    caller = company.owner
    count = RATE * SECONDS
    contacts = []
    for start in range(0, count, 16):
        batch = range(start, min(start + 16, count))
        contacts += await asyncio.gather(
            *(caller.post("/v1/contacts", {"family_name": "準備", "given_name": str(n)}) for n in batch)
        )
    await readable(caller, contacts[-1]["id"], "contact.created", perf_counter())
    alone = []
    for number in range(20):
        began = perf_counter()
        await search(caller, contacts[number]["id"])
        alone.append(perf_counter() - began)

    took: list[float] = []
    answered: list[float] = []

    async def one(number: int) -> None:
        began = perf_counter()
        contact, action, at = await write(caller, number, contacts)
        answered.append(at - began)
        if number % SAMPLED in {0, 1} and number // SAMPLED % 2 == number % 2:
            took.append(await readable(caller, contact, action, at))

    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / RATE - perf_counter()))
            group.create_task(one(number))
    rate = count / (max(perf_counter() - began, SECONDS))
    took.sort()
    answered.sort()
    p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
    verdict = "holds" if p95 <= BAR else "MISSED"
    print(f"{'a search of the audit alone':<44}{statistics.median(alone) * 1000:>6.0f} ms")
    print(f"{'answer to a write, p95':<44}{answered[int(len(answered) * 0.95)] * 1000:>6.0f} ms")
    print(
        f"answer to readable entry at {rate:.0f} writes/s, {len(took)} looked for: p50 {p50 * 1000:.0f} ms,"
        f" p95 {p95 * 1000:.0f} ms  bar {BAR * 1000:.0f} ms {verdict}"
    )
    await company.client.aclose()


def main() -> None:
    with running_product() as product:
        uvloop.run(measure(product))


if __name__ == "__main__":
    main()
