"""Run functions on hostile input in child processes with limits of memory and time.

A task is a function in some module: it is called with an argument and an iterator of inputs and yields answers. Each
call runs in a child of its own (:mod:`daicho.runtime.child_server`), which knows nothing but what it is sent. Three
failures are distinguished: a fault that the task raises is raised here, a child that was killed at a limit raises
:class:`ChildKilled`, and anything else raises :class:`ChildCrashed`, an error of ours.

Answers come back as msgpack and are decoded into the type that the task declares, so that a child that its input
compromised can lie about the file and do nothing else.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
import structlog

from daicho.faults import Fault
from daicho.runtime import child_server
from daicho.runtime.child_server import (
    END,
    FAULT,
    HEADER,
    OUT_OF_MEMORY,
    RESULT,
    STATUS,
    ChildSpec,
    Failure,
    Order,
)
from daicho.runtime.concurrency_limit import Bounds, ConcurrencyLimit, Key

Answer = TypeVar("Answer")
MEBIBYTE: Final = 1024 * 1024
_LARGEST_ANSWER: Final = 64 * MEBIBYTE
_NICE: Final = 10
"""Children give way to whoever answers requests."""
_KEPT_VARIABLES: Final = ("PYTHONPATH", "LD_LIBRARY_PATH", "TZ")
"""Without the first two an interpreter may not find its modules or its own shared library."""
_ENDING: Final = 5.0
"""Seconds that a server takes to end at most."""
_MOST_WAITING: Final = 200
_END: Final = object()
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """``memory`` in bytes beyond the modules; ``cpu`` and ``wall`` in seconds, see :class:`ChildSpec`."""

    memory: int = 192 * MEBIBYTE
    cpu: int = 10
    wall: float = 20.0
    is_wall_per_input: bool = False


@dataclass(frozen=True, slots=True)
class ChildTask(Generic[Answer]):
    """``function`` is ``module:function``; it yields ``answer``s, and may raise ``faults``."""

    function: str
    answer: type[Answer]
    faults: tuple[type[Fault], ...] = ()


class ChildKilled(Exception):
    """The child reached its limit of memory or time."""

    def __init__(self, reason: Literal["memory", "time"]) -> None:
        self.reason = reason
        super().__init__(reason)


class ChildCrashed(Exception):
    """The child ended in a way that it should not: an error of ours, or it was killed from outside."""


class Child(Generic[Answer]):
    """One task under way."""

    def __init__(self, pool: ChildPool, number: int, task: ChildTask[Answer]) -> None:
        self._pool, self._number, self._task = pool, number, task
        self._decoder = msgspec.msgpack.Decoder(task.answer)
        self._input, self._output, self._status = (_Pair() for _ in range(3))
        self._is_over = False
        self._end: Exception | None = None
        """Why it ended before its last answer, said once to the log and to everybody who asks."""

    async def send(self, item: object) -> None:
        """Hand over the next input. If the child is over nothing happens: :meth:`receive` says why."""
        await self._write(RESULT, pickle.dumps(item, pickle.HIGHEST_PROTOCOL))

    async def end(self) -> None:
        """Say that no more inputs come."""
        await self._write(END, b"")

    async def receive(self) -> Answer | None:
        """The next answer; None after the last one.

        Raises:
            ChildKilled, ChildCrashed, and the faults of the task.
        """
        header = await self._read(HEADER.size)
        kind, size = HEADER.unpack(header) if header else (None, 0)
        if size > _LARGEST_ANSWER:
            raise self._killed("memory")
        body = await self._read(size) if header else None
        if kind is None or body is None:
            raise await self._reason()
        if kind == END:
            self._is_over = True
            return None
        try:
            if kind == RESULT:
                return self._decoder.decode(body)
            failure = msgspec.msgpack.decode(body, type=Failure)
        except msgspec.MsgspecError as error:
            raise ChildCrashed("the answer is not what the task declares") from error
        raise self._failed(kind, failure)

    async def feed(self, items: Iterable[Any]) -> None:
        """Send all of ``items``, which is iterated in a thread, and the end."""
        loop, iterator = asyncio.get_running_loop(), iter(items)
        while (item := await loop.run_in_executor(self._pool.threads, next, iterator, _END)) is not _END:
            await self.send(item)
        await self.end()

    def _failed(self, kind: int, failure: Failure) -> Exception:
        known = {fault.code: fault for fault in self._task.faults}
        if kind == FAULT and failure.name in known:
            return known[failure.name]((), **failure.params)
        log.error("child_crashed", task=self._task.function, error=failure.name, places=failure.places)
        return ChildCrashed(failure.name)

    def _killed(self, reason: Literal["memory", "time"]) -> Exception:
        log.warning("child_killed", task=self._task.function, reason=reason)
        self._end = ChildKilled(reason)
        return self._end

    async def _reason(self) -> Exception:
        """Why the child ended without an answer."""
        if self._end is not None:
            return self._end
        told = await self._receive(self._status.ours, STATUS.size)
        self._is_over = True
        status = STATUS.unpack(told)[0] if told else signal.SIGKILL
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == OUT_OF_MEMORY:
            return self._killed("memory")
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM):
            return self._killed("time")
        log.error("child_died", task=self._task.function, status=status)
        self._end = ChildCrashed(f"wait status {status}")
        return self._end

    async def _write(self, kind: int, body: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            await asyncio.get_running_loop().sock_sendall(
                self._input.ours, HEADER.pack(kind, len(body)) + body
            )

    async def _read(self, size: int) -> bytes | None:
        return await self._receive(self._output.ours, size)

    async def _receive(self, source: socket.socket, size: int) -> bytes | None:
        """Exactly ``size`` bytes; None when the other end was closed before."""
        held, loop = bytearray(), asyncio.get_running_loop()
        while len(held) < size:
            try:
                data = await loop.sock_recv(source, size - len(held))
            except ConnectionResetError:
                return None
            if not data:
                return None
            held += data
        return bytes(held)

    async def start(self, spec: ChildSpec) -> bool:
        """Have the child forked; False when the server has ended in between."""
        theirs = [pair.theirs for pair in (self._input, self._output, self._status)]
        try:
            self._pool.order(Order(self._number, spec), theirs)
        except OSError:
            return False
        finally:
            for each in theirs:
                each.close()
        return await self._receive(self._status.ours, STATUS.size) is not None

    async def close(self) -> None:
        """Kill the child if it is not over, and wait until it is gone."""
        try:
            if not self._is_over:
                with suppress(OSError):
                    self._pool.order(Order(self._number), [])
                await self._receive(self._status.ours, STATUS.size)
        finally:
            for pair in (self._input, self._output, self._status):
                pair.close()


class _Pair:
    """Two connected sockets, ours without blocking."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)  # noqa: FBT003 (socket's own signature)

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


