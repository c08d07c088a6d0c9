"""One run of everything on this machine, from the first check to the last stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any, Final

from daicho.gateway import Settings, merge
from daicho.gateway.table import SERVICES
from daicho.local import banner, folder, web
from daicho.local.children import Household, Program
from daicho.local.options import Options
from daicho.local.plan import LOOPBACK, MAIL_PAGE, Ports, Wiring, new_passwords
from daicho.local.servers import OpenBaoServer, PostgresServer, ServerFailed
from daicho.local.servers.envoy import EnvoyServer
from daicho.local.servers.mailsink import run_mail_sink

READY_WITHIN: Final = 60.0
PREPARED_WITHIN: Final = 120.0
DEMO_WITHIN: Final = 600.0
_WORKER_NICE: Final = 5
"""Jobs and the relay give way to those who answer requests; with 10 a mail waits for seconds on a busy machine."""
# A laptop's share: what one person and a demo need.
_POSTGRES: Final = {
    "shared_buffers": "64MB",
    "max_connections": "120",
    "max_wal_size": "512MB",
    "autovacuum_max_workers": "2",
    "max_worker_processes": "4",
}


class Supervisor:
    """Starts everything, waits, stops everything."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._services = options.services
        self._data = options.data
        self._ports = Ports.choose(SERVICES)
        self._began = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set. :class:`ServerFailed` says in one line what is wrong and what to do."""
        _check_port(self._options.host, self._options.port)
        with folder.locked(self._data, self._options.public_url), folder.worded(self._data):
            household = Household(self._data / "watchdog.log")
            try:
                async with self._mail() as mail_page:
                    await self._live(household, stop, mail_page)
            finally:
                await household.stop()

    async def _live(self, household: Household, stop: asyncio.Event, mail_page: str | None) -> None:
        """Start, then stay, until told to stop or something falls."""
        start = asyncio.create_task(self._start(household, mail_page))
        fallen = asyncio.create_task(household.first_to_fall())
        told = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((start, fallen, told), return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await asyncio.wait((fallen, told), return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                print("止めています / stopping …", flush=True)
            elif fallen.done():
                raise ServerFailed(fallen.result())
        finally:
            for task in (start, fallen, told):
                task.cancel()
            await asyncio.gather(start, fallen, told, return_exceptions=True)

    async def _start(self, household: Household, mail_page: str | None) -> None:
        print("データベースと鍵を起動しています / starting the database and the keys …", flush=True)
        passwords = folder.keep(self._data / "secrets.json", new_passwords)
        (self._data / "files").mkdir(exist_ok=True, mode=0o700)
        modules = {
            "Preparation": ["daicho.local.prepare"],
            "Services": ["daicho.local.services", *self._services],
            "Worker": ["daicho.local.services", *self._services],
        }
        programs = {
            name: Program(name, self._data / f"{name.lower()}.log", module)
            for name, module in modules.items()
        }
        (admin_url, postgres), (vault, openbao) = self._postgres(passwords), self._openbao()
        if postgres is not None:
            await asyncio.to_thread(postgres.initialise)
            household.start("PostgreSQL", postgres)
        if openbao is not None:
            household.start("OpenBao", openbao)
        for name, program in programs.items():
            household.start(name, program, passing=name == "Preparation")
        wiring = Wiring(self._options, self._ports, passwords, admin_url, vault, mail_page)
        await asyncio.gather(*(asyncio.to_thread(it.wait_until_ready) for it in (postgres, openbao) if it))
        token = openbao.root_token if openbao is not None else self._options.vault_token
        roles = await self._prepare(household, programs["Preparation"], wiring, str(token))
        print("サービスを起動しています / starting the services …", flush=True)
        settings = {name: wiring.settings(name, roles[name]) for name in self._services}
        told = settings | {folder.OPERATOR: wiring.operator_settings()}
        folder.write_private(self._data / folder.SETTINGS, told)
        for name, role, nice in (("Services", "api", 0), ("Worker", "worker", _WORKER_NICE)):
            orders = {
                "roles": [role],
                "settings": settings,
                "log_level": self._options.log_level,
                "nice": nice,
            }
            programs[name].tell(orders)
        await self._open(household)
        demo = await self._demo(household, wiring)
        print(banner.banner(wiring, demo, time.monotonic() - self._began), flush=True)

    def _postgres(self, passwords: dict[str, str]) -> tuple[str, PostgresServer | None]:
        if self._options.postgres_url is not None:
            return self._options.postgres_url, None
        server = PostgresServer(
            self._data / "postgres",
            port=self._ports.postgres,
            password=passwords["postgres"],
            settings=_POSTGRES,
        )
        return server.url(), server

    def _openbao(self) -> tuple[str, OpenBaoServer | None]:
        if self._options.vault_addr is not None:
            return self._options.vault_addr, None
        server = OpenBaoServer(
            self._data / "openbao", port=self._ports.openbao, unseal_file=self._options.unseal_file
        )
        return server.address, server

    async def _prepare(
        self, household: Household, program: Program, wiring: Wiring, token: str
    ) -> dict[str, dict[str, str]]:
        result = self._data / "vault-roles.json"
        job = {
            "admin_url": wiring.admin_url,
            "vault_addr": wiring.vault_addr,
            "vault_token": token,
            "services": list(self._services),
            "passwords": dict(wiring.passwords),
            "own_bus": self._options.bus_url is None,
            "result": str(result),
        }
        program.tell(job, last=True)
        await program.finished(PREPARED_WITHIN)
        household.release("Preparation")
        roles: dict[str, dict[str, str]] = json.loads(result.read_text(encoding="utf-8"))
        return roles

    async def _open(self, household: Household) -> None:
        """Open the gateway, and wait until every service behind it is ready."""
        openapi = self._data / "pages" / "openapi.json"
        openapi.parent.mkdir(exist_ok=True)
        addresses = {name: f"{LOOPBACK}:{port}" for name, port in self._ports.http.items()}
        console, docs = web.built()
        told: dict[str, Any] = {
            **addresses,
            **self._options.tune,
            "host": self._options.host,
            "port": self._options.port,
            "trusted_hops": self._options.trusted_hops,
            "token_issuer": self._options.public_url,
            "console_dir": str(console) if console else None,
            "docs_dir": str(docs) if docs else None,
            "openapi_file": str(openapi),
        }
        household.start("Envoy", gateway := EnvoyServer(self._data / "envoy", Settings(**told)))
        await asyncio.to_thread(gateway.wait_until_ready)
        behind = {name: f"http://{addresses[name]}" for name in self._services}
        for address in behind.values():
            await _until_ready(address)
        documents = {
            name: await asyncio.to_thread(_read, f"{at}/openapi.json") for name, at in behind.items()
        }
        openapi.write_text(json.dumps(merge(documents), ensure_ascii=False), encoding="utf-8")
        if set(self._services) == set(SERVICES):
            await _until_ready(f"http://{self._gateway()}")

    def _gateway(self) -> str:
        """Where this machine itself reaches the gateway."""
        everywhere = self._options.host in ("0.0.0.0", "::")  # noqa: S104 compared, not bound
        return f"{LOOPBACK if everywhere else self._options.host}:{self._options.port}"

    async def _demo(self, household: Household, wiring: Wiring) -> dict[str, str] | None:
        """The demo tenant's sign-in; filled on the first start, through the gateway like anybody's."""
        result = self._data / "demo.json"
        if not result.exists():
            if not self._options.demo or find_spec("daicho.local.demo.__main__") is None:
                return None
            print("デモの会社を作っています / filling the demo company …", flush=True)
            program = Program("Demo", self._data / "demo.log", ["daicho.local.demo"])
            household.start("Demo", program, passing=True)
            wish = {"url": f"http://{self._gateway()}", "mail_page": wiring.mail_page}
            program.tell(wish | {"password": wiring.passwords["demo"], "result": str(result)}, last=True)
            await program.finished(DEMO_WITHIN)
            household.release("Demo")
        account: dict[str, str] = json.loads(result.read_text(encoding="utf-8"))
        return account

    @asynccontextmanager
    async def _mail(self) -> AsyncIterator[str | None]:
        """Where mail shows; None when a server of one's own has it."""
        if self._options.smtp_url is not None:
            yield None
            return
        page = MAIL_PAGE if self._options.port != MAIL_PAGE else 0
        async with run_mail_sink(LOOPBACK, self._ports.smtp, page) as sink:
            yield f"http://{LOOPBACK}:{sink.page_port}"


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServerFailed(
                f"Port {port} of {host} cannot be had ({error.strerror}): choose another one with PORT=."
            ) from None


async def _until_ready(address: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while (why := await asyncio.to_thread(_unready, f"{address}/readyz")) is not None:
        if time.monotonic() > deadline:
            raise ServerFailed(f"{address} is not ready after {READY_WITHIN:g} s: {why}")
        await asyncio.sleep(0.02)


def _unready(address: str) -> str | None:
    """Why not, in its own words; None when it is ready."""
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310 an address of our own
            return None
    except urllib.error.HTTPError as error:
        return error.read(500).decode(errors="replace")
    except OSError as error:
        return str(error)


def _read(address: str) -> dict[str, Any]:
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(address, timeout=10) as reply:  # noqa: S310 ours
        document: dict[str, Any] = json.load(reply)
        return document
    return {}
