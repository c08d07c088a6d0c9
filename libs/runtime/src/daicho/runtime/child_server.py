"""Forks a child with limits for each task that :mod:`daicho.runtime.child_pool` asks for.

Runs as a script, in a process of its own, so that it holds no key, no connection and no module but those of the
tasks. A child is forked for one task and ends with it: no task sees another task's data, and its memory is freed.

Orders come as datagrams on the socket whose file descriptor is the first argument, with three sockets each: the child's input, its
output, and one on which this server says that the child has begun (four bytes) and how it ended (four bytes: its
wait status). The server ends when its parent does, and children end with the server.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pickle
import resource
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from daicho.faults import Fault

IDLE: Final = 300.0
"""Seconds without a child after which the server ends; the next order starts another."""
RESULT, END, FAULT, CRASH = range(4)
"""Kinds of frames: an answer, the last one, a fault that the task raised, an error that it should not have."""
HEADER: Final = struct.Struct("!BI")
"""A frame's kind and the size of its body."""
STATUS: Final = struct.Struct("!i")
OUT_OF_MEMORY: Final = 77
"""Exit code of a child whose memory limit was reached."""
_MOST_FILES: Final = 64
_MOST_OPEN: Final = 1_024
"""Above the file descriptors that this server has open; ``select`` takes no more."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


class ChildSpec(msgspec.Struct, frozen=True, array_like=True):
    """The function that a child runs, and its limits."""

    function: str
    """``module:function``, called with an argument and an iterator of inputs; yields answers."""
    memory: int
    """Bytes of address space beyond those of the server."""
    cpu: int
    """Seconds of processor."""
    wall: float
    """Seconds by the clock, without the time in which the child waits for its parent."""
    is_wall_per_input: bool
    """Whether ``wall`` begins anew with each input."""
    nice: int


class Order(msgspec.Struct, frozen=True, array_like=True):
    """Start the child ``number``, or kill it if there is no ``spec``."""

    number: int
    spec: ChildSpec | None = None


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """A fault by its code and parameters, or an error by its type and the places it passed."""

    name: str
    params: dict[str, str | int] = {}
    places: list[str] = []


def serve(control: socket.socket) -> None:
    """Fork children until the other end of ``control`` is closed, or nothing was asked for :data:`IDLE` seconds."""
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, tuple[int, int]] = {}
    """Number and status socket, by process id."""
    while True:
        watched = [control.fileno(), woken]
        ready, _, _ = select.select(watched, [], [], None if children else IDLE)
        if not ready:
            return
        if control.fileno() in ready:
            data, files, _, _ = socket.recv_fds(control, 4096, 3)
            if not data:
                return
            _obey(msgspec.msgpack.decode(data, type=Order), files, children)
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
        _reap(children)


def _obey(order: Order, files: list[int], children: dict[int, tuple[int, int]]) -> None:
    if order.spec is None:
        for process, (number, _) in children.items():
            if number == order.number:
                os.kill(process, signal.SIGKILL)
        return
    source, target, status = files
    _load(order.spec.function)
    server = os.getpid()
    try:
        process = os.fork()
    except OSError:  # too many processes: closing the sockets says so
        for each in files:
            os.close(each)
        return
    if process == 0:
        _be_child(order.spec, server, source, target)
    children[process] = (order.number, status)
    _tell(status, 0)
    os.close(source)
    os.close(target)


def _load(function: str) -> None:
    """Import the task's module here, once, so that its children have it. A child reports what is wrong with it."""
    with contextlib.suppress(Exception):
        importlib.import_module(function.partition(":")[0])
    gc.collect()
    gc.freeze()


def _reap(children: dict[int, tuple[int, int]]) -> None:
    while children:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        _, socket_of_status = children.pop(process)
        _tell(socket_of_status, status)
        os.close(socket_of_status)


def _tell(target: int, value: int) -> None:
    with contextlib.suppress(OSError):  # whoever asked is gone
        os.write(target, STATUS.pack(value))


