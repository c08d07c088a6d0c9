"""Services running for real in the test's own process: databases, bus, keys, mail sink, REST and gRPC.

``async with running_stack(["identity", "customers"], …) as stack`` serves them as ``make run`` does, without
the gateway: REST under each service's own port.
"""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from daicho.events import bus_role, bus_schema
from daicho.events.bus_roles import admit
from daicho.local.servers import OpenBaoServer, free_port
from daicho.tenancy import database_url
from daicho.testkit.databases import TestDatabase
from daicho.testkit.mail import MailSink
from daicho.testkit.plugin import MakeDatabase

PUBLIC_URL = "http://ledger.test"


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything of a running stack is."""

    http: Mapping[str, str]
    databases: Mapping[str, TestDatabase]
    settings: Mapping[str, Mapping[str, str]]
    mail: MailSink
    bus_url: str
    """The bus as operators enter it, who may publish to every topic."""
    running: Mapping[str, AsyncExitStack] = field(default_factory=dict)

    async def stop(self, service: str) -> None:
        """End one service while the others run on; from the task that started the stack alone."""
        await self.running[service].aclose()

    def client(self, service: str, token: str | None = None) -> httpx.AsyncClient:
        """A client of one service's REST API; close it when done."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.http[service], headers=headers, timeout=30)

    async def ready(self, timeout: float = 30) -> None:  # noqa: ASYNC109 how long a test waits
        """Returns once every service is ready; TimeoutError with the reasons otherwise."""
        reasons: Any = None
        async with httpx.AsyncClient() as client:
            for url in self.http.values():
                for _ in range(int(timeout * 20)):
                    answer = await client.get(f"{url}/readyz")
                    reasons = answer.json()
                    if answer.status_code == 200:
                        break
                    await asyncio.sleep(0.05)
                else:
                    raise TimeoutError(str(reasons))


@asynccontextmanager
async def running_stack(
    services: Sequence[str],
    make_database: MakeDatabase,
    openbao: OpenBaoServer,
    roles: Mapping[str, tuple[str, str]],
    mail: MailSink,
    *,
    bus_url: str | None = None,
    public_url: str = PUBLIC_URL,
) -> AsyncIterator[Stack]:
    """Serve ``services`` while the block runs; ready when it begins."""
    http = {name: free_port() for name in services}
    grpc = {name: free_port() for name in ("identity", "customers", "audit")}
    databases = {name: await make_database(name) for name in services}
    buses = dict.fromkeys([*services, ""], bus_url) if bus_url else await _make_bus(services, make_database)
    running: dict[str, AsyncExitStack] = {}
    async with AsyncExitStack() as stack:
        files = stack.enter_context(tempfile.TemporaryDirectory(prefix="daicho-files-"))
        settings = {
            name: {
                "DAICHO_DATABASE_URL": databases[name].app_url,
                "DAICHO_RELAY_DATABASE_URL": databases[name].relay_url,
                "DAICHO_VAULT_ADDR": openbao.address,
                "DAICHO_VAULT_ROLE_ID": roles[name][0],
                "DAICHO_VAULT_SECRET_ID": roles[name][1],
                "DAICHO_BUS_URL": buses[name],
                "DAICHO_PUBLIC_URL": public_url,
                "DAICHO_IDENTITY_HTTP": f"http://127.0.0.1:{http.get('identity', 0)}",
                "DAICHO_HTTP_PORT": str(http[name]),
                "DAICHO_GRPC_PORT": str(grpc[name]),
                "DAICHO_SMTP_URL": mail.url,
                "DAICHO_FILES_DIR": f"{files}/{name}",
                **{f"DAICHO_{other.upper()}_GRPC": f"127.0.0.1:{port}" for other, port in grpc.items()},
            }
            for name in services
        }
        for name in services:
            serve = importlib.import_module(f"daicho.{name}.app").serve
            running[name] = await stack.enter_async_context(AsyncExitStack())
            await running[name].enter_async_context(serve(settings[name]))
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in http.items()}
        found = Stack(addresses, databases, settings, mail, buses[""], running)
        await found.ready()
        yield found


async def _make_bus(services: Sequence[str], make_database: MakeDatabase) -> dict[str, str]:
    """A PostgreSQL bus: its address for each service, and for operators under the empty name."""
    made = await make_database("bus", create=bus_schema.create)
    passwords = {bus_role(name): f"{bus_role(name)}-test" for name in services}
    await admit(made.admin_url, services, passwords, database=made.name)
    roles = {name: bus_role(name) for name in services}
    return {"": made.app_url} | {
        name: database_url(made.admin_url, made.name, role=role, password=passwords[role])
        for name, role in roles.items()
    }
