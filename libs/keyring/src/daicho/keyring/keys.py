"""A tenant's keys, opened: what seals, opens and indexes while they are in memory."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring import blob
from daicho.keyring.blind_index import BlindIndex, TokenMemory, derive, fingerprint
from daicho.keyring.faults import Tampered
from daicho.keyring.files import FileKeys
from daicho.tenancy import TenantId

_EVENT = b"daicho/event/v1\x00"


@dataclass(frozen=True, slots=True)
class EventKey:
    """The data key of a service's events; ``wrapped`` travels in the envelope and says nothing without Transit."""

    tenant_id: TenantId
    service: str
    version: int
    wrapped: str
    cipher: AESGCM

    def seal(self, data: bytes, *, field: str, subject: UUID | None = None) -> bytes:
        """``data`` sealed for one field of an event of this tenant, ``ContactChanged.sealed_card``.

        ``subject`` is whom the event is about; it opens for no other.
        """
        return blob.seal(self.cipher, self.version, data, self._bind(field, subject))

    def unseal(self, sealed: bytes, *, field: str, subject: UUID | None = None) -> bytes:
        """What was sealed for that field and subject. Raises :class:`Tampered`."""
        if blob.version_of(sealed) != self.version:
            raise Tampered("sealed by another key than the envelope's")
        return blob.unseal(self.cipher, sealed, self._bind(field, subject))

    def _bind(self, field: str, subject: UUID | None) -> bytes:
        about = b"" if subject is None else subject.bytes
        return b"".join((_EVENT, self.tenant_id.bytes, field.encode(), b"\x00", about))


@dataclass(frozen=True, slots=True, repr=False)
class KeyMaterial:
    """A tenant's keys as they go to a child process of one's own, through a pipe and nowhere else.

    ``records`` by version, ``current`` the one that seals; ``index``: see :class:`BlindIndex`.
    """

    tenant_id: TenantId
    records: Mapping[int, bytes]
    current: int
    index: tuple[bytes, ...]
    unique: bytes

    @property
    def index_keys(self) -> bytes:
        """A mark of the keys by which tokens are written: the same for the same keys."""
        return fingerprint(self.index)


class TenantKeys:
    """The keys of one tenant in one service. Valid for minutes: ask the :class:`Keyring` again for each request."""

    __slots__ = (
        "_ciphers",
        "_current",
        "_events",
        "_fields",
        "_material",
        "_tables",
        "files",
        "index",
        "tenant_id",
    )

    def __init__(
        self, material: KeyMaterial, events: EventKey | None, memory: TokenMemory | None = None
    ) -> None:
        self.tenant_id = material.tenant_id
        self._material, self._current, self._events = material, material.current, events
        self._ciphers = {blob.head(version): AESGCM(key) for version, key in material.records.items()}
        self._tables: dict[str, bytes] = {}
        self.index = BlindIndex(material.index, memory)
        self.files = FileKeys(material.tenant_id, material.records, material.current)
        self._fields: dict[str, bytes] = {}

    @classmethod
    def of_material(cls, material: KeyMaterial) -> TenantKeys:
        """Keys in a child process: they seal, open and index records; events are told by its parent."""
        return cls(material, None)

    @property
    def events(self) -> EventKey:
        """What seals the personal parts of this service's events."""
        if self._events is None:
            raise RuntimeError("a child process tells no events")
        return self._events

    @property
    def material(self) -> KeyMaterial:
        """What :meth:`of_material` makes the same keys from."""
        return self._material

    @property
    def version(self) -> int:
        """The version that new blobs are sealed with."""
        return self._current

    def seal(self, table: str, row_id: UUID, name: str, data: bytes) -> bytes:
        """``data`` sealed for the blob ``name`` of one row."""
        cipher = self._ciphers[blob.head(self._current)]
        return blob.seal(cipher, self._current, data, self._bind(table, row_id, name))

    def unseal(self, table: str, row_id: UUID, name: str, sealed: bytes) -> bytes:
        """What was sealed for that place. Raises :class:`Tampered` when it was changed or moved there."""
        cipher = self._ciphers.get(sealed[: blob.HEAD])
        if cipher is None:
            raise Tampered("sealed by a key that this tenant does not have, or not at all")
        return blob.unseal(cipher, sealed, self._bind(table, row_id, name))

    def _bind(self, table: str, row_id: UUID, name: str) -> bytes:
        """A page opens fifty rows of one table."""
        start = self._tables.get(table)
        if start is None:
            start = self._tables[table] = blob.bind_table(self.tenant_id, table)
        return blob.bind(start, row_id, name)

    def unique(self, field: str, value: str) -> bytes:
        """A 256-bit keyed digest of a whole value, by which it is found and held unique."""
        key = self._fields.get(field)
        if key is None:
            key = self._fields[field] = derive(self._material.unique, f"unique/{field}")
        return hmac.digest(key, value.encode(), "sha256")
