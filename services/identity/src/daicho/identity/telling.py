"""What identity tells the other services: facts on its topic, revocations to every process at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from daicho.contracts.identity.events.v1 import events_pb2
from daicho.events import Aggregate, broadcast, tell
from daicho.identity.cards import Card, event_card
from daicho.identity.model import Invitation, RoleRow, Session, Team, Tenant, User
from daicho.identity.permissions import effective
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction

REVOCATIONS = "identity.revocations"
SIGN_IN = "sign_in"


def tenant_message(tenant: Tenant) -> events_pb2.TenantChanged:
    """What others know of a tenant."""
    return events_pb2.TenantChanged(
        tenant_id=tenant.tenant_id.bytes,
        code=tenant.code,
        company_name=tenant.company_name,
        status=tenant.status,  # type: ignore[arg-type]  # protobuf's enums are integers at run time
        email_confirmed=tenant.confirmed_at is not None,
    )


def role_permissions(name: str, overrides: dict[str, int]) -> list[events_pb2.Permission]:
    """What the role may do, as messages."""
    return [
        events_pb2.Permission(action=action, scope=int(scope))  # type: ignore[arg-type]  # as above
        for action, scope in effective(name, overrides).items()
    ]


async def tell_tenant(tx: TenantTransaction, tenant: Tenant) -> None:
    """Tell what a tenant now is."""
    aggregate = Aggregate("tenant", tenant.tenant_id, tenant.version)
    await tell(tx, None, tenant_message(tenant), aggregate=aggregate)


async def tell_user(tx: TenantTransaction, keys: TenantKeys, user: User, card: Card) -> None:
    """Tell what a user now is."""
    message = events_pb2.UserChanged(
        user_id=user.id.bytes,
        sealed_card=event_card(keys, user.id, card),
        role=user.role,
        team_id=user.team_id.bytes if user.team_id else b"",
        disabled=user.disabled,
        successor_id=user.successor_id.bytes if user.successor_id else b"",
    )
    await tell(tx, keys, message, aggregate=Aggregate("user", user.id, user.version))


async def tell_role(tx: TenantTransaction, role: RoleRow) -> None:
    """Tell what a role may now do."""
    message = events_pb2.RoleChanged(role=role.name, permissions=role_permissions(role.name, role.overrides))
    # A built-in role has a name alone: its id is made from its tenant's.
    role_id = uuid5(tx.tenant_id, role.name)
    await tell(tx, None, message, aggregate=Aggregate("role", role_id, role.version))


async def tell_team(tx: TenantTransaction, team: Team, *, deleted: bool = False) -> None:
    """Tell what a team now is."""
    message = events_pb2.TeamChanged(team_id=team.id.bytes, name=team.name, deleted=deleted)
    await tell(tx, None, message, aggregate=Aggregate("team", team.id, team.version))


async def tell_invitation(tx: TenantTransaction, invitation: Invitation) -> None:
    """Tell what became of an invitation."""
    message = events_pb2.InvitationChanged(
        invitation_id=invitation.id.bytes, role=invitation.role, status=invitation.status
    )
    await tell(tx, None, message, aggregate=Aggregate("invitation", invitation.id, invitation.version))


async def tell_signed_in(tx: TenantTransaction, session: Session) -> None:
    """Tell that somebody signed in."""
    message = events_pb2.SignedIn(session_id=session.id.bytes, user_id=session.user_id.bytes)
    await tell(tx, None, message, aggregate=Aggregate("session", session.id, 0))


async def tell_refused(tx: TenantTransaction, user_id: UUID | None, reason: str) -> None:
    """Tell that a sign-in was refused; of an unknown address only that it happened."""
    message = events_pb2.SignInRefused(user_id=user_id.bytes if user_id else b"", reason=reason)
    await tell(tx, None, message, aggregate=Aggregate(SIGN_IN, user_id or tx.tenant_id, 0))


async def tell_session_ended(tx: TenantTransaction, session_id: UUID, user_id: UUID, reason: str) -> None:
    """Tell that a session ended, to the record; :func:`revoke_session` says so to every process at once."""
    message = events_pb2.SessionEnded(session_id=session_id.bytes, user_id=user_id.bytes, reason=reason)
    await tell(tx, None, message, aggregate=Aggregate("session", session_id, 0))


async def revoke_session(tx: TenantTransaction, session_id: UUID, user_id: UUID) -> None:
    """Let every process refuse a session's tokens at once. Call it last."""
    await broadcast(
        tx,
        REVOCATIONS,
        lambda sequence: events_pb2.Revoked(
            sequence=sequence,
            tenant_id=tx.tenant_id.bytes,
            session_id=session_id.bytes,
            user_id=user_id.bytes,
        ),
    )


async def revoke_grants(
    tx: TenantTransaction, user_id: UUID | None, *, tokens_before: datetime | None = None
) -> None:
    """Let every process forget at once what a user (everybody, for None) may do. Call it last.

    ``tokens_before``: the user's access tokens issued earlier are refused altogether.
    """
    await broadcast(
        tx,
        REVOCATIONS,
        lambda sequence: events_pb2.Revoked(
            sequence=sequence,
            tenant_id=tx.tenant_id.bytes,
            user_id=user_id.bytes if user_id else b"",
            before=int(tokens_before.timestamp() * 1000) if tokens_before else 0,
            grants_changed=True,
        ),
    )
