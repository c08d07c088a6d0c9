"""Anchors: the last signed checkpoint of each tenant's log, kept in the key store.

An attacker who can write to the database cannot write here. An anchor is replaced by check-and-set only, so of two
processes that sign at once one has to look again before its checkpoint leaves the process.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import msgspec

from daicho.audit.checkpoint_key import CheckpointKey
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.merkle import EMPTY_ROOT
from daicho.audit.model import Signed, Tree
from daicho.audit.notes import NoteInvalid
from daicho.keyring import ANCHORS, Transit, VersionedStore
from daicho.tenancy import TenantId

REMEMBERED: Final = 10_000
"""Tenants whose anchors a process remembers."""


class Refusal(msgspec.Struct, frozen=True):
    """A witness refused the log, having seen another one of ``size`` entries."""

    witness: str
    size: int


class Replaced(msgspec.Struct, frozen=True):
    """An operator accepted a log that does not continue the anchor of before (size; None: there was none)."""

    size: int | None
    reason: str


class _Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An anchor as it is stored."""

    note: str
    previous_size: int
    previous_root: str
    refusal: Refusal | None = None
    replaced: Replaced | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The last signed checkpoint, and the one before it, which a crash may have left as the newest in the database."""

    signed: Signed
    previous: Tree
    version: int = 0
    refusal: Refusal | None = None
    replaced: Replaced | None = None

    @classmethod
    def first(cls, signed: Signed) -> Self:
        """The first anchor of a log."""
        return cls(signed, (signed.checkpoint.size, signed.checkpoint.root))

    @property
    def tree(self) -> Tree:
        """Size and root of the anchored log."""
        return self.signed.checkpoint.size, self.signed.checkpoint.root

    def extended_by(self, signed: Signed) -> Anchor:
        """The anchor that takes this one's place."""
        return replace(self, signed=signed, previous=self.tree)


class Anchors:
    """Reads and replaces anchors; remembers what it read or wrote last."""

    def __init__(self, transit: Transit, key: CheckpointKey) -> None:
        self._store, self._key = VersionedStore(transit, ANCHORS), key
        self._remembered: dict[TenantId, Anchor] = {}

    async def read(self, tenant_id: TenantId, *, fresh: bool = True) -> Anchor | None:
        """The tenant's anchor; without ``fresh`` the remembered one will do. None: there is none.

        Raises KeysUnavailable, and :class:`LogForked` for an anchor that the log's key did not sign.
        """
        if not fresh and tenant_id in self._remembered:
            return self._remembered[tenant_id]
        self._remembered.pop(tenant_id, None)
        found = await self._store.read(str(tenant_id))
        if found.value is None:
            return None
        return self._remember(tenant_id, await self._anchor(tenant_id, found.value, found.version))

    async def write(self, tenant_id: TenantId, anchor: Anchor, *, replacing: int) -> Anchor:
        """Put ``anchor`` in the place of version ``replacing``; 0 for a tenant's first.

        Raises StaleVersion when another process was faster, and KeysUnavailable, after which the anchor may
        have been written.
        """
        self._remembered.pop(tenant_id, None)
        value = _Value(
            note=anchor.signed.note,
            previous_size=anchor.previous[0],
            previous_root=base64.b64encode(anchor.previous[1]).decode(),
            refusal=anchor.refusal,
            replaced=anchor.replaced,
        )
        version = await self._store.write(str(tenant_id), msgspec.to_builtins(value), replacing=replacing)
        return self._remember(tenant_id, replace(anchor, version=version))

    async def version(self, tenant_id: TenantId) -> int:
        """The version that a write has to replace, also where the anchor is gone or does not read."""
        return (await self._store.read(str(tenant_id))).version

    async def _anchor(self, tenant_id: TenantId, value: Mapping[str, Any], version: int) -> Anchor:
        try:
            held = msgspec.convert(value, _Value)
            signed = await self._key.read(held.note, origin_of(tenant_id))
            previous = held.previous_size, base64.b64decode(held.previous_root, validate=True)
        except (msgspec.ValidationError, NoteInvalid, ValueError) as error:
            raise LogForked(reason="anchor_forged") from error
        if signed.checkpoint.size == 0 and signed.checkpoint.root != EMPTY_ROOT:
            raise LogForked(reason="anchor_forged")
        return Anchor(signed, previous, version, held.refusal, held.replaced)

    def _remember(self, tenant_id: TenantId, anchor: Anchor) -> Anchor:
        if len(self._remembered) >= REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[tenant_id] = anchor
        return anchor
