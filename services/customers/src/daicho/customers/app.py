"""The customers service, wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from daicho import chassis
from daicho.chassis import Parts, Rails, Role
from daicho.chassis.serving import Running
from daicho.customers.clients import Users
from daicho.customers.companies.lines import CompanyLines
from daicho.customers.companies.records import Companies
from daicho.customers.companies.routes import CompanyRoutes
from daicho.customers.contacts.lines import ContactLines
from daicho.customers.contacts.records import Contacts
from daicho.customers.contacts.routes import ContactRoutes
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.definitions.routes import FieldRoutes
from daicho.customers.definitions.service import Fields
from daicho.customers.edge import Edge
from daicho.customers.faults import FIELD_MESSAGES
from daicho.customers.finding.finder import Finder


def parts(rails: Rails) -> Parts:
    """Everything that this service serves, hears and does."""
    catalogue = Catalogue()
    companies = Companies(catalogue, rails.clock)
    contacts = Contacts(catalogue, rails.clock, companies)
    users = Users(rails.channel("identity"))
    state = {
        "contacts": Edge(rails, contacts, Finder(ContactLines(), catalogue), catalogue, users),
        "companies": Edge(rails, companies, Finder(CompanyLines(), catalogue), catalogue, users),
        "fields": Fields(rails.clock),
    }
    return Parts(
        routes=[ContactRoutes, CompanyRoutes, FieldRoutes],
        messages=FIELD_MESSAGES,
        state=state,
    )


@asynccontextmanager
async def serve(
    environ: Mapping[str, str], roles: Collection[Role] = ("api", "worker")
) -> AsyncIterator[Running]:
    """Run the service while the block does; see :func:`daicho.chassis.serve`."""
    async with chassis.serve("customers", parts, environ, roles) as running:
        yield running
