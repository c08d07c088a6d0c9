"""Use cases of users: who there is, changing them, resetting passwords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import select, update

from daicho.faults import (
    FieldFault,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Unauthenticated,
    listed,
)
from daicho.identity import links, policy
from daicho.identity.cards import Card, email_digest, open_card, seal_card
from daicho.identity.directory import ACTIVE, count_owners, lock_tenant, lock_user, tenant_of_code
from daicho.identity.faults import LastOwner
from daicho.identity.mail import outbox
from daicho.identity.model import Session, Team, Tenant, User
from daicho.identity.passwords import Passwords
from daicho.identity.permissions import ROLES
from daicho.identity.sessions import lockout
from daicho.identity.telling import revoke_grants, revoke_session, tell_session_ended, tell_user
from daicho.identity.users.authority import MANAGE, Standing, find_authority
from daicho.identity.users.schemas import UserPatch, UserView
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, Grants, TenantTransaction


@dataclass(frozen=True, slots=True)
class Users:
    """Lists and changes users."""

    database: Database
    keyring: Keyring
    passwords: Passwords
    clock: Clock
    public_url: str

    async def read_user(self, actor: Actor, user_id: UUID) -> UserView:
        """One user. Raises NotFound."""
        keys = await self.keyring.open(actor.tenant_id)
        async with self.database.reading(actor) as tx:
            user = await tx.session.get(User, (tx.tenant_id, user_id))
            if user is None:
                raise NotFound
            return view_of(keys, user)

    async def list_users(self, actor: Actor, *, after: UUID, count: int) -> Sequence[UserView]:
        """Users by age, those after ``after``."""
        keys = await self.keyring.open(actor.tenant_id)
        async with self.database.reading(actor) as tx:
            found = await tx.session.scalars(
                select(User)
                .where(User.tenant_id == tx.tenant_id, User.id > after)
                .order_by(User.id)
                .limit(count)
            )
            return [view_of(keys, user) for user in found]

    async def change_user(
        self, actor: Actor, grants: Grants, user_id: UUID, version: int, patch: UserPatch
    ) -> UserView:
        """Change a user; demotion and disabling hold in every service within a second.

        Anybody may change their own name and language. Raises NotFound, Forbidden, PreconditionFailed, Invalid,
        LastOwner.
        """
        manages = user_id != actor.user_id or _touches_rights(patch)
        if manages and not grants.allows(MANAGE):
            raise Forbidden
        keys = await self.keyring.open(actor.tenant_id)
        async with self.database.transaction(actor) as tx:
            # Behind the tenant's lock two owners cannot demote each other at the same moment.
            await lock_tenant(tx)
            # Before anything is written: what the caller is now, and not after the change.
            authority = await find_authority(tx, actor.user_id, actor.session_id)
            user = await _lock_version(tx, user_id, version)
            wanted = None if patch.role is UNSET else patch.role
            if not policy.may_touch_user(
                caller_role=grants.role or "", target_role=user.role, wanted_role=wanted
            ):
                raise Forbidden
            before = Standing.of(user)
            await self._apply(tx, keys, user, patch)
            rights = before.rights != Standing.of(user).rights
            if rights and (await count_owners(tx)) == 0:
                raise LastOwner
            if authority is None:
                raise Unauthenticated
            if manages:
                authority.check_change(before, Standing.of(user))
            await self._tell_change(tx, keys, user, rights=rights)
            return view_of(keys, user)

    async def request_reset(self, tenant: str, email: str, address: str | None) -> None:
        """Mail a link to choose a new password, unless one was mailed a moment ago.

        Says nothing about whether there is such a user, nor does the time it takes: for nobody the same is
        sealed and written, and thrown away later.
        """
        tenant_id = await tenant_of_code(self.database, tenant.strip().lower())
        if tenant_id is None:
            return
        keys = await self.keyring.open(tenant_id)
        now = self.clock()
        actor = Actor(tenant_id=tenant_id, kind="public", address=address)
        async with self.database.transaction(actor) as tx:
            user = await links.asked_by(tx, "reset", email_digest(keys, email), now)
            found = await tx.session.get(Tenant, tenant_id)
            if user is None or found is None or found.status != ACTIVE:
                await outbox.post_nothing(tx, keys, now, "reset")
                return
            card = open_card(keys, "account", user.id, user.card)
            token = links.draw_link(
                tx, "reset", user.id, now, credential_generation=user.credential_generation
            )
            await outbox.post(
                tx,
                keys,
                now,
                kind="reset",
                to=card.email,
                language=card.language,
                name=card.display_name,
                company=found.company_name,
                code=found.code,
                public_url=self.public_url,
                link=links.url_of(self.public_url, "reset", token),
            )

    async def complete_reset(self, text: str, password: str, address: str | None) -> None:
        """Set a new password by a mailed link; every session of the user ends. Raises LinkSpent, Invalid."""
        token = links.read_link("reset", text)
        if fault := policy.password_length_fault("/password", password):
            raise Invalid([fault])
        now = self.clock()
        actor = Actor(tenant_id=token.tenant_id, kind="public", address=address)
        async with self.database.reading(actor) as tx:
            user = await links.check_link(tx, token, now)
            tenant = await tx.session.get(Tenant, tx.tenant_id)
        keys = await self.keyring.open(token.tenant_id)
        card = open_card(keys, "account", user.id, user.card)
        company = (tenant.code, tenant.company_name) if tenant else ()
        # The link stays good for another try.
        if fault := await self.passwords.judge(
            "/password", password, card.email, card.display_name, *company
        ):
            raise Invalid([fault])
        fresh = await self.passwords.hash(password)
        async with self.database.transaction(actor) as tx:
            user = await links.spend_link(tx, token, now)
            card = open_card(keys, "account", user.id, user.card)
            user.password_hash = fresh
            user.version += 1
            user.updated_at = now
            # Whoever reads the user's mail is the user: they get in from here, whatever strangers try elsewhere.
            await lockout.let_in(tx, lockout.tried(keys, user.email_digest, address), now)
            ended = await self._end_sessions(tx, user, now)
            await tell_user(tx, keys, user, card)
            for session_id in ended:
                await tell_session_ended(tx, session_id, user.id, "password_reset")
            # One by one: "every token from before now" would take in those of a sign-in within this second.
            for session_id in ended:
                await revoke_session(tx, session_id, user.id)

    async def _tell_change(
        self, tx: TenantTransaction, keys: TenantKeys, user: User, *, rights: bool
    ) -> None:
        """Number and tell a change of a locked user; of their rights, so that they hold in every service at once."""
        now = self.clock()  # behind the locks: a session that began while this waited began earlier
        user.version += 1
        user.updated_at = now
        ended = await self._end_sessions(tx, user, now) if rights and user.disabled else []
        await tell_user(tx, keys, user, open_card(keys, "account", user.id, user.card))
        for session_id in ended:
            await tell_session_ended(tx, session_id, user.id, "disabled")
        for session_id in ended:
            await revoke_session(tx, session_id, user.id)
        if rights:
            await revoke_grants(tx, user.id, tokens_before=now if user.disabled else None)

    async def _apply(self, tx: TenantTransaction, keys: TenantKeys, user: User, patch: UserPatch) -> None:
        """Write the members that ``patch`` sets. Raises Invalid."""
        faults: list[FieldFault] = []
        card = open_card(keys, "account", user.id, user.card)
        if patch.display_name is not UNSET:
            fault = policy.line_fault("/display_name", patch.display_name, maximum=100)
            faults += [fault] if fault else []
            card = msgspec.structs.replace(card, display_name=patch.display_name.strip())
        if patch.language is not UNSET:
            card = msgspec.structs.replace(card, language=patch.language)
        if patch.role is not UNSET and patch.role not in ROLES:
            faults.append(FieldFault("/role", "unknown_role", {"options": listed(ROLES)}))
        if patch.team_id is not UNSET and not await team_exists(tx, patch.team_id):
            faults.append(FieldFault("/team_id", "unknown_team"))
        if patch.successor_id is not UNSET and not await _may_succeed(tx, user.id, patch.successor_id):
            faults.append(FieldFault("/successor_id", "unknown_user"))
        if faults:
            raise Invalid(faults)
        if user.disabled and patch.disabled is False:
            user.successor_id = None  # who is back keeps what is still theirs
        user.role = user.role if patch.role is UNSET else patch.role
        user.team_id = user.team_id if patch.team_id is UNSET else patch.team_id
        user.disabled = user.disabled if patch.disabled is UNSET else patch.disabled
        user.successor_id = user.successor_id if patch.successor_id is UNSET else patch.successor_id
        user.card = seal_card(keys, "account", user.id, card)
        await tx.session.flush()

    async def _end_sessions(self, tx: TenantTransaction, user: User, now: datetime) -> Sequence[UUID]:
        """End every session of a locked user, and what sign-ins and links under way have verified; answers those
        that stood."""
        user.credential_generation += 1
        ended = await tx.session.scalars(
            update(Session)
            .where(Session.tenant_id == tx.tenant_id, Session.user_id == user.id, Session.ended_at.is_(None))
            .values(ended_at=now, end_reason="revoked")
            .returning(Session.id)
        )
        return ended.all()


def _touches_rights(patch: UserPatch) -> bool:
    return any(each is not UNSET for each in (patch.role, patch.team_id, patch.disabled, patch.successor_id))


async def _lock_version(tx: TenantTransaction, user_id: UUID, version: int) -> User:
    """A user, locked. Raises NotFound, PreconditionFailed."""
    user = await lock_user(tx, user_id)
    if user is None:
        raise NotFound
    if user.version != version:
        raise PreconditionFailed(version=user.version)
    return user


async def team_exists(tx: TenantTransaction, team_id: UUID | None) -> bool:
    """Whether the tenant has such a team; no team at all is fine."""
    return team_id is None or await tx.session.get(Team, (tx.tenant_id, team_id)) is not None


async def _may_succeed(tx: TenantTransaction, leaver: UUID, successor: UUID | None) -> bool:
    if successor is None:
        return True
    user = await tx.session.get(User, (tx.tenant_id, successor))
    return user is not None and not user.disabled and user.id != leaver


def view_of(keys: TenantKeys, user: User) -> UserView:
    """A user as the API shows them."""
    card: Card = open_card(keys, "account", user.id, user.card)
    return UserView(
        id=user.id,
        version=user.version,
        email=card.email,
        display_name=card.display_name,
        language=card.language,
        role=user.role,
        team_id=user.team_id,
        disabled=user.disabled,
        successor_id=user.successor_id,
        created_at=user.created_at,
    )
