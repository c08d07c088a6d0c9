"""Use cases of invitations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from daicho.faults import FieldFault, Forbidden, Invalid, NotFound, listed
from daicho.identity import links, opaque, policy
from daicho.identity.cards import Card, email_digest, open_card, seal_card
from daicho.identity.directory import lock_tenant
from daicho.identity.faults import LinkSpent
from daicho.identity.mail import outbox
from daicho.identity.model import Invitation, Tenant, User
from daicho.identity.opaque import Link
from daicho.identity.passwords import Passwords
from daicho.identity.permissions import ROLES
from daicho.identity.telling import tell_invitation, tell_user
from daicho.identity.users.authority import MANAGE, Authority, authority_of_caller, find_authority
from daicho.identity.users.schemas import Acceptance, Accepted, InvitationInput, InvitationView
from daicho.identity.users.service import team_exists, view_of
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, TenantTransaction, UserId, translates, uuid7


@dataclass(frozen=True, slots=True)
class Invitations:
    """Asks people in."""

    database: Database
    keyring: Keyring
    passwords: Passwords
    clock: Clock
    public_url: str

    async def invite(
        self, tx: TenantTransaction, keys: TenantKeys, given: Sequence[InvitationInput]
    ) -> list[InvitationView]:
        """Ask every address in, each by a mail; an open invitation of before is replaced.

        All or none: raises Invalid, naming each wrong one, or one that replaces what the caller could not have given;
        Forbidden when one asks for a role above the caller's.
        """
        # Behind the tenant's lock two callers cannot ask the same address in, nor remove a team meanwhile.
        tenant = await lock_tenant(tx)
        faults = await self.check(tx, keys, given)
        if faults:
            raise Invalid(faults)
        authority = await authority_of_caller(tx)
        authority.require(MANAGE)
        if not authority.outranks(*(each.role for each in given)):
            raise Forbidden
        if faults := await self._faults_of_reach(tx, keys, authority, given):
            raise Invalid(faults)
        inviter = await tx.session.get(User, (tx.tenant_id, tx.actor.user_id))
        if inviter is None:
            raise Forbidden
        name = view_of(keys, inviter).display_name
        return [await self._ask(tx, keys, tenant, name, each) for each in given]

    async def list_invitations(self, actor: Actor) -> list[InvitationView]:
        """The newest 200 invitations."""
        keys, now = await self.keyring.open(actor.tenant_id), self.clock()
        async with self.database.reading(actor) as tx:
            found = await tx.session.scalars(
                select(Invitation)
                .where(Invitation.tenant_id == tx.tenant_id)
                .order_by(Invitation.id.desc())
                .limit(200)
            )
            listed = found.all()
            inviters = {each.invited_by for each in listed if each.status == "open" and each.expires_at > now}
            authorities = {inviter: await find_authority(tx, UserId(inviter)) for inviter in inviters}
            return [
                _view(keys, each, valid=_is_valid(each, authorities.get(each.invited_by))) for each in listed
            ]

    async def withdraw(self, actor: Actor, invitation_id: UUID) -> None:
        """Take an open invitation back. Raises NotFound; Forbidden for one that the caller could not have given."""
        async with self.database.transaction(actor) as tx:
            await lock_tenant(tx)
            authority = await authority_of_caller(tx)
            authority.require(MANAGE)
            found = await tx.session.get(Invitation, (tx.tenant_id, invitation_id), with_for_update=True)
            if found is None or found.status != "open":
                raise NotFound
            if not authority.may_give(found.role, found.team_id):
                raise Forbidden
            found.status = "withdrawn"
            found.version += 1
            await tell_invitation(tx, found)

    @translates({"uq_account_email": LinkSpent})
    async def accept(self, given: Acceptance, address: str | None) -> Accepted:
        """Become a user by a mailed link. Of two who accept, one does.

        Raises Invalid; LinkSpent, also when whoever invited may not give as much any more.
        """
        token = Link.read(opaque.INVITATION, given.token)
        if token is None:
            raise LinkSpent
        faults = [
            policy.line_fault("/display_name", given.display_name, maximum=100),
            policy.password_length_fault("/password", given.password),
        ]
        if found := [fault for fault in faults if fault is not None]:
            raise Invalid(found)
        now, user_id = self.clock(), uuid7()
        actor = Actor(tenant_id=token.tenant_id, kind="public", address=address)
        async with self.database.reading(actor) as tx:
            # Nothing is worked for a token that somebody made up.
            opened = await tx.session.scalar(select(Invitation).where(*_is_open(token, now)))
            company = await tx.session.get(Tenant, tx.tenant_id)
        if opened is None or company is None:
            raise LinkSpent
        keys = await self.keyring.open(token.tenant_id)
        asked = open_card(keys, "invitation", opened.id, opened.card)
        personal = (asked.email, given.display_name, company.code, company.company_name)
        # The link stays good for another try.
        if fault := await self.passwords.judge("/password", given.password, *personal):
            raise Invalid([fault])
        password_hash = await self.passwords.hash(given.password)
        async with self.database.transaction(replace(actor, kind="user", user_id=UserId(user_id))) as tx:
            # First the tenant, then its invitation: whoever invites locks in this order, too.
            tenant = await lock_tenant(tx)
            taken = await tx.session.execute(
                update(Invitation)
                .where(*_is_open(token, now))
                .values(status="accepted", version=Invitation.version + 1)
                .returning(Invitation)
            )
            invitation = taken.scalar_one_or_none()
            if invitation is None:
                raise LinkSpent
            if not _is_valid(invitation, await find_authority(tx, UserId(invitation.invited_by))):
                raise LinkSpent
            # The team may have been removed since.
            team_id = invitation.team_id if await team_exists(tx, invitation.team_id) else None
            card = Card(asked.email, given.display_name.strip(), asked.language)
            user = User(
                id=user_id,
                role=invitation.role,
                team_id=team_id,
                disabled=False,
                successor_id=None,
                email_digest=invitation.email_digest,
                card=seal_card(keys, "account", user_id, card),
                password_hash=password_hash,
                credential_generation=0,
                version=1,
                created_at=now,
                updated_at=now,
            )
            tx.session.add(user)
            await tell_invitation(tx, invitation)
            await tell_user(tx, keys, user, card)
            return Accepted(tenant=tenant.code, email=card.email, user_id=user_id)

    async def check(
        self, tx: TenantTransaction, keys: TenantKeys, given: Sequence[InvitationInput]
    ) -> list[FieldFault]:
        """What is wrong with each entry."""
        faults: list[FieldFault] = []
        seen: set[bytes] = set()
        for place, each in enumerate(given):
            pointer = f"/invitations/{place}"
            if fault := policy.email_fault(f"{pointer}/email", each.email):
                faults.append(fault)
                continue
            digest = email_digest(keys, each.email)
            if digest in seen:
                faults.append(FieldFault(f"{pointer}/email", "repeated"))
            seen.add(digest)
            member = await tx.session.scalar(
                select(User.id).where(User.tenant_id == tx.tenant_id, User.email_digest == digest)
            )
            if member is not None:
                faults.append(FieldFault(f"{pointer}/email", "already_member"))
            if each.role not in ROLES:
                faults.append(FieldFault(f"{pointer}/role", "unknown_role", {"options": listed(ROLES)}))
            if not await team_exists(tx, each.team_id):
                faults.append(FieldFault(f"{pointer}/team_id", "unknown_team"))
        return faults

    async def _faults_of_reach(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        authority: Authority,
        given: Sequence[InvitationInput],
    ) -> list[FieldFault]:
        """What each entry gives, or replaces, beyond the caller."""
        faults: list[FieldFault] = []
        for place, each in enumerate(given):
            pointer = f"/invitations/{place}"
            faults += authority.faults_of_giving(
                each.role, each.team_id, role_pointer=f"{pointer}/role", team_pointer=f"{pointer}/team_id"
            )
            replaced = await tx.session.scalar(
                select(Invitation).where(
                    Invitation.tenant_id == tx.tenant_id,
                    Invitation.email_digest == email_digest(keys, each.email),
                    Invitation.status == "open",
                    Invitation.expires_at > self.clock(),
                )
            )
            if replaced is not None and not authority.may_give(replaced.role, replaced.team_id):
                faults.append(FieldFault(f"{pointer}/email", "invited_beyond_own"))
        return faults

    async def _ask(
        self, tx: TenantTransaction, keys: TenantKeys, tenant: Tenant, inviter: str, each: InvitationInput
    ) -> InvitationView:
        now, invitation_id = self.clock(), uuid7()
        token = Link.draw(opaque.INVITATION, tx.tenant_id)
        card = Card(each.email.strip(), "", each.language)
        digest = email_digest(keys, each.email)
        await tx.session.execute(
            update(Invitation)
            .where(
                Invitation.tenant_id == tx.tenant_id,
                Invitation.email_digest == digest,
                Invitation.status == "open",
            )
            .values(status="withdrawn", version=Invitation.version + 1)
        )
        invitation = Invitation(
            id=invitation_id,
            digest=token.digest,
            email_digest=digest,
            card=seal_card(keys, "invitation", invitation_id, card),
            role=each.role,
            team_id=each.team_id,
            status="open",
            invited_by=tx.actor.user_id,
            version=1,
            created_at=now,
            expires_at=now + policy.INVITATION_LIFETIME,
        )
        tx.session.add(invitation)
        await tell_invitation(tx, invitation)
        await outbox.post(
            tx,
            keys,
            now,
            kind="invitation",
            to=card.email,
            language=card.language,
            name=inviter,
            company=tenant.company_name,
            code=tenant.code,
            public_url=self.public_url,
            link=links.url_of(self.public_url, "invitation", token),
        )
        return _view(keys, invitation, valid=True)


def _is_valid(invitation: Invitation, inviter: Authority | None) -> bool:
    """Whether an invitation still says no more than whoever invited may give."""
    return inviter is not None and inviter.may_give(invitation.role, invitation.team_id)


def _is_open(token: Link, now: datetime) -> Sequence[ColumnElement[bool]]:
    """What is true of the invitation that ``token`` accepts."""
    return (
        Invitation.tenant_id == token.tenant_id,
        Invitation.digest == token.digest,
        Invitation.status == "open",
        Invitation.expires_at > now,
    )


def _view(keys: TenantKeys, invitation: Invitation, *, valid: bool) -> InvitationView:
    card = open_card(keys, "invitation", invitation.id, invitation.card)
    return InvitationView(
        id=invitation.id,
        email=card.email,
        role=invitation.role,
        team_id=invitation.team_id,
        status=invitation.status,
        invited_by=invitation.invited_by,
        valid=valid,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )
