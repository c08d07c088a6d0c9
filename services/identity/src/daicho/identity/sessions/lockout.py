"""How many wrong passwords are let be, so that guessing is slow and nobody is locked out by a stranger.

Failures are counted three times: of an e-mail address from one place, of a place whoever it tries, and of an e-mail
address from everywhere together. The last is what a stranger could fill on purpose, so it does not bind where the
user has got in before, nor where they chose a new password by mail: a known place.

Whether the address is anybody's makes no difference to what is asked of the database here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from daicho.identity.faults import SignInLocked
from daicho.identity.policy import (
    EVERYWHERE_LOCKOUT,
    HERE_LOCKOUT,
    KNOWN_PLACE_LIFETIME,
    PLACE_LOCKOUT,
    Attempts,
    Limit,
    count_failure,
    place_of,
)
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction

READ: Final = """
    SELECT subject, failures, window_started_at, locked_until FROM attempt
    WHERE tenant_id = $1 AND subject = ANY($2::bytea[])
"""
WRITE: Final = """
    INSERT INTO attempt (tenant_id, subject, failures, window_started_at, locked_until) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, subject) DO UPDATE SET failures = excluded.failures,
        window_started_at = excluded.window_started_at, locked_until = excluded.locked_until
"""
FORGET: Final = "DELETE FROM attempt WHERE tenant_id = $1 AND subject = ANY($2::bytea[])"
IS_KNOWN: Final = "SELECT true FROM known_place WHERE tenant_id = $1 AND subject = $2 AND seen_at > $3"
REMEMBER: Final = """
    INSERT INTO known_place (tenant_id, subject, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, subject) DO UPDATE SET seen_at = excluded.seen_at
"""
TAKE_TURNS: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


@dataclass(frozen=True, slots=True)
class Tried:
    """What one try to sign in is counted for, by keyed digest: this address from here, anybody from here, this
    address from everywhere. :func:`tried` makes it."""

    here: bytes
    place: bytes
    everywhere: bytes

    @property
    def limits(self) -> Mapping[bytes, Limit]:
        """How many failures of each are let be."""
        return {
            self.here: HERE_LOCKOUT,
            self.place: PLACE_LOCKOUT,
            self.everywhere: EVERYWHERE_LOCKOUT,
        }


def tried(keys: TenantKeys, email_digest: bytes, address: str | None) -> Tried:
    """A try for the e-mail address with this digest from a network address."""
    place = place_of(address)
    return Tried(
        here=keys.unique("attempt.here", f"{email_digest.hex()} {place}"),
        place=keys.unique("attempt.address", place),
        everywhere=email_digest,
    )


async def take_turns(tx: TenantTransaction, what: Tried) -> None:
    """Let those who count the same failures take turns; in one order, so that none waits in a circle."""
    for subject in sorted(what.limits):
        await tx.driver.execute(TAKE_TURNS, f"attempt:{subject.hex()}")


async def refuse_locked(tx: TenantTransaction, what: Tried, now: datetime) -> None:
    """Raises SignInLocked while too many failures were counted for ``what``."""
    counted = await _read(tx, what)
    known = await tx.driver.fetchval(IS_KNOWN, tx.tenant_id, what.here, now - KNOWN_PLACE_LIFETIME)
    binding = [what.here, what.place] if known else list(what.limits)
    wait = max(counted[subject].locked_for(now) if subject in counted else 0 for subject in binding)
    if wait:
        raise SignInLocked(retry_after=wait)


async def count(tx: TenantTransaction, what: Tried, now: datetime) -> None:
    """Count one more failure; :func:`take_turns` comes before."""
    counted = await _read(tx, what)
    after = {
        subject: count_failure(counted.get(subject), limit, now) for subject, limit in what.limits.items()
    }
    await tx.driver.executemany(
        WRITE,
        [
            (tx.tenant_id, subject, each.failures, each.window_started_at, each.locked_until)
            for subject, each in after.items()
        ],
    )


async def let_in(tx: TenantTransaction, what: Tried, now: datetime) -> None:
    """The user got in from here: what failed from here is forgotten, and the place is known from now on.

    What is counted from everywhere stays: each of the user's sign-ins would otherwise give a stranger as many guesses again.
    """
    await tx.driver.execute(FORGET, tx.tenant_id, [what.here])
    await tx.driver.execute(REMEMBER, tx.tenant_id, what.here, now)


async def _read(tx: TenantTransaction, what: Tried) -> dict[bytes, Attempts]:
    rows = await tx.driver.fetch(READ, tx.tenant_id, list(what.limits))
    return {
        row["subject"]: Attempts(row["failures"], row["window_started_at"], row["locked_until"])
        for row in rows
    }
