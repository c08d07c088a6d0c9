"""Fixtures of the tests that attack an audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import hvac
import pytest

from daicho.audit.checkpoints import Checkpoints
from daicho.audit.log import Unsigned
from daicho.keyring import Transit
from daicho.runtime import utc_now
from tests.faults.audit_ledger import Ledger, audit_ledgers


@pytest.fixture(scope="module")
async def made(make_database: Any) -> Any:
    return await make_database("audit")


@pytest.fixture(scope="module")
async def service(made: Any, openbao_server: Any, openbao_roles: Any) -> AsyncIterator[Callable[[], Any]]:
    async with audit_ledgers(made, openbao_server, openbao_roles) as create:
        yield create


@pytest.fixture
async def ledger(service: Callable[[], Any]) -> Ledger:
    found: Ledger = await service()
    return found


@pytest.fixture
def key_store(openbao_server: Any) -> hvac.Client:
    """The key store as its root sees it."""
    return hvac.Client(url=openbao_server.address, token=openbao_server.root_token)


@pytest.fixture
async def another_process(openbao_server: Any, openbao_roles: Any) -> AsyncIterator[Callable[[Ledger], Any]]:
    """The signing part of another process, which remembers nothing."""
    transit = Transit(openbao_server.address, *openbao_roles["audit"], service="audit")
    yield lambda ledger: Checkpoints(ledger.database, transit, utc_now, Unsigned())
    transit.close()
