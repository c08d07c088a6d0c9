"""How identity is put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from daicho import chassis
from daicho.chassis import Parts, Rails, Role
from daicho.contracts.customers.events.v1.events_pb2 import FieldDefinitionChanged
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.contracts.identity.v1 import identity_pb2_grpc
from daicho.events import Consumer, Heartbeats
from daicho.identity import reader_notices
from daicho.identity.directory import OwnPermissions
from daicho.identity.faults import FIELD_MESSAGES
from daicho.identity.glossary import GLOSSARY
from daicho.identity.invitations import routes as invitation_routes
from daicho.identity.invitations.service import Invitations
from daicho.identity.mail.outbox import JOB as MAIL
from daicho.identity.mail.sending import Postman
from daicho.identity.passwords import Passwords
from daicho.identity.roles import routes as role_routes
from daicho.identity.roles.service import Roles
from daicho.identity.rpc import Directory
from daicho.identity.sessions import routes as session_routes
from daicho.identity.sessions.service import Sessions
from daicho.identity.sessions.tokens import TokenSigner
from daicho.identity.telling import REVOCATIONS
from daicho.identity.tenants import routes as tenant_routes
from daicho.identity.tenants.service import Tenants
from daicho.identity.tidying import Tidying
from daicho.identity.users import routes as user_routes
from daicho.identity.users.service import Users
from daicho.jobs import JobType


def parts(rails: Rails) -> Parts:
    """What identity serves, tells and does."""
    public_url = rails.settings.public_url
    passwords = Passwords()
    database, keyring, clock = rails.database, rails.keyring, rails.clock
    signer = TokenSigner(rails.transit, issuer=public_url, clock=clock)
    postman = Postman(database, keyring, clock, rails.settings.smtp_url, _sender(public_url))
    notices = reader_notices.ReaderNotices(database, keyring, clock, public_url)
    heartbeats = Heartbeats(database, REVOCATIONS, lambda sequence: events_pb2.Heartbeat(sequence=sequence))
    return Parts(
        routes=[
            *tenant_routes.ROUTES,
            *session_routes.ROUTES,
            *user_routes.ROUTES,
            *invitation_routes.ROUTES,
            *role_routes.ROUTES,
        ],
        messages=FIELD_MESSAGES,
        glossary=GLOSSARY,
        state={
            "signer": signer,
            "sessions": Sessions(database, keyring, passwords, signer, clock, public_url),
            "tenants": Tenants(database, keyring, rails.transit, passwords, clock, public_url),
            "users": Users(database, keyring, passwords, clock, public_url),
            "invitations": Invitations(database, keyring, passwords, clock, public_url),
            "roles": Roles(database),
        },
        rpc=[(identity_pb2_grpc.add_DirectoryServiceServicer_to_server, Directory(database, keyring, clock))],
        consumers=[
            Consumer(
                rails.bus,
                "identity.reader_notices",
                database,
                rails.event_verifier,
                topics=[reader_notices.TOPIC],
                handlers={FieldDefinitionChanged: reader_notices.on_field_changed},
                versions="every",
                on_missed=rails.missed_alarm,
            )
        ],
        jobs={
            MAIL: JobType(postman.deliver, concurrency=16, per_tenant=4),
            reader_notices.JOB: JobType(notices.write),
        },
        loops=[heartbeats.run, Tidying(database, clock).run],
        permissions=OwnPermissions(database),
    )


def serve(
    settings: Mapping[str, str], roles: Collection[Role] = ("api", "worker")
) -> AbstractAsyncContextManager[Any]:
    """Run identity; see :func:`daicho.chassis.serve`."""
    return chassis.serve("identity", parts, settings, roles)


def _sender(public_url: str) -> str:
    host = urlsplit(public_url).hostname or "localhost"
    return f"Daicho <no-reply@{host}>"
