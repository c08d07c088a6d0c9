"""Read uploaded files in child processes with limits.

A hostile file costs only its own child's memory and time. The child gets plain chunks and no
key: the file is unsealed here, in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from daicho.customers.imports.detection import Column, Detected
from daicho.customers.imports.faults import UNREADABLE, FilesBusy
from daicho.customers.imports.file_tasks import ReadingPlan, SentRow, unpack_row
from daicho.customers.imports.files import FileFormat
from daicho.customers.imports.rows import SourceRow
from daicho.faults import TooBusy
from daicho.runtime.child_pool import ChildKilled, ChildLimits, ChildPool, ChildTask
from daicho.tabular import FileTooComplex
from daicho.tenancy import TenantId, UserId

Answer = TypeVar("Answer")
Owner = tuple[TenantId, UserId | None]
"""Whose file is looked at: the company and the person."""
_TASKS: Final = "daicho.customers.imports.file_tasks"
DETECT: Final = ChildTask(f"{_TASKS}:detect_file", Detected, UNREADABLE)
DESCRIBE: Final[ChildTask[tuple[Column, ...]]] = ChildTask(
    f"{_TASKS}:describe_file",
    tuple[Column, ...],
    UNREADABLE,
)
READ: Final[ChildTask[list[SentRow]]] = ChildTask(f"{_TASKS}:read_file", list[SentRow], UNREADABLE)
_MEGABYTE: Final = 1_000_000
_SMALL: Final = 10
"""Megabytes that a file may have for which :data:`_WAIT` holds."""
_WAIT: Final = 17.0
"""Seconds that somebody waits at most for what a file of 10 MB is."""
PATIENCE: Final = 15.0
"""Seconds that an upload waits for a child."""


def reading_limits(size: int) -> ChildLimits:
    """Limits for reading a file of ``size`` bytes to its end: 10 seconds of processor, and 4 for each megabyte.

    On a busy machine 50,000 rows of 22 columns, 6.4 MB as xlsx, took 12 seconds, and 100,000 as CSV 2.4.
    """
    cpu = 10 + 4 * size // _MEGABYTE
    return ChildLimits(cpu=cpu, wall=10.0 * cpu)


def looking_limits(size: int) -> ChildLimits:
    """Limits for looking at the beginning of a file, for which somebody waits."""
    beyond = max(0, size // _MEGABYTE - _SMALL)
    return ChildLimits(cpu=8 + size // _MEGABYTE, wall=_WAIT + 3 * beyond)


@dataclass(frozen=True, slots=True)
class FileReader:
    """Detects, describes and reads files; ``size`` is a file's size in bytes."""

    children: ChildPool

    async def detect(self, chunks: Iterable[bytes], size: int, owner: Owner) -> Detected:
        """What the file is. ``owner`` has a share of the children (:class:`ConcurrencyLimit`).

        Raises:
            FileUnreadable, FilesBusy, and what ``chunks`` raises.
        """
        return await self._look(DETECT, None, chunks, size, owner)

    async def describe(
        self, file: FileFormat, chunks: Iterable[bytes], size: int, owner: Owner
    ) -> tuple[Column, ...]:
        """The columns of a file that is read as ``file`` says. Raises as :meth:`detect`."""
        return await self._look(DESCRIBE, file, chunks, size, owner)

    async def read(
        self, file: FileFormat, chunks: Iterable[bytes], size: int, batch: int
    ) -> AsyncGenerator[list[SourceRow], None]:
        """The data rows, ``batch`` at a time.

        Raises:
            FileUnreadable, and what ``chunks`` raises.
        """
        plan, limits = ReadingPlan(file, batch), reading_limits(size)
        with too_complex_if_killed():
            async with aclosing(self.children.run(READ, plan, limits, chunks)) as batches:
                async for each in batches:
                    yield [unpack_row(row) for row in each]

    async def _look(
        self,
        task: ChildTask[Answer],
        argument: Any,
        chunks: Iterable[bytes],
        size: int,
        owner: Owner,
    ) -> Answer:
        limits = looking_limits(size)
        running = self.children.run(task, argument, limits, chunks, tenant=owner[0], user=owner[1])
        try:
            with too_complex_if_killed():
                async with aclosing(running) as answers:
                    return await anext(answers)
        except TooBusy:
            raise FilesBusy(retry_after=int(PATIENCE)) from None


@contextmanager
def too_complex_if_killed() -> Iterator[None]:
    """Turns the end of a child at a limit into the fault of its file."""
    try:
        yield
    except ChildKilled:
        raise FileTooComplex from None
