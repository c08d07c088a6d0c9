"""A member of a group in a process of its own: prints what it was handed and what it has committed.

`bus_member.py URL GROUP TOPIC [hold]`: with `hold` it commits nothing and keeps what it has, to be killed.
"""

from __future__ import annotations

import asyncio
import sys

from daicho.events import Batch, Subscription, open_bus


async def main(url: str, group: str, topic: str, *, hold: bool) -> None:
    bus = await open_bus(url)
    async with bus.subscribe(group, [topic], batch=10) as member, asyncio.TaskGroup() as tasks:
        while True:
            for batch in await member.next():
                _say("handed", batch)
                if not hold:
                    tasks.create_task(_commit(member, batch))


async def _commit(member: Subscription, batch: Batch) -> None:
    if await member.commit(batch):
        _say("committed", batch)


def _say(what: str, batch: Batch) -> None:
    values = " ".join(record.value.decode() for record in batch.records)
    sys.stdout.write(f"{what} {values}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], hold=sys.argv[4:] == ["hold"]))
