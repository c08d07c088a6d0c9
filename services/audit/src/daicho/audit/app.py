"""How the audit service is put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager

from daicho import chassis
from daicho.audit.checkpoints import Checkpoints, ignore
from daicho.audit.clients import FieldRights, Names
from daicho.audit.consumers import consumer
from daicho.audit.erasing import Eraser
from daicho.audit.glossary import GLOSSARY
from daicho.audit.log import Unsigned
from daicho.audit.reading import Reader
from daicho.audit.routes import ROUTES
from daicho.audit.rpc import LogServicer
from daicho.audit.witnessing import Witnessing, witness_of
from daicho.chassis import Parts, Rails, Role
from daicho.chassis.serving import Running
from daicho.contracts.audit.v1.audit_pb2_grpc import add_LogServiceServicer_to_server
from daicho.tenancy import TenantId


def parts(rails: Rails) -> Parts:
    """The routes, consumers and jobs of the audit."""
    unsigned, uncosigned = Unsigned(), set[TenantId]()
    witness = witness_of(rails.settings.witness_key, rails.settings.witness_url)
    checkpoints = Checkpoints(
        rails.database, rails.transit, rails.clock, unsigned, signed=uncosigned.add if witness else ignore
    )
    reader = Reader(
        rails.database,
        rails.keyring,
        rails.access_log,
        names=Names(rails.channel("identity")),
        rights=FieldRights(rails.channel("customers")),
        checkpoints=checkpoints,
        witness=witness,
    )
    eraser = Eraser(rails.database, rails.keyring, rails.clock, unsigned.add)
    loops = [checkpoints.run]
    if witness is not None:
        url = rails.settings.witness_url
        loops.append(Witnessing(rails.database, checkpoints, witness, url, uncosigned).run)
    return Parts(
        routes=ROUTES,
        glossary=GLOSSARY,
        state={"reader": reader, "eraser": eraser},
        rpc=[(add_LogServiceServicer_to_server, LogServicer(checkpoints))],
        consumers=[
            consumer(
                rails.bus,
                rails.event_verifier,
                rails.database,
                rails.keyring,
                checkpoints=checkpoints,
                grown=unsigned.add,
                on_missed=rails.missed_alarm,
            )
        ],
        loops=loops,
    )


def serve(
    settings: Mapping[str, str], roles: Collection[Role] = ("api", "worker")
) -> AbstractAsyncContextManager[Running]:
    """Run the service while the block does; see :func:`daicho.chassis.serve`."""
    return chassis.serve("audit", parts, settings, roles)
