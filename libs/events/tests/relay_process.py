"""A relay that says when it has published a batch and never gets to delete it: made to be killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from daicho.events import BatchSigner, Message, Relay, open_bus
from daicho.keyring import Transit


class StopsAfterPublishing:
    """The real bus; the first batch is acknowledged to nobody."""

    def __init__(self, bus: object) -> None:
        self._bus = bus

    async def ping(self) -> None:
        await self._bus.ping()  # type: ignore[attr-defined]  # a Bus

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._bus.publish(messages)  # type: ignore[attr-defined]  # a Bus
        sys.stdout.write("published\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def main(relay_url: str, bus_url: str, *key_store: str) -> None:
    bus = StopsAfterPublishing(await open_bus(bus_url))
    signer = BatchSigner(Transit(*key_store, service="customers"))
    await Relay(relay_url, bus, signer, batch=1_000).run()  # type: ignore[arg-type]  # a relay only publishes


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
