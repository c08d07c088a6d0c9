"""Use cases of sessions: signing in, going on, signing out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from daicho.faults import Unauthenticated
from daicho.identity.cards import email_digest
from daicho.identity.directory import ACTIVE, tenant_of_code
from daicho.identity.faults import EmailUnconfirmed, RefreshReused, SignInLocked, WrongCredentials
from daicho.identity.model import AttemptRow, Session, Tenant, User
from daicho.identity.opaque import RefreshToken
from daicho.identity.passwords import Passwords
from daicho.identity.policy import (
    ACCESS_TOKEN_LIFETIME,
    SESSION_IDLE_LIFETIME,
    SESSION_LIFETIME,
    USER_LOCKOUT,
    Attempts,
    confirmation_overdue,
    count_failure,
    judge_refresh,
)
from daicho.identity.sessions.schemas import SignIn, Tokens
from daicho.identity.sessions.tokens import TokenSigner
from daicho.identity.telling import tell_refused, tell_session_ended, tell_signed_in
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, SessionId, TenantId, TenantTransaction, UserId, uuid7

_TABLE: Final = "session"
_ROTATE = (
    update(Session)
    .where(Session.ended_at.is_(None))
    .returning(Session.generation, Session.user_id)
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True, slots=True)
class Issued:
    """The tokens of one sign-in or refresh."""

    access_token: str
    refresh_token: str

    def shown(self, *, cookies: bool) -> Tokens:
        """As the API answers them."""
        return Tokens(
            access_token=None if cookies else self.access_token,
            refresh_token=None if cookies else self.refresh_token,
            expires_in=int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        )


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens, continues and ends sessions."""

    database: Database
    keyring: Keyring
    passwords: Passwords
    signer: TokenSigner
    clock: Clock

    async def sign_in(self, given: SignIn, address: str | None) -> Issued:
        """Open a session.

        Raises WrongCredentials, after the same work for an unknown company or address as for a wrong
        password; SignInLocked after too many failures for the address; EmailUnconfirmed past the grace.
        """
        tenant_id = await tenant_of_code(self.database, given.tenant.strip().lower())
        if tenant_id is None:
            await self.passwords.verify(None, given.password)
            raise WrongCredentials
        keys = await self.keyring.open(tenant_id)
        actor = Actor(tenant_id=tenant_id, kind="public", address=address)
        digest = email_digest(keys, given.email)
        async with self.database.reading(actor) as tx:
            attempts = await _attempts(tx, digest)
            user = await tx.session.scalar(
                select(User).where(User.tenant_id == tenant_id, User.email_digest == digest)
            )
            tenant = await tx.session.get(Tenant, tenant_id)
        if attempts is not None and (wait := attempts.locked_for(self.clock())):
            raise SignInLocked(retry_after=wait)
        stands = user is not None and not user.disabled and tenant is not None and tenant.status == ACTIVE
        right = await self.passwords.verify(user.password_hash if user and stands else None, given.password)
        if user is None or tenant is None or not right:
            await self._refuse(actor, digest, user)
            raise WrongCredentials
        if confirmation_overdue(
            confirmed_at=tenant.confirmed_at, created_at=tenant.created_at, now=self.clock()
        ):
            raise EmailUnconfirmed
        return await self._open(actor, keys, user, digest, given.password)

    async def refresh(self, text: str, address: str | None) -> Issued:
        """The next tokens of a family.

        Callers that race with one token within ten seconds all get the same successor; a token that comes
        later than that a second time ends the family. Raises Unauthenticated, RefreshReused.
        """
        token = RefreshToken.read(text)
        if token is None:
            raise Unauthenticated
        keys = await self.keyring.open(token.tenant_id)
        actor = Actor(tenant_id=token.tenant_id, kind="public", address=address)
        now = self.clock()
        reused = False
        async with self.database.transaction(actor) as tx:
            session = await tx.session.scalar(
                select(Session).where(Session.tenant_id == token.tenant_id, Session.id == token.family)
            )
            if session is None:
                raise Unauthenticated
            secret = keys.unseal(_TABLE, session.id, "secret", session.secret)
            if not token.genuine(secret) or not await self._user_stands(tx, session.user_id):
                raise Unauthenticated
            idle = session.rotated_at + SESSION_IDLE_LIFETIME
            if session.ended_at is not None or min(session.expires_at, idle) <= now:
                raise Unauthenticated
            generation = await self._rotate(tx, token, now)
            if generation is None:
                reused = True
                await self._end(tx, session, "refresh_reused", now)
        if reused:
            raise RefreshReused
        assert generation is not None  # noqa: S101 else it was reused
        return await self._issue(token.tenant_id, UserId(session.user_id), token.family, secret, generation)

    async def sign_out(self, actor: Actor, session_id: UUID) -> None:
        """End one of the caller's sessions; nothing happens when it is none of his or has ended."""
        async with self.database.transaction(actor) as tx:
            session = await tx.session.scalar(
                select(Session)
                .where(Session.tenant_id == tx.tenant_id, Session.id == session_id)
                .with_for_update()
            )
            if session is not None and session.user_id == actor.user_id and session.ended_at is None:
                await self._end(tx, session, "signed_out", self.clock())

    async def list_sessions(self, actor: Actor) -> Sequence[Session]:
        """The caller's sessions that stand, newest first."""
        async with self.database.reading(actor) as tx:
            found = await tx.session.scalars(
                select(Session)
                .where(
                    Session.tenant_id == tx.tenant_id,
                    Session.user_id == actor.user_id,
                    Session.ended_at.is_(None),
                    Session.expires_at > self.clock(),
                )
                .order_by(Session.id.desc())
            )
            return found.all()

    async def _user_stands(self, tx: TenantTransaction, user_id: UUID) -> bool:
        user = await tx.session.get(User, (tx.tenant_id, user_id))
        tenant = await tx.session.get(Tenant, tx.tenant_id)
        return user is not None and not user.disabled and tenant is not None and tenant.status == ACTIVE

    async def _rotate(self, tx: TenantTransaction, token: RefreshToken, now: datetime) -> int | None:
        """The generation to answer: the new one, or the same again to a racing caller; None for a reuse.

        One UPDATE decides: of any number of callers with one token, one moves the family on.
        """
        this = (Session.tenant_id == token.tenant_id, Session.id == token.family)
        moved = await tx.session.execute(
            _ROTATE.where(*this, Session.generation == token.generation).values(
                generation=token.generation + 1, rotated_at=now
            )
        )
        if moved.first() is not None:
            return token.generation + 1
        held = (await tx.session.execute(select(Session.generation, Session.rotated_at).where(*this))).one()
        turn = judge_refresh(presented=token.generation, current=held[0], rotated_at=held[1], now=now)
        return held[0] if turn == "repeat" else None

    async def _end(self, tx: TenantTransaction, session: Session, reason: str, now: datetime) -> None:
        await tx.session.execute(
            update(Session)
            .where(Session.tenant_id == tx.tenant_id, Session.id == session.id)
            .values(ended_at=now, end_reason=reason)
        )
        await tell_session_ended(tx, session.id, session.user_id, reason)

    async def _refuse(self, actor: Actor, digest: bytes, user: User | None) -> None:
        """Count the failure and tell it, whether or not the address is anybody's."""
        now = self.clock()
        async with self.database.transaction(actor) as tx:
            await tx.driver.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"attempt:{digest.hex()}"
            )
            counted = count_failure(await _attempts(tx, digest), USER_LOCKOUT, now)
            await tx.session.merge(
                AttemptRow(
                    tenant_id=actor.tenant_id,
                    subject=digest,
                    failures=counted.failures,
                    window_started_at=counted.window_started_at,
                    locked_until=counted.locked_until,
                )
            )
            await tell_refused(tx, user.id if user else None, "wrong_password" if user else "unknown")

    async def _open(self, actor: Actor, keys: TenantKeys, user: User, digest: bytes, password: str) -> Issued:
        now, session_id, secret = self.clock(), SessionId(uuid7()), secrets.token_bytes(32)
        fresh = await self.passwords.hash(password) if self.passwords.outdated(user.password_hash) else None
        as_user = replace(actor, kind="user", user_id=UserId(user.id), session_id=session_id)
        async with self.database.transaction(as_user) as tx:
            session = Session(
                id=session_id,
                user_id=user.id,
                secret=keys.seal(_TABLE, session_id, "secret", secret),
                generation=0,
                address=actor.address,
                created_at=now,
                rotated_at=now,
                expires_at=now + SESSION_LIFETIME,
                ended_at=None,
                end_reason=None,
            )
            tx.session.add(session)
            await tx.driver.execute(
                "DELETE FROM attempt WHERE tenant_id = $1 AND subject = $2", tx.tenant_id, digest
            )
            if fresh is not None:
                await tx.session.execute(
                    update(User)
                    .where(User.tenant_id == tx.tenant_id, User.id == user.id)
                    .values(password_hash=fresh)
                )
            await tell_signed_in(tx, session)
        return await self._issue(actor.tenant_id, UserId(user.id), session_id, secret, 0)

    async def _issue(
        self, tenant_id: TenantId, user_id: UserId, session_id: SessionId, secret: bytes, generation: int
    ) -> Issued:
        access = await self.signer.sign(tenant_id, user_id, session_id, self.clock())
        refresh = RefreshToken.derive(tenant_id, session_id, generation=generation, secret=secret)
        return Issued(access, str(refresh))


async def _attempts(tx: TenantTransaction, digest: bytes) -> Attempts | None:
    row = await tx.session.get(AttemptRow, (tx.tenant_id, digest))
    return None if row is None else Attempts(row.failures, row.window_started_at, row.locked_until)