def _be_child(spec: ChildSpec, server: int, source: int, target: int) -> None:
    """In the child: run the task, and end."""
    try:
        os.dup2(source, 0)
        os.dup2(target, 1)
        os.closerange(3, _MOST_OPEN)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _limit(spec, server)
        _run(spec.function, _Alarm(spec.wall, is_per_input=spec.is_wall_per_input))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except _ParentGone:
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 the end of the process: whatever it was goes to the parent
        _report(error)
    finally:
        os._exit(1)


def _report(error: BaseException) -> None:
    """Say where an unexpected error happened, never what it says: that may quote the file."""
    places = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    with contextlib.suppress(_ParentGone):
        _write(CRASH, Failure(type(error).__name__, places=places[-20:]))
        os._exit(0)


def _limit(spec: ChildSpec, server: int) -> None:
    """Take the limits on; nothing the task does can widen them."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    with contextlib.suppress(OSError):
        # The first to go when the machine itself runs out of memory.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    space = pages * resource.getpagesize() + spec.memory
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES, _MOST_FILES),
        (resource.RLIMIT_AS, space, space),
        (resource.RLIMIT_CPU, spec.cpu, spec.cpu + 1),
    ):
        resource.setrlimit(kind, (soft, hard))
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.nice(max(0, spec.nice - os.nice(0)))
    # The data that is read has no cycles, so frequent garbage collection would only cost time.
    gc.set_threshold(100_000, 50, 100)


class _Alarm:
    """Kills this process (SIGALRM) when it has worked for ``seconds`` by the clock."""

    def __init__(self, seconds: float, *, is_per_input: bool) -> None:
        self._seconds = self._left = seconds
        self._is_per_input = is_per_input
        self.go_on()

    def go_on(self) -> None:
        """The clock runs."""
        signal.setitimer(signal.ITIMER_REAL, self._left)

    def begin_input(self) -> None:
        """The clock runs, from the beginning if each input has its own time."""
        if self._is_per_input:
            self._left = self._seconds
        self.go_on()

    def pause(self) -> None:
        """The clock stands while this process waits for its parent."""
        self._left = max(signal.setitimer(signal.ITIMER_REAL, 0)[0], 0.001)


def _run(function: str, alarm: _Alarm) -> None:
    module, _, name = function.partition(":")
    task: Callable[[Any, Iterator[Any]], Iterator[Any]] = getattr(importlib.import_module(module), name)
    inputs = _inputs(alarm)
    try:
        for answer in task(next(inputs), inputs):
            alarm.pause()
            _write(RESULT, answer)
            alarm.go_on()
    except Fault as fault:
        _write(FAULT, Failure(fault.code, dict(fault.params)))
        os._exit(0)
    _write(END, None)
    os._exit(0)


def _inputs(alarm: _Alarm) -> Iterator[Any]:
    """What the parent sends, until it says that nothing more comes. The parent is trusted: it sends pickles."""
    while True:
        alarm.pause()
        kind, size = HEADER.unpack(_read(HEADER.size))
        body = _read(size)
        alarm.begin_input()
        if kind == END:
            return
        yield pickle.loads(body)  # noqa: S301 from the process that started this one


class _ParentGone(Exception):
    """Nobody sends any more, or nobody wants the answer."""


def _read(size: int) -> bytes:
    held = bytearray()
    while len(held) < size:
        try:
            data = os.read(0, size - len(held))
        except OSError:
            raise _ParentGone from None
        if not data:
            raise _ParentGone
        held += data
    return bytes(held)


def _write(kind: int, body: Any) -> None:
    data = msgspec.msgpack.encode(body)
    rest = memoryview(HEADER.pack(kind, len(data)) + data)
    while rest:
        try:
            rest = rest[os.write(1, rest) :]
        except OSError:
            raise _ParentGone from None


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as end:
        serve(end)
    os._exit(0)  # children end with this process
