"""``python -m daicho.local.services``: every service in one process, each on ports of its own.

Started early, it imports while databases and keys come up, then reads one line from its standard input: a JSON
object (:class:`Orders`). It stops when told by a signal, or when that input ends, which is when the supervisor
is gone.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Mapping

import msgspec
import structlog

from daicho.chassis import Parts, Rails, Role, serve
from daicho.runtime import configure_logging, run_process, spare_start_from_collection

Build = Callable[[Rails], Parts]

log = structlog.get_logger()


class Orders(msgspec.Struct, frozen=True):
    """Settings by service name, what to do of each service's work, and how far the process gives way to others."""

    roles: list[Role]
    settings: dict[str, dict[str, str]]
    log_level: str = "INFO"
    nice: int = 0


def load(services: list[str]) -> dict[str, Build]:
    """How each service is put together, by name."""
    return {name: importlib.import_module(f"daicho.{name}.app").parts for name in services}


async def serve_all(found: Mapping[str, Build], orders: Orders, stop: asyncio.Event) -> None:
    """Serve until ``stop``. When one service falls, all do: half a product is harder to understand."""
    async with asyncio.TaskGroup() as tasks:
        for name, settings in orders.settings.items():
            tasks.create_task(_serve(name, found[name], settings, orders, stop))
        await stop.wait()


async def _serve(
    name: str, build: Build, settings: Mapping[str, str], orders: Orders, stop: asyncio.Event
) -> None:
    async with serve(name, build, settings, orders.roles):
        log.info("service_started", service=name, roles=orders.roles)
        spare_start_from_collection()
        await stop.wait()


async def _main(stop: asyncio.Event) -> None:
    found = load(sys.argv[1:])
    line = await asyncio.to_thread(sys.stdin.buffer.readline)
    if not line:
        return  # the supervisor ended before it knew what to say
    orders = msgspec.json.decode(line, type=Orders)
    os.nice(orders.nice)
    configure_logging("daicho", orders.log_level)
    _stop_with_the_supervisor(stop)
    await serve_all(found, orders, stop)


def _stop_with_the_supervisor(stop: asyncio.Event) -> None:
    """The other end of the standard input is held open by the supervisor for as long as it lives."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        if not os.read(sys.stdin.fileno(), 1):
            loop.remove_reader(sys.stdin.fileno())
            stop.set()

    loop.add_reader(sys.stdin.fileno(), ended)


if __name__ == "__main__":
    run_process(_main)
