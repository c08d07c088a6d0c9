"""Tells the readers of a custom field by mail that further roles may read it.

The customers service tells the change; a mail goes to every active user whose role could read the field before, and to
owners, but not to the user who made the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from daicho.contracts.customers.events.v1.events_pb2 import FieldDefinitionChanged
from daicho.events import Envelope
from daicho.identity.cards import open_card
from daicho.identity.mail.outbox import post
from daicho.identity.model import ReaderNotice, Tenant, User
from daicho.identity.permissions import OWNER
from daicho.jobs import Job, enqueue
from daicho.keyring import Keyring
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantTransaction

JOB: Final = "identity.reader_notice"
TOPIC: Final = "customers.events"
MOST: Final = 1_000
"""Mails about one change."""


async def on_field_changed(tx: TenantTransaction, event: FieldDefinitionChanged, envelope: Envelope) -> None:
    """Note whom to tell of a change that let further roles read a field."""
    if not event.readers_widened_from:
        return
    notice = ReaderNotice(
        id=UUID(bytes=envelope.id),
        field_key=event.key,
        roles=list(event.readers_widened_from),
        changed_by=UUID(bytes=envelope.actor.user_id) if envelope.actor.user_id else None,
    )
    tx.session.add(notice)
    await tx.session.flush()
    await enqueue(tx, JOB, notice.id)


@dataclass(frozen=True, slots=True)
class ReaderNotices:
    """Writes the mails of a notice."""

    database: Database
    keyring: Keyring
    clock: Clock
    public_url: str

    async def write(self, job: Job) -> None:
        """Post the mails of the notice that ``job`` is about, and forget it."""
        keys = await self.keyring.open(job.tenant_id)
        async with self.database.transaction(job.tenant_id) as tx:
            notice = await tx.session.get(ReaderNotice, (tx.tenant_id, job.subject), with_for_update=True)
            tenant = await tx.session.get(Tenant, tx.tenant_id)
            if notice is None or tenant is None:
                return
            for user in await _readers(tx, notice):
                card = open_card(keys, "account", user.id, user.card)
                await post(
                    tx,
                    keys,
                    self.clock(),
                    kind="field_readers",
                    to=card.email,
                    language=card.language,
                    name=card.display_name,
                    company=tenant.company_name,
                    code=tenant.code,
                    public_url=self.public_url,
                    link=f"{self.public_url.rstrip('/')}/settings/fields",
                    field=notice.field_key,
                )
            await tx.session.delete(notice)


async def _readers(tx: TenantTransaction, notice: ReaderNotice) -> list[User]:
    found = await tx.session.scalars(
        select(User)
        .where(
            User.tenant_id == tx.tenant_id,
            User.disabled.is_(False),
            or_(User.role.in_(notice.roles), User.role == OWNER),
        )
        .order_by(User.role != OWNER, User.id)
        .limit(MOST)
    )
    return [user for user in found if user.id != notice.changed_by]
