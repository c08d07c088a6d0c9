"""The customers service, wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial

from daicho import access, chassis
from daicho.chassis import Parts, Rails, Role
from daicho.chassis.serving import Running
from daicho.contracts.customers.v1.customers_pb2_grpc import add_LedgerServiceServicer_to_server
from daicho.contracts.identity.events.v1.events_pb2 import UserChanged
from daicho.customers.clients import Users
from daicho.customers.companies.lines import CompanyLines
from daicho.customers.companies.records import REINDEX_CONTACTS, Companies
from daicho.customers.companies.routes import CompanyRoutes
from daicho.customers.contacts.lines import ContactLines
from daicho.customers.contacts.records import Contacts
from daicho.customers.contacts.routes import ContactRoutes
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.definitions.routes import FieldRoutes
from daicho.customers.definitions.service import REWRITE_RECORDS, Fields
from daicho.customers.edge import Edge
from daicho.customers.exports.messages import EXPORT_MESSAGES
from daicho.customers.exports.template import download_template
from daicho.customers.exports.turns import Turns
from daicho.customers.faults import FIELD_MESSAGES
from daicho.customers.finding.finder import Finder
from daicho.customers.glossary import GLOSSARY
from daicho.customers.handover.routes import hand_over_of
from daicho.customers.handover.service import HAND_OVER, hand_all_over, on_user_changed
from daicho.customers.imports.messages import IMPORT_MESSAGES
from daicho.customers.imports.routes import ImportRoutes
from daicho.customers.imports.wiring import import_jobs, imports_of
from daicho.customers.places.routes import look_up
from daicho.customers.rewriting import AnyRecords, reindex_contacts, rewrite_for_field
from daicho.customers.rpc import LedgerServicer
from daicho.events import Consumer
from daicho.jobs import JobType


def parts(rails: Rails) -> Parts:
    """Everything that this service serves, hears and does."""
    catalogue = Catalogue()
    companies = Companies(catalogue, rails.clock)
    contacts = Contacts(catalogue, rails.clock, companies)
    users = Users(rails.channel("identity"))
    turns = Turns()
    state = {
        "contacts": Edge(rails, contacts, Finder(ContactLines(), catalogue), catalogue, users, turns),
        "companies": Edge(rails, companies, Finder(CompanyLines(), catalogue), catalogue, users, turns),
        "fields": Fields(rails.clock),
        "imports": imports_of(rails, catalogue),
    }
    records: Mapping[str, AnyRecords] = {"contact": contacts, "company": companies}
    work = (rails.database, rails.keyring)
    return Parts(
        routes=[
            ContactRoutes,
            CompanyRoutes,
            FieldRoutes,
            ImportRoutes,
            download_template,
            hand_over_of,
            look_up,
        ],
        messages={**FIELD_MESSAGES, **IMPORT_MESSAGES, **EXPORT_MESSAGES},
        glossary=GLOSSARY,
        state=state,
        rpc=[(add_LedgerServiceServicer_to_server, LedgerServicer(rails, catalogue))],
        consumers=[
            Consumer(
                rails.bus,
                "customers.handover",
                rails.database,
                rails.event_verifier,
                topics=[access.TOPIC],
                handlers={UserChanged: on_user_changed},
                on_missed=rails.missed_alarm,
            )
        ],
        jobs={
            **import_jobs(rails, catalogue, companies),
            HAND_OVER: JobType(partial(hand_all_over, *work, rails.clock)),
            REINDEX_CONTACTS: JobType(partial(reindex_contacts, *work, contacts)),
            REWRITE_RECORDS: JobType(partial(rewrite_for_field, *work, records)),
        },
    )


@asynccontextmanager
async def serve(
    environ: Mapping[str, str], roles: Collection[Role] = ("api", "worker")
) -> AsyncIterator[Running]:
    """Run the service while the block does; see :func:`daicho.chassis.serve`."""
    async with chassis.serve("customers", parts, environ, roles) as running:
        yield running
