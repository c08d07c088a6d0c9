"""The processes of one run: started under a watchdog's eye, watched, stopped in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, Protocol

from daicho.local import watchdog
from daicho.local.servers import Child, ServerFailed, last_words, open_log

_GLANCE: Final = 0.2


class Server(Protocol):
    """What a server of :mod:`daicho.local.servers` looks like from here."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        ...

    @property
    def log(self) -> Path:
        """Its log file."""
        ...

    def start(self) -> None:
        """Start; from the main thread."""
        ...

    def stop(self) -> None:
        """Stop; safe to repeat."""
        ...


class Program:
    """A Python module of ours as a server. It gets one JSON line; its input ends when we do."""

    def __init__(self, name: str, log: Path, arguments: Sequence[str]) -> None:
        self._child = Child(name, log)
        self._arguments = arguments
        self._orders: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """Its log file."""
        return self._child.log

    def start(self) -> None:
        """Start it; it imports, then waits for :meth:`tell`."""
        reading, writing = os.pipe()
        try:
            environ = {name: value for name, value in os.environ.items() if not name.startswith("DAICHO_")}
            # One thread's arena each: threads come and go, memory should not stay with them.
            environ |= {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
            self._child.start([sys.executable, "-m", *self._arguments], environ=environ, stdin=reading)
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        self._orders = os.fdopen(writing, "wb")

    def tell(self, orders: object, *, last: bool = False) -> None:
        """Hand over what it waits for; ``last`` ends its input at once."""
        if self._orders is None:
            raise ServerFailed(f"{self._child.name} was not started.")
        try:
            self._orders.write(json.dumps(orders).encode() + b"\n")
            self._orders.flush()
        except BrokenPipeError:
            raise ServerFailed(f"{self._child.name} ended at once: {self._child.last_words()}") from None
        if last:
            self._orders.close()

    async def finished(self, within: float) -> None:
        """Wait until it ends by itself; :class:`ServerFailed` when it ends badly or takes longer, in seconds."""
        if await asyncio.to_thread(self._child.wait, within):
            raise ServerFailed(f"{self._child.name} failed: {self._child.last_words()}")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._child.stop()
        if self._orders is not None:
            with contextlib.suppress(BrokenPipeError):
                self._orders.close()


class Household:
    """All processes of this run, and the watchdog that ends them should we be killed."""

    def __init__(self, log: Path) -> None:
        self._servers: dict[str, Server] = {}
        self._passing: set[str] = set()
        self._pids: dict[str, int] = {}
        read, self._lines = os.pipe()
        # Our own end must not live on in the children: the watchdog waits for it to close.
        with open_log(log) as words:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", watchdog.__file__],
                stdin=read,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
        os.close(read)

    def start(self, name: str, server: Server, *, passing: bool = False) -> None:
        """Start ``server`` and have it watched; one that is ``passing`` ends by itself and is then released."""
        server.start()
        self._servers[name] = server
        if passing:
            self._passing.add(name)
        if server.pid is not None:
            self._pids[name] = server.pid
            self._say("+", name)

    def release(self, name: str) -> None:
        """Stop it if it still runs, and watch it no more."""
        server = self._servers.pop(name, None)
        if server is not None:
            server.stop()
            self._say("-", name)

    def _say(self, sign: str, name: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._lines, f"{sign}{self._pids[name]}\n".encode())

    async def first_to_fall(self) -> str:
        """Wait until one that should stay ends: its name and its last words, in one line."""
        while True:
            for name, server in self._servers.items():
                if server.pid is None and name not in self._passing:
                    return f"{name} ended by itself: {last_words(server.log)} (more in {server.log})"
            await asyncio.sleep(_GLANCE)

    async def stop(self) -> None:
        """Stop them all, the last started first, then let the watchdog go."""
        for name in reversed(list(self._servers)):
            await asyncio.to_thread(self.release, name)
        self._watchdog.kill()
        self._watchdog.wait()
        os.close(self._lines)
