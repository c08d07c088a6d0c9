"""How many mails go to people who have not asked for them: to one address, from one company, and in all.

Counted when a mail is first handed over, whichever company wrote it, in two tables without a tenant. An address is
counted under its digest, keyed by a random salt of the day: what is kept tells nobody whom others wrote to once the
day's salt is gone. Nothing of this reaches whoever caused the mail, or they would learn what others did.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final, Literal

from daicho.identity.policy import normalise_email
from daicho.tenancy import TenantTransaction, Transaction

Verdict = Literal["send", "drop", "later"]

UNASKED: Final = frozenset({"confirmation", "invitation"})
"""Kinds of mail that strangers may get."""
RECIPIENT: Final = 10
"""A day to one address, from all companies together."""
TENANT: Final = 2_000
"""A day from one company."""
EVERYBODY: Final = 20_000
"""A day in all."""
KEPT: Final = timedelta(days=2)

SALT: Final = """
    WITH made AS (INSERT INTO mail_salt (day, salt) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING RETURNING salt)
    SELECT salt FROM made UNION ALL SELECT salt FROM mail_salt WHERE day = $1 LIMIT 1
"""
COUNTED: Final = "SELECT subject, sent FROM mail_count WHERE day = $1 AND subject = ANY($2::bytea[])"
COUNT: Final = """
    INSERT INTO mail_count (day, subject, sent) SELECT $1, unnest($2::bytea[]), 1
    ON CONFLICT (day, subject) DO UPDATE SET sent = mail_count.sent + 1
"""
FORGET_COUNTS: Final = "DELETE FROM mail_count WHERE day < $1"
FORGET_SALTS: Final = "DELETE FROM mail_salt WHERE day < $1"
TAKE_TURNS: Final = "SELECT pg_advisory_xact_lock(hashtextextended('mail_limits', 0))"


async def admit(tx: TenantTransaction, address: str, now: datetime) -> Verdict:
    """Count a mail that is about to go to ``address``, if it may.

    ``drop``: the address has had enough today. ``later``: the company, or everybody together, has sent enough today.
    Those who ask at once take turns until ``tx`` ends.
    """
    await tx.driver.execute(TAKE_TURNS)
    day = now.date()
    salt = await tx.driver.fetchval(SALT, day, secrets.token_bytes(32))
    recipient = _digest(salt, mailbox_of(address))
    limits = {
        recipient: RECIPIENT,
        _digest(salt, f"tenant {tx.tenant_id}"): TENANT,
        _digest(salt, "everybody"): EVERYBODY,
    }
    rows = await tx.driver.fetch(COUNTED, day, list(limits))
    verdict = judge(limits, {row["subject"]: row["sent"] for row in rows}, recipient)
    if verdict == "send":
        await tx.driver.execute(COUNT, day, sorted(limits))
    return verdict


def mailbox_of(address: str) -> str:
    """The mailbox that ``address`` leads to, as far as it can be told: without ``+tag``, the domain in its ASCII form."""
    local, _, domain = normalise_email(address).rpartition("@")
    with suppress(UnicodeError):  # a domain that no mail reaches
        domain = domain.encode("idna").decode()
    name = local.partition("+")[0] or local
    return f"{name}@{domain}"


def judge(limits: Mapping[bytes, int], sent: Mapping[bytes, int], recipient: bytes) -> Verdict:
    """What becomes of one more mail after those that were ``sent``."""
    full = {subject for subject, limit in limits.items() if sent.get(subject, 0) >= limit}
    if recipient in full:
        return "drop"
    return "later" if full else "send"


async def forget(tx: Transaction, today: date) -> None:
    """Remove what was counted on days that are over."""
    for statement in (FORGET_COUNTS, FORGET_SALTS):
        await tx.driver.execute(statement, today - KEPT)


def _digest(salt: bytes, subject: str) -> bytes:
    return hashlib.blake2b(subject.encode(), key=salt, digest_size=16).digest()
