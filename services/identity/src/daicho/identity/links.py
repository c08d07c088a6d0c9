"""Links that are mailed and used once: confirming an address, choosing a new password."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select, update

from daicho.identity import opaque
from daicho.identity.directory import lock_active_user
from daicho.identity.faults import LinkSpent
from daicho.identity.model import LinkRow, User
from daicho.identity.opaque import Link
from daicho.identity.policy import CONFIRMATION_LIFETIME, RESET_LIFETIME
from daicho.tenancy import TenantTransaction

Kind = Literal["confirmation", "reset"]
PREFIX: Final = {"confirmation": opaque.CONFIRMATION, "reset": opaque.RESET}
LIFETIME: Final = {"confirmation": CONFIRMATION_LIFETIME, "reset": RESET_LIFETIME}
PAUSE: Final = timedelta(minutes=1)
HOURLY: Final = 5
"""A user is sent one link of a kind in :data:`PAUSE`, and this many in an hour, whoever asks for them."""
PAGE: Final = {
    "confirmation": "/confirm-email",
    "reset": "/reset-password",
    "invitation": "/accept-invitation",
}


def url_of(public_url: str, kind: Literal["confirmation", "reset", "invitation"], token: Link) -> str:
    """What a mail says: always the configured origin. The token stands behind ``#``, which no server logs."""
    return f"{public_url.rstrip('/')}{PAGE[kind]}#token={token}"


def draw_link(
    tx: TenantTransaction, kind: Kind, user_id: UUID, now: datetime, *, credential_generation: int
) -> Link:
    """A new link for a user, good while their credentials are of this generation; the answer alone has its secret."""
    token = Link.draw(PREFIX[kind], tx.tenant_id)
    tx.session.add(
        LinkRow(
            tenant_id=tx.tenant_id,
            digest=token.digest,
            kind=kind,
            user_id=user_id,
            credential_generation=credential_generation,
            expires_at=now + LIFETIME[kind],
            used_at=None,
        )
    )
    return token


async def asked_by(tx: TenantTransaction, kind: Kind, email_digest: bytes, now: datetime) -> User | None:
    """Whom to mail a link when anybody asks for one for an address: None for nobody's, a disabled user's, and
    one that was sent such a link a moment ago.

    Who asks for the same address at once takes turns until ``tx`` ends, whether or not it is anybody's.
    """
    await tx.driver.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{kind}:{tx.tenant_id}:{email_digest.hex()}"
    )
    user = await tx.session.scalar(
        select(User).where(User.tenant_id == tx.tenant_id, User.email_digest == email_digest)
    )
    # Asked for a stranger as well: the answer must take as long.
    lately = await drawn_lately(tx, kind, user.id if user else tx.tenant_id, now)
    return None if user is None or user.disabled or lately else user


async def drawn_lately(tx: TenantTransaction, kind: Kind, user_id: UUID, now: datetime) -> bool:
    """Whether the user was sent links of this kind a moment ago or too often, so that another would be a nuisance."""
    hour = timedelta(hours=1)
    query = select(func.count(), func.max(LinkRow.expires_at)).where(
        LinkRow.tenant_id == tx.tenant_id,
        LinkRow.user_id == user_id,
        LinkRow.kind == kind,
        LinkRow.expires_at > now - hour + LIFETIME[kind],
    )
    count, newest = (await tx.session.execute(query)).one()
    return bool(count >= HOURLY or (newest is not None and newest > now - PAUSE + LIFETIME[kind]))


def read_link(kind: Kind, text: str) -> Link:
    """The link that ``text`` spells. Raises LinkSpent, as for one that was used."""
    token = Link.read(PREFIX[kind], text)
    if token is None:
        raise LinkSpent
    return token


async def check_link(tx: TenantTransaction, token: Link, now: datetime) -> User:
    """Before anything is worked for it: whose link it is, if it could be spent. Raises LinkSpent."""
    link = await _usable(tx, token, now)
    user = await tx.session.get(User, (tx.tenant_id, link.user_id))
    if user is None:
        raise LinkSpent
    return user


async def spend_link(tx: TenantTransaction, token: Link, now: datetime) -> User:
    """Use a link up, and with it all others of its kind that its user was sent; answers the user, locked.

    Of two who try, one gets it. Raises LinkSpent, also when the user was disabled or chose another password since.
    """
    # The user comes first: two links of one user would otherwise wait for each other.
    link = await _usable(tx, token, now)
    user = await lock_active_user(tx, link.user_id, link.credential_generation)
    unused = (LinkRow.tenant_id == tx.tenant_id, LinkRow.used_at.is_(None))
    spent = await tx.session.scalars(
        update(LinkRow)
        .where(*unused, LinkRow.digest == token.digest)
        .values(used_at=now)
        .returning(LinkRow.digest)
    )
    if user is None or spent.first() is None:
        raise LinkSpent
    await tx.session.execute(
        update(LinkRow)
        .where(*unused, LinkRow.user_id == user.id, LinkRow.kind == link.kind)
        .values(used_at=now)
    )
    return user


async def _usable(tx: TenantTransaction, token: Link, now: datetime) -> LinkRow:
    found = await tx.session.scalar(
        select(LinkRow).where(
            LinkRow.tenant_id == tx.tenant_id,
            LinkRow.digest == token.digest,
            LinkRow.used_at.is_(None),
            LinkRow.expires_at > now,
        )
    )
    if found is None:
        raise LinkSpent
    return found
