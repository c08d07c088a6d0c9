"""What the tests of children have them do."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from collections.abc import Iterator
from typing import Any

from daicho.faults import Fault, Messages


class Refused(Fault):
    """A task's own fault."""

    status = 422
    code = "refused"
    messages = Messages(ja="{limit}", en="{limit}")


def echo(argument: Any, inputs: Iterator[Any]) -> Iterator[Any]:
    """The argument, then every input."""
    yield argument
    yield from inputs


def first(_argument: Any, inputs: Iterator[bytes]) -> Iterator[int]:
    """The size of the first input; the others are left unread."""
    yield len(next(inputs))


def fill_memory(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Never ends by itself."""
    held = []
    while True:
        held.append(bytearray(1_000_000))


def hold(size: int, _inputs: Iterator[Any]) -> Iterator[int]:
    """Holds ``size`` bytes."""
    yield len(bytearray(size))


def work_for_ever(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Takes processor time without end."""
    yield 1
    while True:
        pass


def sleep_for_ever(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Takes time without end and no processor."""
    while True:
        time.sleep(1)
    yield 1


def sleep(_argument: Any, inputs: Iterator[float]) -> Iterator[float]:
    """Sleeps as long as each input says."""
    for seconds in inputs:
        time.sleep(seconds)
        yield seconds


def refuse(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Raises a fault."""
    raise Refused(limit=7)
    yield 1


def fail(argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Raises an error whose text quotes its input."""
    raise KeyError(argument)
    yield 1


def crash(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Reads an address that is not there."""
    ctypes.string_at(0)
    yield 1


def be_killed(_argument: Any, _inputs: Iterator[Any]) -> Iterator[int]:
    """Ends as the kernel ends a process when the machine has no memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    yield 1


def lie(_argument: Any, _inputs: Iterator[Any]) -> Iterator[Any]:
    """Answers something else than it declares."""
    yield {"not": "a number"}


def look_around(_argument: Any, _inputs: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """What a child can see and do."""
    try:
        with open("/tmp/written-by-a-child", "w") as file:  # noqa: PTH123, S108 the plainest way to try
            file.write("x")
        writes = True
    except OSError:
        writes = False
    yield {
        "environment": sorted(os.environ),
        "files": sorted(int(each) for each in os.listdir("/proc/self/fd")),  # noqa: PTH208
        "core": list(resource.getrlimit(resource.RLIMIT_CORE)),
        "writes": writes,
        "process": os.getpid(),
        "server": os.getppid(),
        "nice": os.nice(0),
    }


def answer_too_much(_argument: Any, _inputs: Iterator[Any]) -> Iterator[bytes]:
    """Answers more than a parent takes."""
    yield b"x" * 65 * 1024 * 1024
