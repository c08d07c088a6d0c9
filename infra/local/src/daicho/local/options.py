"""What a person may choose for ``make run``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daicho.gateway.table import SERVICES
from daicho.local.servers import ServerFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. Addresses of servers of one's own replace those that would be started.

    ``postgres_url`` is a superuser's; ``vault_token`` may provision ``vault_addr``. ``public_url`` is where
    browsers reach the gateway, without a slash at the end. ``witness_url`` and ``witness_key`` belong together: a
    witness of audit checkpoints. ``tune`` are the gateway's own settings; ``sizes`` are settings of every service by
    name, such as ``LIGHT_REQUESTS``: how many requests and connections a process has at once.
    """

    host: str
    port: int
    data: Path
    public_url: str
    unseal_file: Path | None = None
    postgres_url: str | None = None
    vault_addr: str | None = None
    vault_token: str | None = None
    smtp_url: str | None = None
    bus_url: str | None = None
    witness_url: str | None = None
    witness_key: str | None = None
    otlp_endpoint: str | None = None
    trusted_hops: int = 0
    log_level: str = "INFO"
    demo: bool = True
    services: tuple[str, ...] = SERVICES
    tune: Mapping[str, str]
    sizes: Mapping[str, str]


_GATEWAY = "DAICHO_LIMIT_"
_SIZES = (
    "LIGHT_REQUESTS",
    "HEAVY_REQUESTS",
    "BULK_REQUESTS",
    "PUBLIC_REQUESTS",
    "DATABASE_POOL",
    "HEAVY_POOL",
)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def read_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Options from the command line and the environment; :class:`ServerFailed` says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m daicho.local", description="Run Daicho on this machine.")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--port", default="8080")
    parser.add_argument("--data", type=Path, default=Path(".data"))
    parser.add_argument("--services", default=",".join(SERVICES), help="fewer than all, for a trial")
    asked = parser.parse_args(arguments)
    given = {name: value for name, value in environ.items() if value}
    host, port = given.get("HOST", "127.0.0.1"), _port(asked.port)
    if "VAULT_ADDR" in given and "VAULT_TOKEN" not in given:
        raise ServerFailed(
            "VAULT_ADDR needs VAULT_TOKEN as well: a token that may set up keys and roles there."
        )
    if ("WITNESS_URL" in given) != ("WITNESS_KEY" in given):
        raise ServerFailed("WITNESS_URL and WITNESS_KEY belong together: name both, or none.")
    unseal = given.get("UNSEAL_FILE")
    return Options(
        host=host,
        port=port,
        data=asked.data.absolute(),
        public_url=given.get("PUBLIC_URL", f"http://{_reachable(host)}:{port}").rstrip("/"),
        unseal_file=Path(unseal).absolute() if unseal else None,
        postgres_url=given.get("POSTGRES_URL"),
        vault_addr=given.get("VAULT_ADDR"),
        vault_token=given.get("VAULT_TOKEN"),
        smtp_url=given.get("SMTP_URL"),
        bus_url=given.get("BUS_URL"),
        witness_url=given.get("WITNESS_URL"),
        witness_key=given.get("WITNESS_KEY"),
        otlp_endpoint=given.get("OTLP_ENDPOINT"),
        trusted_hops=_hops(given.get("TRUSTED_HOPS", "0")),
        log_level=_level(given.get("LOG_LEVEL", "INFO")),
        demo=given.get("DEMO", "1") not in ("0", "no", "false"),
        services=tuple(name for name in asked.services.split(",") if name),
        tune={name[7:].lower(): value for name, value in given.items() if name.startswith(_GATEWAY)},
        sizes={name: given[f"DAICHO_{name}"] for name in _SIZES if f"DAICHO_{name}" in given},
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ServerFailed(f"PORT={text} is not a port: choose a number from 1 to 65535.")
    return int(text)


def _hops(text: str) -> int:
    if not re.fullmatch("[0-9]", text):
        raise ServerFailed(f"TRUSTED_HOPS={text} is not a number of proxies: choose 0 to 9.")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ServerFailed(f"LOG_LEVEL={text} is not a level: choose {', '.join(_LEVELS)}.")
    return text.upper()


def _reachable(host: str) -> str:
    """An address that a browser can open, also when the gateway listens on all of them."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 compared, not bound
