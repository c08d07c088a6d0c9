"""A folder of sealed files: each appears whole or not at all."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from daicho.keyring.files import SealedWriter
from daicho.keyring.keys import TenantKeys
from daicho.tenancy import Guard, TenantId

_UNFINISHED: Final = ".part"
_GATHERED: Final = 1024 * 1024
"""Bytes gathered before they go to a thread to be sealed and written."""


class FileMissing(Exception):
    """No such file; it was deleted, or never finished."""


class FileStore:
    """Files by tenant and id below ``folder``. What lies there is sealed; see :mod:`daicho.keyring.files`."""

    def __init__(self, folder: str | Path, guard: Guard | None = None) -> None:
        """``guard``: as of :meth:`daicho.tenancy.Database.guarded`; no file begins before it has let it."""
        self._folder = Path(folder)
        self._guard = guard

    async def write(self, keys: TenantKeys, file_id: UUID, pieces: AsyncIterator[bytes]) -> int:
        """Seal ``pieces`` as the file ``file_id``; answers its plain size.

        The file appears under its name once all of it is on the disk; when ``pieces`` raises, nothing stays.
        Raises OSError when the disk is full or cannot be written, and what the guard raises.
        """
        if self._guard is not None:
            await self._guard()
        place = self._place(keys.tenant_id, file_id)
        unfinished = place.with_suffix(_UNFINISHED)
        target = await asyncio.to_thread(_create, unfinished)
        try:
            writer = keys.files.writer(target, file_id)
            held: list[bytes] = []
            async for piece in pieces:
                held.append(piece)
                if sum(map(len, held)) >= _GATHERED:
                    await asyncio.to_thread(writer.write, b"".join(held))
                    held.clear()
            await asyncio.to_thread(_finish, writer, target, b"".join(held), (unfinished, place))
        finally:
            await asyncio.shield(asyncio.to_thread(_clear, target, unfinished))
        return writer.size

    def read(self, keys: TenantKeys, file_id: UUID) -> Iterator[bytes]:
        """The plain chunks of a file, for a thread. Raises :class:`FileMissing`, and ``Tampered`` on the way."""
        try:
            source = self._place(keys.tenant_id, file_id).open("rb")
        except FileNotFoundError:
            raise FileMissing from None
        return _read(source, keys, file_id)

    def free_space(self) -> int:
        """Bytes that are free on the disk of this folder; for a thread. Raises OSError."""
        return shutil.disk_usage(
            next(each for each in (self._folder, *self._folder.parents) if each.exists())
        ).free

    async def delete(self, tenant_id: TenantId, file_id: UUID) -> None:
        """Remove a file, finished or not, if it is there. Takes no key: a tenant's files outlive its key."""
        place = self._place(tenant_id, file_id)
        for path in (place, place.with_suffix(_UNFINISHED)):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _place(self, tenant_id: TenantId, file_id: UUID) -> Path:
        return self._folder / str(tenant_id) / f"{file_id}.sealed"


def _read(source: IO[bytes], keys: TenantKeys, file_id: UUID) -> Iterator[bytes]:
    with source:
        yield from keys.files.read(source, file_id)


def _create(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _finish(writer: SealedWriter, target: IO[bytes], rest: bytes, places: tuple[Path, Path]) -> None:
    unfinished, place = places
    writer.write(rest)
    writer.finish()
    target.flush()
    os.fsync(target.fileno())
    unfinished.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _clear(target: IO[bytes], unfinished: Path) -> None:
    target.close()
    unfinished.unlink(missing_ok=True)
