"""Searches of the log. Whatever is asked for together, pages are read from an index, the newest first.

A *deed* is what was done to what: resource type and action, of a record's entries the actor as well. A tenant has some
dozens of them, however long its log is. A search that names part of a deed first takes the deeds that there are from
the index, one probe each, keeps those that fit, and takes the newest of each, which the index has in order; the page
is the newest of these. So what is read depends on how many deeds there are and on the page, never on how many entries
do not fit. Dates bound each walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from daicho.audit.model import Question
from daicho.tenancy import TenantTransaction

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)

ENTRY: Final = """e.sequence, e.entry_id, e.time, e.kind, e.actor_kind, e.actor_user_id, e.actor_session_id,
        e.actor_service, e.action, e.resource_type, e.resource_id, e.payload, e.payload_digest"""

# $1 tenant, $2 from, ($3, $4) before, $5 limit, then what is asked for: $6 actor, $7 action, $8 resource, $9 record.
_WALK: Final = """e.time >= $2 AND (e.time, e.sequence) < ($3, $4)
    ORDER BY e.time DESC, e.sequence DESC LIMIT $5"""
_FROM: Final = " FROM entry e WHERE e.tenant_id = $1 AND "
# One row a place: no estimate makes a plan that reads all entries for it.
_ONE: Final = "e.sequence = p.sequence LIMIT 1) e ORDER BY e.time DESC, e.sequence DESC"
_NEWEST: Final = """) f ORDER BY f.time DESC, f.sequence DESC LIMIT $5)
    SELECT e.* FROM page p CROSS JOIN LATERAL (SELECT """
_PAGE: Final = _NEWEST + ENTRY + _FROM + _ONE
_EACH: Final = """page AS (
        SELECT f.sequence FROM deed d CROSS JOIN LATERAL (
            SELECT e.time, e.sequence FROM"""
_FITS: Final = "($7::text IS NULL OR action = $7) AND ($8::text IS NULL OR resource_type = $8)"

FIND_BY_TIME: Final = "SELECT " + ENTRY + _FROM + _WALK


def _by_deed(whose: str) -> str:
    """The search by action or resource, or neither, among the entries that ``whose`` describes."""
    return f"""
    WITH RECURSIVE done AS (
        (SELECT e.resource_type, e.action FROM entry e WHERE e.tenant_id = $1 AND {whose}
         ORDER BY e.resource_type, e.action LIMIT 1)
        UNION ALL
        SELECT n.* FROM done d CROSS JOIN LATERAL (
            SELECT e.resource_type, e.action FROM entry e WHERE e.tenant_id = $1 AND {whose}
              AND (e.resource_type, e.action) > (d.resource_type, d.action)
            ORDER BY e.resource_type, e.action LIMIT 1) n
    ), deed AS (SELECT * FROM done WHERE {_FITS}), {_EACH} entry e
            WHERE e.tenant_id = $1 AND {whose} AND e.resource_type = d.resource_type AND e.action = d.action
              AND {_WALK}
    {_PAGE}"""  # noqa: S608 - our own text


FIND_BY_DEED: Final = _by_deed("$6::uuid IS NULL")
FIND_BY_ACTOR: Final = _by_deed("e.actor_user_id = $6")
FIND_BY_RECORD: Final = f"""
    WITH RECURSIVE done AS (
        (SELECT r.deed, r.sequence FROM entry_record r WHERE r.tenant_id = $1 AND r.record_id = $9
         ORDER BY r.deed LIMIT 1)
        UNION ALL
        SELECT n.* FROM done d CROSS JOIN LATERAL (
            SELECT r.deed, r.sequence FROM entry_record r
            WHERE r.tenant_id = $1 AND r.record_id = $9 AND r.deed > d.deed ORDER BY r.deed LIMIT 1) n
    ), deed AS (
        SELECT d.deed FROM done d CROSS JOIN LATERAL (
            SELECT e.actor_user_id, e.resource_type, e.action FROM entry e
            WHERE e.tenant_id = $1 AND e.sequence = d.sequence LIMIT 1) one
        WHERE ($6::uuid IS NULL OR actor_user_id = $6) AND {_FITS}
    ), {_EACH} entry_record e
            WHERE e.tenant_id = $1 AND e.record_id = $9 AND e.deed = d.deed AND {_WALK}
    {_PAGE}"""  # noqa: S608 - our own text


async def find(tx: TenantTransaction, asked: Question) -> Sequence[asyncpg.Record]:
    """The rows of a page of entries, the newest first."""
    statement, values = statement_of(asked)
    return list(await tx.driver.fetch(statement, tx.tenant_id, *values))


def statement_of(asked: Question) -> tuple[str, Sequence[Any]]:
    """The statement that answers ``asked``, and its values after the tenant."""
    end = (asked.end or LAST, -1)
    within = (asked.begin or FIRST, *min(end, asked.before or end), asked.limit)
    if asked.record_id is not None:
        return FIND_BY_RECORD, (*within, asked.actor_id, asked.action, asked.resource, asked.record_id)
    if asked.actor_id is not None:
        return FIND_BY_ACTOR, (*within, asked.actor_id, asked.action, asked.resource)
    if asked.action is not None or asked.resource is not None:
        return FIND_BY_DEED, (*within, None, asked.action, asked.resource)
    return FIND_BY_TIME, within
