"""The pytest plug-in: servers once per test process, databases once per module.

============================ ======== ====================================================================
``postgres_server``           session  :class:`PostgresAddress` (POSTGRES_URL, else one of our own)
``make_database(service, …)`` module   makes a fresh :class:`TestDatabase` (awaitable; see ``Databases.make``)
``openbao_server``            session  an unsealed OpenBao of our own
``openbao_roles``             session  {service: (role id, secret id)}, provisioned by daicho.keyring
``smtp_server``               session  an SMTP server that keeps what it gets (``.messages``, ``.url``)
``kafka_bootstrap``           session  host:port of a real Kafka
``product``                   session  the whole product behind its gateway (:mod:`daicho.testkit.product`)
============================ ======== ====================================================================
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from alembic.operations import Operations
from hypothesis import HealthCheck, settings

from daicho.local.servers import OpenBaoServer, free_port
from daicho.testkit.databases import Databases, TestDatabase
from daicho.testkit.kafka import running_kafka
from daicho.testkit.mail import MailSink, running_smtp
from daicho.testkit.postgres import PostgresAddress, running_postgres
from daicho.testkit.product import Product, running_product


def pytest_configure() -> None:
    """Property tests have no deadline per example: a busy machine is not a wrong answer."""
    settings.register_profile("daicho", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("daicho")


class MakeDatabase(Protocol):
    """What ``make_database`` is: :meth:`Databases.make`."""

    def __call__(
        self,
        service: str,
        *,
        create: Callable[[Operations], None] | None = None,
        migrations: Path | None = None,
    ) -> Awaitable[TestDatabase]:
        """A fresh database of ``service``."""
        ...


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresAddress]:
    """A PostgreSQL 18 for this test process."""
    with running_postgres() as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def databases(postgres_server: PostgresAddress) -> AsyncIterator[Databases]:
    """The maker of databases on ``postgres_server``."""
    made = Databases(postgres_server.admin_url)
    yield made
    await made.drop_all()


@pytest.fixture(scope="module")
def make_database(databases: Databases) -> MakeDatabase:
    """``await make_database("customers")``: a fresh, migrated database for this module."""
    return databases.make


@pytest.fixture(scope="session")
def openbao_server() -> Iterator[OpenBaoServer]:
    """An unsealed OpenBao with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="daicho-test-") as folder:
        server = OpenBaoServer(Path(folder) / "openbao", port=free_port())
        server.start()
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def openbao_roles(openbao_server: OpenBaoServer) -> dict[str, tuple[str, str]]:
    """What each service logs in to ``openbao_server`` with, provisioned as in production."""
    from daicho.keyring import provision

    return provision(openbao_server.address, openbao_server.root_token)


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[MailSink]:
    """An SMTP server that keeps every message."""
    with running_smtp() as sink:
        yield sink


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """The address of a real Kafka; fails, saying what it lacks, when there is none."""
    with running_kafka() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The whole product, for all tests of this process; a test that breaks something in it runs one of its own."""
    with running_product() as running:
        yield running
