"""Links that are mailed and used once: confirming an address, choosing a new password."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select, update

from daicho.identity import opaque
from daicho.identity.faults import LinkSpent
from daicho.identity.model import LinkRow
from daicho.identity.opaque import Link
from daicho.identity.policy import CONFIRMATION_LIFETIME, RESET_LIFETIME
from daicho.tenancy import TenantTransaction

Kind = Literal["confirmation", "reset"]
PREFIX: Final = {"confirmation": opaque.CONFIRMATION, "reset": opaque.RESET}
LIFETIME: Final = {"confirmation": CONFIRMATION_LIFETIME, "reset": RESET_LIFETIME}
PAUSE: Final = timedelta(minutes=10)
"""Between two links of one kind that somebody asks for without being able to prove who he is."""
PAGE: Final = {
    "confirmation": "/confirm-email",
    "reset": "/reset-password",
    "invitation": "/accept-invitation",
}


def url_of(public_url: str, kind: Literal["confirmation", "reset", "invitation"], token: Link) -> str:
    """What a mail says: always the configured origin. The token stands behind ``#``, which no server logs."""
    return f"{public_url.rstrip('/')}{PAGE[kind]}#token={token}"


def draw_link(tx: TenantTransaction, kind: Kind, user_id: UUID, now: datetime) -> Link:
    """A new link for a user; its secret is in what is answered and nowhere else."""
    token = Link.draw(PREFIX[kind], tx.tenant_id)
    tx.session.add(
        LinkRow(
            tenant_id=tx.tenant_id,
            digest=token.digest,
            kind=kind,
            user_id=user_id,
            expires_at=now + LIFETIME[kind],
            used_at=None,
        )
    )
    return token


async def drawn_lately(tx: TenantTransaction, kind: Kind, user_id: UUID, now: datetime) -> bool:
    """Whether the user was sent a link of this kind a moment ago, so that another would only be a nuisance."""
    since = now - PAUSE + LIFETIME[kind]
    query = select(LinkRow.digest).where(
        LinkRow.tenant_id == tx.tenant_id,
        LinkRow.user_id == user_id,
        LinkRow.kind == kind,
        LinkRow.expires_at > since,
    )
    return (await tx.session.scalars(query.limit(1))).first() is not None


def read_link(kind: Kind, text: str) -> Link:
    """The link that ``text`` spells. Raises LinkSpent, as for one that was used."""
    token = Link.read(PREFIX[kind], text)
    if token is None:
        raise LinkSpent
    return token


async def check_link(tx: TenantTransaction, token: Link, now: datetime) -> None:
    """Before anything is worked for it: whether a link could be spent. Raises LinkSpent."""
    query = select(LinkRow.digest).where(
        LinkRow.tenant_id == tx.tenant_id,
        LinkRow.digest == token.digest,
        LinkRow.used_at.is_(None),
        LinkRow.expires_at > now,
    )
    if (await tx.session.scalars(query)).first() is None:
        raise LinkSpent


async def spend_link(tx: TenantTransaction, token: Link, now: datetime) -> UUID:
    """Use a link up; answers its user. Of two who try, one gets it. Raises LinkSpent."""
    spent = await tx.session.execute(
        update(LinkRow)
        .where(
            LinkRow.tenant_id == tx.tenant_id,
            LinkRow.digest == token.digest,
            LinkRow.used_at.is_(None),
            LinkRow.expires_at > now,
        )
        .values(used_at=now)
        .returning(LinkRow.user_id)
    )
    found = spent.scalar_one_or_none()
    if found is None:
        raise LinkSpent
    return found
