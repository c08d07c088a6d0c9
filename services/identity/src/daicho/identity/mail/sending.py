"""Mail leaving the house, by SMTP."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from sqlalchemy import select

from daicho.identity.mail.outbox import Letter, open_letter
from daicho.identity.model import Mail, Tenant
from daicho.identity.policy import mail_backoff, mail_lifetime, mail_may_leave
from daicho.jobs import Job, RetryLater
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Database

TIMEOUT: Final = 20.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Postman:
    """Sends one waiting mail a job."""

    database: Database
    keyring: Keyring
    clock: Clock
    smtp_url: str
    sender: str

    async def deliver(self, job: Job) -> None:
        """Send the mail that ``job`` is about, then forget it.

        A mail that may not leave yet stays; :func:`daicho.identity.mail.outbox.release` asks again. A server
        that refuses or is away is tried again with growing pauses, for about two days. A mail whose link has
        expired meanwhile is not sent.
        """
        keys = await self.keyring.open(job.tenant_id)
        pause = None
        async with self.database.transaction(job.tenant_id) as tx:
            # The row stays locked while the mail is handed over, so that two workers do not send it twice.
            mail = await tx.session.scalar(
                select(Mail)
                .where(Mail.tenant_id == job.tenant_id, Mail.id == job.subject)
                .with_for_update(skip_locked=True)
            )
            tenant = await tx.session.get(Tenant, job.tenant_id)
            if mail is None or tenant is None:
                return
            if mail.created_at + mail_lifetime(mail.kind) <= self.clock():
                await tx.session.delete(mail)
                return
            if not mail_may_leave(kind=mail.kind, tenant_confirmed=tenant.confirmed_at is not None):
                return
            if await self._handed_over(keys, mail):
                await tx.session.delete(mail)
            else:
                mail.failures += 1
                pause = mail_backoff(mail.failures)
                if pause is None:
                    log.error("mail_given_up", mail=str(mail.id), kind=mail.kind)
                    await tx.session.delete(mail)
        if pause is not None:
            raise RetryLater(pause)

    async def _handed_over(self, keys: TenantKeys, mail: Mail) -> bool:
        """Whether the server took it."""
        try:
            await self._send(open_letter(keys, mail))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            log.warning("mail_failed", mail=str(mail.id), error=type(error).__name__, failures=mail.failures)
            return False
        return True

    async def _send(self, letter: Letter) -> None:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self.clock())
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2].rstrip(">"))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        where = urlsplit(self.smtp_url)
        await aiosmtplib.send(
            message,
            hostname=where.hostname or "127.0.0.1",
            port=where.port or (465 if where.scheme == "smtps" else 25),
            username=unquote(where.username) if where.username else None,
            password=unquote(where.password) if where.password else None,
            use_tls=where.scheme == "smtps",
            timeout=TIMEOUT,
        )
