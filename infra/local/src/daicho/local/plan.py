"""Who listens where, and what each service is told: pure functions over the options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from daicho.events import BUS, bus_role
from daicho.gateway.table import SERVICES
from daicho.local.folder import new_secret
from daicho.local.options import Options
from daicho.local.servers import free_port

LOOPBACK: Final = "127.0.0.1"
MAIL_PAGE: Final = 8025
"""The port of the page where mail shows, unless somebody else has it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports, free at this moment."""

    postgres: int
    openbao: int
    smtp: int
    http: Mapping[str, int]
    grpc: Mapping[str, int]

    @classmethod
    def choose(cls, services: Iterable[str]) -> Ports:
        """Free ones, no two alike."""
        names = tuple(services)
        taken: set[int] = set()
        while len(taken) < 3 + 2 * len(names):
            taken.add(free_port())
        numbers = iter(taken)
        return cls(
            next(numbers),
            next(numbers),
            next(numbers),
            {name: next(numbers) for name in names},
            {name: next(numbers) for name in names},
        )


def new_passwords() -> dict[str, str]:
    """Passwords of the database's roles and of the demo's owner."""
    roles = [f"{service}_{role}" for service in (*SERVICES, BUS) for role in ("app", "relay")]
    return {name: new_secret() for name in ("postgres", *roles, *map(bus_role, SERVICES), "demo")}


@dataclass(frozen=True, slots=True)
class Wiring:
    """The addresses that a run settled on."""

    options: Options
    ports: Ports
    passwords: Mapping[str, str]
    admin_url: str
    vault_addr: str
    mail_page: str | None = None
    """Where mail shows, when it goes to the sink."""

    def bus_url(self, service: str) -> str:
        """The bus as ``service`` enters it: a given one, else a database of our PostgreSQL."""
        return self.options.bus_url or self._database(BUS, bus_role(service))

    def operator_settings(self) -> dict[str, str]:
        """What the command is told in place of a service: a way to the bus that publishes anywhere."""
        return {"DAICHO_BUS_URL": self.options.bus_url or self._database(BUS, f"{BUS}_app")}

    @property
    def smtp_url(self) -> str:
        """Where mail goes: a given server, else the sink."""
        return self.options.smtp_url or f"smtp://{LOOPBACK}:{self.ports.smtp}"

    def settings(self, service: str, vault_role: Mapping[str, str]) -> dict[str, str]:
        """What ``service`` reads its settings from; ``vault_role`` holds its AppRole's role_id and secret_id."""
        told = {
            "DATABASE_URL": self._database(service, f"{service}_app"),
            "RELAY_DATABASE_URL": self._database(service, f"{service}_relay"),
            "VAULT_ADDR": self.vault_addr,
            "VAULT_ROLE_ID": vault_role["role_id"],
            "VAULT_SECRET_ID": vault_role["secret_id"],
            "BUS_URL": self.bus_url(service),
            "HOST": LOOPBACK,
            "HTTP_PORT": str(self.ports.http[service]),
            "GRPC_PORT": str(self.ports.grpc[service]),
            "IDENTITY_HTTP": f"http://{LOOPBACK}:{self.ports.http['identity']}",
            "PUBLIC_URL": self.options.public_url,
            "SMTP_URL": self.smtp_url,
            "FILES_DIR": str(self.options.data / "files" / service),
            "WITNESS_URL": self.options.witness_url or "",
            "WITNESS_KEY": self.options.witness_key or "",
            "OTLP_ENDPOINT": self.options.otlp_endpoint or "",
            "LOG_LEVEL": self.options.log_level,
        } | {f"{name.upper()}_GRPC": f"{LOOPBACK}:{port}" for name, port in self.ports.grpc.items()}
        told |= self.options.sizes
        return {f"DAICHO_{name}": value for name, value in told.items()}

    def _database(self, database: str, role: str) -> str:
        return at_database(self.admin_url, database, role, self.passwords[role])


def at_database(url: str, database: str, role: str, password: str) -> str:
    """``url`` with another database and another role."""
    there = urlsplit(url)
    place = there.netloc.rpartition("@")[2]
    return urlunsplit(
        there._replace(netloc=f"{role}:{quote(password, safe='')}@{place}", path=f"/{database}")
    )


ROOT: Final = Path(__file__).resolve().parents[5]
"""The tree that this runs from."""
