"""Mail that waits to leave: written, sealed, in the transaction that wants it sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from daicho.identity import links
from daicho.identity.cards import Card, Language
from daicho.identity.mail.texts import Kind, write_mail
from daicho.identity.model import Mail, User
from daicho.jobs import enqueue
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction, uuid7

JOB: Final = "identity.mail"
NOTHING: Final = "nothing"
_TABLE: Final = "mail"


class Letter(msgspec.Struct, array_like=True, frozen=True):
    """One mail: to whom, and what it says."""

    to: str
    subject: str
    text: str


async def post(
    tx: TenantTransaction,
    keys: TenantKeys,
    now: datetime,
    *,
    kind: Kind,
    to: str,
    language: Language,
    name: str,
    company: str,
    link: str,
    code: str,
    public_url: str,
    field: str = "",
) -> None:
    """Let a mail leave once ``tx`` has committed. ``name`` is the reader's, in an invitation the inviter's;
    ``code`` is the company's."""
    sign_in = f"{public_url.rstrip('/')}/sign-in"
    subject, text = write_mail(
        kind, language, name=name, company=company, link=link, code=code, sign_in=sign_in, field=field
    )
    mail_id = uuid7()
    sealed = keys.seal(_TABLE, mail_id, "letter", msgspec.msgpack.encode(Letter(to, subject, text)))
    tx.session.add(Mail(id=mail_id, kind=kind, sealed=sealed, failures=0, created_at=now, attempted_at=None))
    await tx.session.flush()
    await enqueue(tx, JOB, mail_id)


async def post_confirmation(
    tx: TenantTransaction,
    keys: TenantKeys,
    now: datetime,
    public_url: str,
    user: User,
    card: Card,
    code: str,
) -> None:
    """Ask a user to confirm their address by a link of its own; ``code`` is their company's."""
    token = links.draw_link(
        tx, "confirmation", user.id, now, credential_generation=user.credential_generation
    )
    await post(
        tx,
        keys,
        now,
        kind="confirmation",
        to=card.email,
        language=card.language,
        name=card.display_name,
        company=code,
        code=code,
        public_url=public_url,
        link=links.url_of(public_url, "confirmation", token),
    )


async def post_nothing(tx: TenantTransaction, keys: TenantKeys, now: datetime, kind: links.Kind) -> None:
    """What mailing a link of ``kind`` does, for nobody: the worker throws it away.

    Asking for a mail must take as long when there is nobody to send it to.
    """
    links.draw_link(tx, kind, uuid7(), now, credential_generation=0)
    mail_id = uuid7()
    nothing = msgspec.msgpack.encode(Letter("", "", "." * 300))
    sealed = keys.seal(_TABLE, mail_id, "letter", nothing)
    tx.session.add(
        Mail(id=mail_id, kind=NOTHING, sealed=sealed, failures=0, created_at=now, attempted_at=None)
    )
    await tx.session.flush()
    await enqueue(tx, JOB, mail_id)


def open_letter(keys: TenantKeys, mail: Mail) -> Letter:
    """What ``mail`` says."""
    return msgspec.msgpack.decode(keys.unseal(_TABLE, mail.id, "letter", mail.sealed), type=Letter)


async def release(tx: TenantTransaction) -> None:
    """Let the mail go that waited for its tenant's address to be confirmed."""
    waiting = await tx.session.scalars(select(Mail.id).where(Mail.tenant_id == tx.tenant_id))
    for mail_id in waiting.all():
        await enqueue(tx, JOB, mail_id)
