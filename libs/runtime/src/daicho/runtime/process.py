"""The outermost frame of a process."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

import uvloop

SWITCH: Final = 0.001
"""Seconds that a computing thread keeps the interpreter from the event loop; Python's default is five times that."""

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""A process's work; the event is set when it is asked to stop."""


def spare_start_from_collection() -> None:
    """Take everything that exists once a process has started out of garbage collection.

    It stays for as long as the process does, and a full collection that walks it stops the event loop for 0.1 s and more.
    """
    gc.freeze()


def run_process(main: Main) -> None:
    """Run ``main`` to its end. SIGINT and SIGTERM set its event; a second one kills as usual.

    Core dumps are off: memory holds data keys.
    """
    sys.setswitchinterval(SWITCH)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(main))


async def _until_told(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    await main(stop)
