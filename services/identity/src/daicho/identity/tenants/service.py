"""Use cases of tenants: signing up, confirming the address."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from sqlalchemy import insert

from daicho.faults import FieldFault, Invalid, NotFound
from daicho.identity import links, policy
from daicho.identity.cards import Card, email_digest, open_card, seal_card
from daicho.identity.directory import ACTIVE, lock_tenant, tenant_of_code
from daicho.identity.faults import CodeTaken
from daicho.identity.mail import outbox
from daicho.identity.model import RoleRow, Tenant, User
from daicho.identity.passwords import Passwords
from daicho.identity.permissions import OWNER, ROLES
from daicho.identity.telling import tell_role, tell_tenant, tell_user
from daicho.identity.tenants.schemas import SignUp
from daicho.keyring import Keyring, TenantKeys, Transit
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, TenantId, TenantTransaction, translates, uuid7


@dataclass(frozen=True, slots=True)
class Tenants:
    """Signs companies up."""

    database: Database
    keyring: Keyring
    transit: Transit
    passwords: Passwords
    clock: Clock
    public_url: str

    async def sign_up(self, given: SignUp, address: str | None) -> Tenant:
        """A new company with its key, its roles and its owner; the confirmation mail is on its way.

        Raises Invalid, naming each wrong member; CodeTaken.
        """
        if wrong := await self.faults_of(given):
            raise Invalid(wrong)
        code = given.code.strip().lower()
        if await tenant_of_code(self.database, code) is not None:
            raise CodeTaken
        await self.keyring.require_store()
        password_hash = await self.passwords.hash(given.admin.password)
        tenant_id = TenantId(uuid7())
        async with AsyncExitStack() as undoing:
            undoing.push_async_callback(self._forget_key, tenant_id, code)
            await self.transit.create_tenant_key(tenant_id)
            keys = await self.keyring.open(tenant_id)
            tenant = await self._write(tenant_id, keys, code, given, password_hash, address)
            undoing.pop_all()
        return tenant

    async def faults_of(self, given: SignUp) -> list[FieldFault]:
        """What is wrong with a sign-up, by itself."""
        admin = given.admin
        faults = [
            policy.code_fault("/code", given.code.strip().lower()),
            policy.line_fault("/company_name", given.company_name, maximum=200),
            policy.email_fault("/admin/email", admin.email),
            policy.line_fault("/admin/display_name", admin.display_name, maximum=100),
            await self.passwords.judge(
                "/admin/password",
                admin.password,
                admin.email,
                admin.display_name,
                given.code,
                given.company_name,
            ),
        ]
        return [fault for fault in faults if fault is not None]

    async def _forget_key(self, tenant_id: TenantId, code: str) -> None:
        """Without a company nobody will ever ask for its key. But an error can also hide a commit."""
        if await tenant_of_code(self.database, code) != tenant_id:
            await self.transit.delete_tenant_key(tenant_id)

    async def confirm_email(self, text: str, address: str | None) -> None:
        """Confirm the address that a company gave; its mail that waited for this leaves. Raises LinkSpent."""
        token = links.read_link("confirmation", text)
        actor = Actor(tenant_id=token.tenant_id, kind="public", address=address)
        now = self.clock()
        async with self.database.transaction(actor) as tx:
            await links.check_link(tx, token, now)
            tenant = await lock_tenant(tx)
            await links.spend_link(tx, token, now)
            if tenant.confirmed_at is None:
                tenant.confirmed_at = now
                tenant.version += 1
                await tell_tenant(tx, tenant)
                await outbox.release(tx)

    async def resend_confirmation(self, tenant: str, email: str, address: str | None) -> None:
        """Mail the confirmation again, if the company waits for it and none was mailed a moment ago.

        Says as little as :meth:`daicho.identity.users.service.Users.request_reset`.
        """
        tenant_id = await tenant_of_code(self.database, tenant.strip().lower())
        if tenant_id is None:
            return
        keys = await self.keyring.open(tenant_id)
        now = self.clock()
        async with self.database.transaction(
            Actor(tenant_id=tenant_id, kind="public", address=address)
        ) as tx:
            user = await links.asked_by(tx, "confirmation", email_digest(keys, email), now)
            found = await tx.session.get(Tenant, tenant_id)
            if user is None or found is None or found.status != ACTIVE or found.confirmed_at is not None:
                await outbox.post_nothing(tx, keys, now, "confirmation")
                return
            card = open_card(keys, "account", user.id, user.card)
            await outbox.post_confirmation(tx, keys, now, self.public_url, user, card, found.code)

    async def read_tenant(self, actor: Actor) -> Tenant:
        """The caller's company. Raises NotFound."""
        async with self.database.reading(actor) as tx:
            found = await tx.session.get(Tenant, tx.tenant_id)
        if found is None:
            raise NotFound
        return found

    @translates({"pk_tenant_code": CodeTaken, "tenant_code_pkey": CodeTaken})
    async def _write(
        self,
        tenant_id: TenantId,
        keys: TenantKeys,
        code: str,
        given: SignUp,
        password_hash: str,
        address: str | None,
    ) -> Tenant:
        now, user_id = self.clock(), uuid7()
        card = Card(given.admin.email.strip(), given.admin.display_name.strip(), given.admin.language)
        async with self.database.transaction(
            Actor(tenant_id=tenant_id, kind="public", address=address)
        ) as tx:
            await tx.driver.execute(
                "INSERT INTO tenant_code (code, owner_tenant_id) VALUES ($1, $2)", code, tenant_id
            )
            tenant = Tenant(
                tenant_id=tenant_id,
                code=code,
                company_name=given.company_name.strip(),
                status=int(ACTIVE),
                version=1,
                created_at=now,
                confirmed_at=None,
            )
            user = User(
                id=user_id,
                role=OWNER,
                team_id=None,
                disabled=False,
                successor_id=None,
                email_digest=email_digest(keys, card.email),
                card=seal_card(keys, "account", user_id, card),
                password_hash=password_hash,
                credential_generation=0,
                version=1,
                created_at=now,
                updated_at=now,
            )
            tx.session.add_all([tenant, user])
            await tell_tenant(tx, tenant)
            await self._write_roles(tx)
            await tell_user(tx, keys, user, card)
            await outbox.post_confirmation(tx, keys, now, self.public_url, user, card, tenant.code)
        return tenant

    async def _write_roles(self, tx: TenantTransaction) -> None:
        for name in ROLES:
            role = RoleRow(tenant_id=tx.tenant_id, name=name, overrides={}, version=1)
            await tx.session.execute(
                insert(RoleRow).values(tenant_id=tx.tenant_id, name=name, overrides={}, version=1)
            )
            await tell_role(tx, role)
