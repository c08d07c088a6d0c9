"""Idempotency-Key: a POST that creates has its effect once, however often it is sent.

The reply is kept, sealed, for 24 hours in the transaction of the effect itself. A key belongs to one user
and one route.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
import sqlalchemy as sa
from alembic.operations import Operations
from litestar import Request, Response

from daicho.faults import FieldFault, IdempotencyInFlight, IdempotencyMismatch, Invalid
from daicho.keyring import TenantKeys
from daicho.tenancy import Actor, Database, TenantTransaction
from daicho.tenancy.migrations import tenant_index, tenant_table

LONGEST: Final = 255
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_READ: Final = """
    SELECT body, status, headers, reply FROM idempotency
    WHERE tenant_id = $1 AND place = $2 AND at > now() - interval '24 hours'
"""
_KEEP: Final = """
    INSERT INTO idempotency (tenant_id, place, body, status, headers, reply, at) VALUES ($1, $2, $3, $4, $5, $6, now())
    ON CONFLICT (tenant_id, place) DO UPDATE
    SET body = excluded.body, status = excluded.status, headers = excluded.headers, reply = excluded.reply, at = now()
"""
# Each reply that is kept takes some that are out of date away, so that no job need do it. A row that another
# transaction is at is left to the next.
_TIDY: Final = """
    DELETE FROM idempotency WHERE tenant_id = $1 AND place IN (
        SELECT place FROM idempotency WHERE tenant_id = $1 AND at <= now() - interval '24 hours'
        ORDER BY at LIMIT 10 FOR UPDATE SKIP LOCKED
    )
"""


class Reply(msgspec.Struct):
    """What a use case answers: the body, its status and headers."""

    body: Any
    status: int = 201
    headers: dict[str, str] = {}


Work = Callable[[TenantTransaction], Awaitable[Reply]]
Again = Callable[[TenantTransaction, Any], Awaitable[Any]]
"""From the body of a kept reply to what the caller may read of it now; raises a fault when that is nothing."""


def create(op: Operations) -> None:
    """Create the table ``idempotency``; called from a service's first migration."""
    tenant_table(
        op,
        "idempotency",
        sa.Column("place", sa.Uuid(), primary_key=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    tenant_index(op, "ix_idempotency_at", "idempotency", ["at"])


async def create_once(
    request: Request[Any, Any, Any],
    database: Database,
    keys: TenantKeys,
    actor: Actor,
    work: Work,
    *,
    sent: str | None = None,
    again: Again | None = None,
) -> Response[bytes]:
    """Run ``work`` in a transaction of ``actor`` and answer its reply; with an Idempotency-Key, once.

    ``sent`` is a digest of what was sent, for a body that was read as a stream. ``again`` decides what a repetition
    answers, where the caller's right to read what was made may have ended since; without it, the kept reply as it is.

    Raises IdempotencyInFlight while the same key is being worked on, IdempotencyMismatch when it came before
    with another body.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        async with database.transaction(actor) as tx:
            return _response(await work(tx))
    if not 0 < len(given) <= LONGEST:
        raise Invalid([FieldFault("/Idempotency-Key", "too_long", {"maximum": LONGEST})])
    place = _place(request, actor, given)
    if sent is None:
        sent = hashlib.sha256(await request.body()).hexdigest()
    body = keys.unique("idempotency", sent)
    async with database.transaction(actor) as tx:
        if not await tx.driver.fetchval(_LOCK, f"idempotency:{tx.tenant_id}:{place}"):
            raise IdempotencyInFlight
        kept = await tx.driver.fetchrow(_READ, tx.tenant_id, place)
        if kept is not None:
            if kept["body"] != body:
                raise IdempotencyMismatch
            content = keys.unseal("idempotency", place, "reply", kept["reply"])
            if again is not None:
                content = msgspec.json.encode(await again(tx, msgspec.json.decode(content)))
            headers = {**msgspec.json.decode(kept["headers"]), "idempotency-replayed": "true"}
            return Response(
                content, status_code=kept["status"], headers=headers, media_type="application/json"
            )
        reply = await work(tx)
        response = _response(reply)
        sealed = keys.seal("idempotency", place, "reply", response.content)
        headers_text = msgspec.json.encode(reply.headers).decode()
        await tx.driver.execute(_KEEP, tx.tenant_id, place, body, reply.status, headers_text, sealed)
        await tx.driver.execute(_TIDY, tx.tenant_id)
        return response


def _place(request: Request[Any, Any, Any], actor: Actor, key: str) -> UUID:
    """The key within its user and route, as an id."""
    route = f"{request.method} {request.scope['path']}"
    whole = f"{actor.user_id or actor.service}\x00{route}\x00{key}".encode()
    return UUID(bytes=hashlib.sha256(whole).digest()[:16])


def _response(reply: Reply) -> Response[bytes]:
    return Response(
        msgspec.json.encode(reply.body),
        status_code=reply.status,
        headers=reply.headers,
        media_type="application/json",
    )
