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
from daicho.identity import links
from daicho.identity.cards import email_digest, open_card
from daicho.identity.directory import ACTIVE, lock_active_user, lock_tenant, tenant_of_code
from daicho.identity.faults import EmailUnconfirmed, RefreshReused, WrongCredentials
from daicho.identity.mail import outbox
from daicho.identity.model import Session, Tenant, User
from daicho.identity.opaque import RefreshToken
from daicho.identity.passwords import Passwords
from daicho.identity.policy import (
    ACCESS_TOKEN_LIFETIME,
    SESSION_IDLE_LIFETIME,
    SESSION_LIFETIME,
    confirmation_overdue,
    judge_refresh,
)
from daicho.identity.sessions import lockout
from daicho.identity.sessions.lockout import Tried
from daicho.identity.sessions.schemas import SignIn, Tokens
from daicho.identity.sessions.tokens import TokenSigner
from daicho.identity.telling import revoke_session, tell_refused, tell_session_ended, tell_signed_in
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
    public_url: str

    async def sign_in(self, given: SignIn, address: str | None) -> Issued:
        """Open a session.

        Raises WrongCredentials, after the same work for an unknown company or address as for a wrong
        password; SignInLocked after too many failures (:mod:`daicho.identity.sessions.lockout`);
        EmailUnconfirmed past the grace, when another confirmation mail is on its way. KeysUnavailable before
        any work: while nothing can be signed nor counted, nobody may try passwords.
        """
        await self.keyring.require_store()
        tenant_id = await tenant_of_code(self.database, given.tenant.strip().lower())
        if tenant_id is None:
            await self.passwords.verify(None, given.password)
            raise WrongCredentials
        keys = await self.keyring.open(tenant_id)
        actor = Actor(tenant_id=tenant_id, kind="public", address=address)
        digest = email_digest(keys, given.email)
        what = lockout.tried(keys, digest, address)
        async with self.database.reading(actor) as tx:
            await lockout.refuse_locked(tx, what, self.clock())
            user = await tx.session.scalar(
                select(User).where(User.tenant_id == tenant_id, User.email_digest == digest)
            )
            tenant = await tx.session.get(Tenant, tenant_id)
        stands = user is not None and not user.disabled and tenant is not None and tenant.status == ACTIVE
        right = await self.passwords.verify(user.password_hash if user and stands else None, given.password)
        if user is None or tenant is None or not right:
            await self._refuse(actor, what, user)
            raise WrongCredentials
        if confirmation_overdue(
            confirmed_at=tenant.confirmed_at, created_at=tenant.created_at, now=self.clock()
        ):
            await self._remind(actor, keys, user)
            raise EmailUnconfirmed
        return await self._open(actor, keys, user, what, given.password)

    async def refresh(self, text: str, address: str | None) -> Issued:
        """The next tokens of a family.

        Callers that race with one token within ten seconds all get the same successor; a token that comes
        later than that a second time ends the family. Raises Unauthenticated, RefreshReused.
        """
        token = RefreshToken.read(text)
        if token is None:
            raise Unauthenticated
        await self.keyring.require_store()
        actor = Actor(tenant_id=token.tenant_id, kind="public", address=address)
        now = self.clock()
        async with self.database.reading(actor) as tx:
            session = await self._standing(tx, token, now)
        keys = await self.keyring.open(token.tenant_id)
        secret = keys.unseal(_TABLE, session.id, "secret", session.secret)
        if not token.genuine(secret):
            raise Unauthenticated
        # Signed before the family moves on: were the key store away after that, the caller would be left
        # with a token that is used up.
        access = await self._sign(token.tenant_id, session.user_id, session.id)
        async with self.database.transaction(actor) as tx:
            if await lock_active_user(tx, session.user_id, session.credential_generation) is None:
                raise Unauthenticated
            generation = await self._rotate(tx, token, now)
            if generation is None:
                await self._end(tx, session, "refresh_reused", now)
        if generation is None:
            raise RefreshReused
        refresh = RefreshToken.derive(token.tenant_id, token.family, generation=generation, secret=secret)
        return Issued(access, str(refresh))

    async def sign_out(self, actor: Actor, session_id: UUID) -> None:
        """End one of the caller's sessions; nothing happens when it is not theirs or has ended."""
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

    async def _standing(self, tx: TenantTransaction, token: RefreshToken, now: datetime) -> Session:
        """The token's session, if it, its user and its tenant stand. Raises Unauthenticated, EmailUnconfirmed."""
        session = await tx.session.get(Session, (tx.tenant_id, token.family))
        if session is None or session.ended_at is not None:
            raise Unauthenticated
        if min(session.expires_at, session.rotated_at + SESSION_IDLE_LIFETIME) <= now:
            raise Unauthenticated
        user = await tx.session.get(User, (tx.tenant_id, session.user_id))
        tenant = await tx.session.get(Tenant, tx.tenant_id)
        if user is None or user.disabled or tenant is None or tenant.status != ACTIVE:
            raise Unauthenticated
        if session.credential_generation != user.credential_generation:
            raise Unauthenticated
        if confirmation_overdue(confirmed_at=tenant.confirmed_at, created_at=tenant.created_at, now=now):
            raise EmailUnconfirmed
        return session

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
        held = (
            await tx.session.execute(
                select(Session.generation, Session.rotated_at, Session.ended_at)
                .where(*this)
                .with_for_update()
            )
        ).one()
        if held.ended_at is not None:
            raise Unauthenticated
        turn = judge_refresh(
            presented=token.generation, current=held.generation, rotated_at=held.rotated_at, now=now
        )
        return token.generation + 1 if turn == "repeat" else None

    async def _end(self, tx: TenantTransaction, session: Session, reason: str, now: datetime) -> None:
        await tx.session.execute(
            update(Session)
            .where(Session.tenant_id == tx.tenant_id, Session.id == session.id)
            .values(ended_at=now, end_reason=reason)
        )
        await tell_session_ended(tx, session.id, session.user_id, reason)
        await revoke_session(tx, session.id, session.user_id)

    async def _refuse(self, actor: Actor, what: Tried, user: User | None) -> None:
        """Count the failure and tell it, whether or not the address is anybody's.

        Of many guesses sent at once only as many are answered as were let in one after the other: raises
        SignInLocked for the rest.
        """
        now = self.clock()
        async with self.database.transaction(actor) as tx:
            await lockout.take_turns(tx, what)
            await lockout.refuse_locked(tx, what, now)
            await lockout.count(tx, what, now)
            await tell_refused(tx, user.id if user else None, "wrong_password" if user else "unknown")

    async def _remind(self, actor: Actor, keys: TenantKeys, user: User) -> None:
        """Mail the confirmation again to somebody who has just proved who they are; not twice in a while."""
        now = self.clock()
        async with self.database.transaction(actor) as tx:
            tenant = await lock_tenant(tx)
            if tenant.confirmed_at is not None or await links.drawn_lately(tx, "confirmation", user.id, now):
                return
            card = open_card(keys, "account", user.id, user.card)
            await outbox.post_confirmation(tx, keys, now, self.public_url, user, card, tenant.code)

    async def _open(self, actor: Actor, keys: TenantKeys, user: User, what: Tried, password: str) -> Issued:
        """A session of ``user``, as whom they were read when ``password`` was verified.

        Raises SignInLocked; WrongCredentials when the user was disabled, the password changed or the company closed
        since.
        """
        now, session_id, secret = self.clock(), SessionId(uuid7()), secrets.token_bytes(32)
        fresh = await self.passwords.hash(password) if self.passwords.outdated(user.password_hash) else None
        # Before the session is written: without a token it would be nobody's.
        access = await self._sign(actor.tenant_id, user.id, session_id)
        as_user = replace(actor, kind="user", user_id=UserId(user.id), session_id=session_id)
        async with self.database.transaction(as_user) as tx:
            # Guesses that ran beside this one may have locked it since: the right one must not slip through.
            await lockout.take_turns(tx, what)
            await lockout.refuse_locked(tx, what, now)
            standing = await lock_active_user(tx, user.id, user.credential_generation)
            if standing is None:
                raise WrongCredentials
            session = Session(
                id=session_id,
                user_id=user.id,
                secret=keys.seal(_TABLE, session_id, "secret", secret),
                generation=0,
                credential_generation=standing.credential_generation,
                address=actor.address,
                created_at=now,
                rotated_at=now,
                expires_at=now + SESSION_LIFETIME,
                ended_at=None,
                end_reason=None,
            )
            tx.session.add(session)
            await lockout.let_in(tx, what, now)
            if fresh is not None:
                standing.password_hash = fresh
            await tell_signed_in(tx, session)
        refresh = RefreshToken.derive(actor.tenant_id, session_id, generation=0, secret=secret)
        return Issued(access, str(refresh))

    async def _sign(self, tenant_id: TenantId, user_id: UUID, session_id: UUID) -> str:
        return await self.signer.sign(tenant_id, UserId(user_id), SessionId(session_id), self.clock())