def at_once(number: int) -> Bounds:
    """Bounds of ``number`` children at a time, whoever they work for; the others wait without end."""
    return Bounds(places=number, per_tenant=number, waiting=_MOST_WAITING, deadline=None)


@dataclass(slots=True)
class ChildPool:
    """Starts children; belongs to one event loop. ``limit`` says how many there are at a time, and whose."""

    limit: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(at_once(4)))
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "child-input"))
    _server: subprocess.Popen[bytes] | None = None
    _control: socket.socket | None = None
    _number: int = 0

    @asynccontextmanager
    async def child(
        self,
        task: ChildTask[Answer],
        argument: object,
        limits: ChildLimits,
        *,
        tenant: Key = None,
        user: Key = None,
    ) -> AsyncIterator[Child[Answer]]:
        """A child that runs ``task`` while the block does. Raises TooBusy."""
        async with self.limit.place(tenant, user):
            child = await self._start(task, limits)
            try:
                await child.send(argument)
                yield child
            finally:
                await asyncio.shield(child.close())

    async def run(
        self,
        task: ChildTask[Answer],
        argument: object,
        limits: ChildLimits,
        inputs: Iterable[Any],
        *,
        tenant: Key = None,
        user: Key = None,
    ) -> AsyncGenerator[Answer, None]:
        """The answers of ``task`` on ``inputs``, which are iterated in a thread.

        Raises:
            ChildKilled, ChildCrashed, TooBusy, the faults of the task, and what ``inputs`` raises.
        """
        async with self.child(task, argument, limits, tenant=tenant, user=user) as child:
            feeding = asyncio.create_task(child.feed(inputs))
            try:
                while (answer := await _receive_while_fed(child, feeding)) is not None:
                    yield answer
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    def order(self, order: Order, files: list[socket.socket]) -> None:
        """Tell the server. Raises OSError when it has ended."""
        if self._control is None:
            raise BrokenPipeError
        socket.send_fds(self._control, [msgspec.msgpack.encode(order)], [each.fileno() for each in files])

    def close(self) -> None:
        """End the server and all children."""
        if self._server is not None and self._control is not None:
            self._control.close()
            self._server.wait()
        self._server = self._control = None

    async def _start(self, task: ChildTask[Answer], limits: ChildLimits) -> Child[Answer]:
        spec = ChildSpec(
            task.function, limits.memory, limits.cpu, limits.wall, limits.is_wall_per_input, _NICE
        )
        for _ in range(2):  # the server may have ended for want of work
            if self._server is None or self._server.poll() is not None:
                self.close()
                self._server, self._control = _start_server()
            self._number += 1
            child = Child(self, self._number, task)
            if await child.start(spec):
                return child
            await child.close()
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._server.wait, _ENDING)
        raise ChildCrashed("no child can be started")


async def _receive_while_fed(child: Child[Answer], feeding: asyncio.Task[None]) -> Answer | None:
    """The next answer; raises what feeding raised, if that happens before."""
    receiving = asyncio.ensure_future(child.receive())
    try:
        if not feeding.done():
            await asyncio.wait((receiving, feeding), return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and not feeding.cancelled() and feeding.exception() is not None:
            feeding.result()
        return await receiving
    finally:
        receiving.cancel()


def _start_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        environ = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        process = subprocess.Popen(  # noqa: S603 our own script
            [sys.executable, "-P", child_server.__file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", **environ},
            start_new_session=True,
        )
    return process, ours
