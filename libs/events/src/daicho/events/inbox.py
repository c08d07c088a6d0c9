"""The inbox of a consumer takes each event once, and no version older than the one held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from daicho.events.envelope import Envelope

_ENTER: Final = """
    INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::uuid[])
    ON CONFLICT DO NOTHING RETURNING event_id
"""
_HELD: Final = """
    SELECT s.aggregate_type, s.aggregate_id, s.aggregate_tenant_id, s.version
    FROM unnest($2::text[], $3::uuid[]) AS w (type, id)
    JOIN seen_version s ON s.consumer = $1 AND s.aggregate_type = w.type AND s.aggregate_id = w.id
"""
_HOLD: Final = """
    INSERT INTO seen_version (consumer, aggregate_type, aggregate_id, aggregate_tenant_id, version)
    SELECT $1, w.type, w.id, $2, w.version FROM unnest($3::text[], $4::uuid[], $5::bigint[]) AS w (type, id, version)
    ON CONFLICT (consumer, aggregate_type, aggregate_id)
        DO UPDATE SET version = greatest(seen_version.version, excluded.version)
"""
_FORGET: Final = "DELETE FROM inbox WHERE consumer = $1 AND event_id < $2"


LIFE: Final = timedelta(days=90)
"""How long after it was told an event may have an effect. It covers an outbox that waits for days, seven days on the bus,
thirty among the dead letters, another seven on the bus, and once more thirty."""
KEPT: Final = LIFE + timedelta(days=1)
"""How long an event is remembered after it was told: whatever may still have an effect is known if it had one."""


class Held(NamedTuple):
    """The state of an aggregate that a consumer holds."""

    tenant_id: UUID
    version: int


Name = tuple[str, UUID]
"""An aggregate's type and id."""


async def enter(connection: asyncpg.Connection[Any], consumer: str, ids: Sequence[UUID]) -> set[UUID]:
    """Enter events into the inbox; answers those that were not in it. Waits for whoever enters the same."""
    return {row["event_id"] for row in await connection.fetch(_ENTER, consumer, ids)}


async def held(connection: asyncpg.Connection[Any], consumer: str, names: Iterable[Name]) -> dict[Name, Held]:
    """The states that ``consumer`` holds of the aggregates named."""
    wanted = list(set(names))
    if not wanted:
        return {}
    rows = await connection.fetch(_HELD, consumer, [name[0] for name in wanted], [name[1] for name in wanted])
    return {(row[0], row[1]): Held(row[2], row[3]) for row in rows}


async def hold(
    connection: asyncpg.Connection[Any], consumer: str, tenant_id: UUID, versions: dict[Name, int]
) -> None:
    """Remember the newest versions heard."""
    if versions:
        names = list(versions)
        types, ids = [name[0] for name in names], [name[1] for name in names]
        await connection.execute(_HOLD, consumer, tenant_id, types, ids, list(versions.values()))


async def forget(connection: asyncpg.Connection[Any], consumer: str, *, kept: timedelta) -> None:
    """Drop entries of events told longer than ``kept`` ago: the time stands first in their UUIDv7."""
    milliseconds = int((datetime.now(UTC) - kept).timestamp() * 1000)
    await connection.execute(_FORGET, consumer, UUID(int=milliseconds << 80))


def is_past(event_id: UUID, now: datetime) -> bool:
    """Whether an event was told so long ago that the inbox may have forgotten it."""
    return event_id.int >> 80 < int((now - LIFE).timestamp() * 1000)


def name_of(envelope: Envelope) -> Name:
    """The aggregate that an event is about."""
    return envelope.aggregate.type, UUID(bytes=envelope.aggregate.id)
