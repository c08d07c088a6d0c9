"""Users and records that cells name: owners by e-mail or display name, links by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from daicho import access
from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.customers.imports.cells import read_cell
from daicho.customers.imports.faults import NamesTooLarge
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.rows import SourceRow
from daicho.customers.model import RESOURCES
from daicho.customers.references import EXISTING
from daicho.faults import TooLarge
from daicho.fields import FieldDefinition, FieldType
from daicho.rpc import Channel
from daicho.runtime import in_slices
from daicho.tenancy import Database, Grants, TenantId, UserId

MOST_NAMES: Final = 1_000
"""Names of one question to identity."""
MOST_BYTES: Final = 1_000_000
"""Bytes of the names of one question; a message holds 4 MiB."""
LONGEST_NAME: Final = 254
"""Characters of an e-mail address (RFC 5321, section 4.5.3.1.3), the longest of what names a user or a record."""
Found = dict[str, dict[str, str]]


class People:
    """Asks identity who is meant."""

    def __init__(self, channel: Channel) -> None:
        self._stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)

    async def find(self, tenant_id: TenantId, names: Sequence[str]) -> dict[str, UUID]:
        """The user whom each of ``names`` (an e-mail or a display name) means; a shared name means nobody.

        Raises:
            NamesTooLarge: identity refuses a question for its size, or cannot send the answer.
            Unavailable: it does not answer.
        """
        found: dict[str, UUID] = {}
        for asked in questions(names):
            request = identity_pb2.FindUsersRequest(tenant_id=tenant_id.bytes, names=asked)
            try:
                answer = await self._stub.FindUsers(request, actor=None)
            except TooLarge:
                raise NamesTooLarge from None
            for match in answer.matches:
                if len(match.user_ids) == 1:
                    found[match.name] = UUID(bytes=match.user_ids[0])
        return found


def questions(names: Iterable[str]) -> Iterator[list[str]]:
    """``names`` in lists of at most :data:`MOST_NAMES`, and of :data:`MOST_BYTES` if more than one is in it."""
    asked: list[str] = []
    room = MOST_BYTES
    for name in names:
        size = len(name.encode())
        if asked and (len(asked) == MOST_NAMES or size > room):
            yield asked
            asked, room = [], MOST_BYTES
        asked.append(name)
        room -= size
    if asked:
        yield asked


class Names:
    """What the cells of one import's user and link columns mean, asked once for each spelling."""

    def __init__(
        self, database: Database, people: People, mapping: Iterable[ColumnMapping], fields: Mapping[str, Any]
    ) -> None:
        self._database, self._people = database, people
        self._columns: list[tuple[int, FieldDefinition]] = [
            (each.column, fields[each.field])
            for each in mapping
            if each.field and fields[each.field].type in {FieldType.USER, FieldType.LINK}
        ]
        self._names = {each.column: each.field for each in mapping if each.field is not None}
        self._asked: dict[int, set[str]] = {column: set() for column, _ in self._columns}

    async def look_up(self, tenant_id: TenantId, rows: Sequence[SourceRow], grants: Grants) -> Found:
        """For each such field, the ids of what the cells of ``rows`` name that no row before did."""
        found: Found = {}
        for column, definition in self._columns:
            cells = {row.readable(column) for row in rows}
            texts = {text for text in await in_slices(read_cell, cells) if len(text) <= LONGEST_NAME}
            new = sorted(texts - self._asked[column] - {""})
            if not new:
                continue
            self._asked[column].update(new)
            name = self._names[column]
            if definition.type is FieldType.USER:
                found[name] = await self._users(tenant_id, new)
            else:
                found[name] = await self._records(tenant_id, definition, new, grants)
        return found

    async def _users(self, tenant_id: TenantId, cells: Sequence[str]) -> dict[str, str]:
        ids = {cell: UserId(user_id) for cell in cells if (user_id := _uuid(cell)) is not None}
        found: dict[str, UUID] = dict(ids)
        names = [cell for cell in cells if cell not in ids]
        if names:
            found |= await self._people.find(tenant_id, names)
        async with self._database.reading(tenant_id) as tx:
            return {
                cell: str(user_id)
                for cell, user_id in found.items()
                if cell not in ids or await access.is_active_user(tx, UserId(user_id))
            }

    async def _records(
        self, tenant_id: TenantId, definition: FieldDefinition, cells: Sequence[str], grants: Grants
    ) -> dict[str, str]:
        """Another tenant's record is as unknown as one that never was, and as one out of the caller's reach."""
        resource = definition.link_resource
        ids = {cell: record_id for cell in cells if (record_id := _uuid(cell)) is not None}
        if resource not in EXISTING or not ids:
            return {}
        async with self._database.reading(tenant_id) as tx:
            rows = await EXISTING[resource].fetch(tx, ids=list(ids.values()))
        action = f"{RESOURCES[resource]}:read"
        seen = {row["id"] for row in rows if grants.covers(action, row["owner_id"])}
        return {cell: str(record_id) for cell, record_id in ids.items() if record_id in seen}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
