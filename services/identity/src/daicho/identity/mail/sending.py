"""Mail leaving the house, by SMTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from daicho.identity.mail import limits
from daicho.identity.mail.outbox import Letter, open_letter
from daicho.identity.model import Mail, Tenant
from daicho.identity.policy import mail_backoff, mail_lifetime, mail_may_leave, mail_may_repeat
from daicho.jobs import Job, RetryLater
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantTransaction

TIMEOUT: Final = 20.0
"""Seconds for one answer of the server."""
HAND_OVER: Final = 45.0
"""Seconds for all of a hand-over."""
IN_HAND: Final = timedelta(seconds=60)
"""After this a hand-over that nobody has finished is over: its worker died."""
OVER_LIMIT: Final = timedelta(hours=1)
"""How long a mail waits when its company, or everybody, has sent enough for the day."""
Outcome = Literal["taken", "refused", "unknown"]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Postman:
    """Sends one waiting mail a job.

    That a mail is about to be handed over is committed before the server hears of it, and no lock is held
    meanwhile. When the worker dies, or the line, before the server's answer is known, the mail may have left: it
    is sent again under the same Message-ID where a second copy does no harm (:func:`mail_may_repeat`), and
    given up where it does. So one mail at most is in doubt for each connection, and the log names it.
    """

    database: Database
    keyring: Keyring
    clock: Clock
    smtp_url: str
    sender: str
    in_hand: timedelta = IN_HAND

    async def deliver(self, job: Job) -> None:
        """Send the mail that ``job`` is about, then forget it.

        A mail that may not leave yet stays; :func:`daicho.identity.mail.outbox.release` asks again. A server
        that refuses or is away is tried again with growing pauses, for about two days. A mail whose link has
        expired meanwhile is not sent.
        """
        keys = await self.keyring.open(job.tenant_id)
        async with self.database.transaction(job.tenant_id) as tx:
            mail = await self._take(tx, keys, job)
        if mail is None:
            return
        outcome = await self._hand_over(mail, open_letter(keys, mail))
        async with self.database.transaction(job.tenant_id) as tx:
            pause = await self._settle(tx, mail, outcome)
        if pause is not None:
            raise RetryLater(pause)

    async def _take(self, tx: TenantTransaction, keys: TenantKeys, job: Job) -> Mail | None:
        """The mail, marked as being handed over, if it is to leave now.

        Raises RetryLater while another has it, or while too many were sent (:mod:`daicho.identity.mail.limits`).
        """
        mail = await tx.session.get(Mail, (tx.tenant_id, job.subject), with_for_update=True)
        tenant = await tx.session.get(Tenant, tx.tenant_id)
        now = self.clock()
        if mail is None or tenant is None:
            return None
        if mail.created_at + mail_lifetime(mail.kind) <= now:
            await tx.session.delete(mail)
            return None
        if not mail_may_leave(kind=mail.kind, tenant_confirmed=tenant.confirmed_at is not None):
            return None
        if not await self._admit(tx, keys, mail, now):
            return None
        if mail.attempted_at is not None:
            if mail.attempted_at + self.in_hand > now:
                raise RetryLater(mail.attempted_at + self.in_hand - now)
            if not mail_may_repeat(mail.kind):
                log.error("mail_perhaps_sent", mail=str(mail.id), kind=mail.kind)
                await tx.session.delete(mail)
                return None
            log.warning("mail_perhaps_sent_twice", mail=str(mail.id), kind=mail.kind)
        mail.attempted_at = now
        return mail

    async def _admit(self, tx: TenantTransaction, keys: TenantKeys, mail: Mail, now: datetime) -> bool:
        """Whether a mail may leave as to how many have; deletes one to an address that has had enough."""
        is_first = mail.failures == 0 and mail.attempted_at is None
        if mail.kind not in limits.UNASKED or not is_first:
            return True
        verdict = await limits.admit(tx, open_letter(keys, mail).to, now)
        if verdict == "later":
            log.warning("mail_waits_for_limit", mail=str(mail.id), kind=mail.kind)
            raise RetryLater(OVER_LIMIT)
        if verdict == "drop":
            log.warning("mail_over_limit", mail=str(mail.id), kind=mail.kind)
            await tx.session.delete(mail)
        return verdict == "send"

    async def _settle(self, tx: TenantTransaction, mail: Mail, outcome: Outcome) -> timedelta | None:
        """Write down what came of it; how long to wait before it is tried again, if it is."""
        kept = await tx.session.get(Mail, (tx.tenant_id, mail.id), with_for_update=True)
        if kept is None or kept.attempted_at != mail.attempted_at:
            return None  # this took so long that somebody else has it in hand
        kept.failures += 1
        pause = None if outcome == "taken" else mail_backoff(kept.failures)
        if pause is None:
            await tx.session.delete(kept)
            if outcome != "taken":
                log.error("mail_given_up", mail=str(kept.id), kind=kept.kind)
        elif outcome == "refused":
            kept.attempted_at = None
        return pause

    async def _hand_over(self, mail: Mail, letter: Letter) -> Outcome:
        try:
            async with asyncio.timeout(HAND_OVER):
                await self._send(mail, letter)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            log.warning("mail_failed", mail=str(mail.id), error=type(error).__name__, failures=mail.failures)
            lost = isinstance(error, OSError) and not isinstance(error, aiosmtplib.SMTPConnectError)
            return "unknown" if lost else "refused"
        return "taken"

    async def _send(self, mail: Mail, letter: Letter) -> None:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self.clock())
        # The mail's own id: whoever gets it twice can tell.
        message["Message-ID"] = f"<{mail.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
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
