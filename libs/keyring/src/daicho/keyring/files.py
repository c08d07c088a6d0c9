"""Sealed files: whatever size, in constant memory, with nothing plain on the disk.

A file is ``"DCF" 0x01 | key version (4) | salt (32)``, then chunks. Its own key is HKDF-SHA256 of the tenant's
records key with the salt, tenant and file id as context, so a file that lies under another id or in another
tenant's folder does not open. Chunks are sealed by the STREAM construction (Hoang, Reyhanitabar, Rogaway,
Vizár 2015): AES-256-GCM over at most :data:`CHUNK` bytes, the nonce is seven zero bytes (the key is the file's
alone), the chunk's number (4) and 1 for the last chunk. So chunks cannot be dropped, doubled, swapped or cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import IO, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from daicho.keyring.faults import Tampered
from daicho.tenancy import TenantId

CHUNK: Final = 64 * 1024
"""Plain bytes of a chunk; the last may hold fewer, and only that of an empty file none."""
_MAGIC: Final = b"DCF\x01"
_SALT: Final = 32
_HEADER: Final = len(_MAGIC) + 4 + _SALT
_TAG: Final = 16
_INFO: Final = b"daicho/file/v1\x00"


class FileKeys:
    """Seals and opens the files of one tenant in one service."""

    def __init__(self, tenant_id: TenantId, records: Mapping[int, bytes], current: int) -> None:
        self._tenant_id, self._records, self._current = tenant_id, records, current

    def writer(self, target: IO[bytes], file_id: UUID) -> SealedWriter:
        """Seals what is written into ``target``; nothing opens until :meth:`SealedWriter.finish` was called."""
        version, salt = self._current, os.urandom(_SALT)
        header = b"".join((_MAGIC, version.to_bytes(4, "big"), salt))
        target.write(header)
        return SealedWriter(target, self._cipher(version, salt, file_id), header)

    def read(self, source: IO[bytes], file_id: UUID) -> Iterator[bytes]:
        """The plain chunks of a sealed file, each proven before it is given out.

        Raises :class:`Tampered` as soon as a chunk is not the one that was written at its place, and at the
        end when chunks are missing; a reader that must act on the whole waits for the end.
        """
        header = source.read(_HEADER)
        if len(header) != _HEADER or not header.startswith(_MAGIC):
            raise Tampered("not a sealed file")
        version = int.from_bytes(header[4:8], "big")
        if version not in self._records:
            raise Tampered("sealed by a key that this tenant does not have")
        return _chunks(source, self._cipher(version, header[8:], file_id), header)

    def _cipher(self, version: int, salt: bytes, file_id: UUID) -> AESGCM:
        info = _INFO + self._tenant_id.bytes + file_id.bytes
        return AESGCM(HKDF(hashes.SHA256(), 32, salt, info).derive(self._records[version]))


class SealedWriter:
    """Takes bytes in pieces of any size; holds at most one chunk. For one thread at a time."""

    def __init__(self, target: IO[bytes], cipher: AESGCM, header: bytes) -> None:
        self._target, self._cipher, self._header = target, cipher, header
        self._held = bytearray()
        self._number = 0
        self.size = 0

    def write(self, data: bytes) -> None:
        """Seal ``data`` behind what came before."""
        self.size += len(data)
        self._held += data
        # A full chunk is held back until more comes: it may be the last.
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), is_last=False)
            del self._held[:CHUNK]

    def finish(self) -> None:
        """Seal the last chunk. The file itself stays open, for its owner to sync and close."""
        self._seal(bytes(self._held), is_last=True)
        self._held.clear()

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._target.write(self._cipher.encrypt(nonce, chunk, self._header))
        self._number += 1


def _chunks(source: IO[bytes], cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    number, sealed = 0, source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG)
        try:
            chunk = cipher.decrypt(_nonce(number, is_last=not following), sealed, header)
        except (InvalidTag, ValueError):
            raise Tampered("a chunk of a sealed file is missing, changed or not at its place") from None
        if chunk:
            yield chunk
        if not following:
            return
        number, sealed = number + 1, following


def _nonce(number: int, *, is_last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([is_last])
