"""The whole product as a person starts it: the supervisor, its servers, the real gateway, one data folder.

``with running_product() as product`` takes about seven seconds; the plug-in's fixture ``product`` shares one
among all tests of a process. Companies in it are strangers to each other, so tests share it without meeting.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final
from urllib.parse import quote

import httpx
import psutil

from daicho.local.servers import OpenBaoServer, free_port
from daicho.testkit.company import Company, create_company
from daicho.testkit.waiting import until

READY_WITHIN: Final = 90.0
MADE_WITHIN: Final = 600.0
"""Seconds in which an environment is made."""
_FOREIGN: Final = frozenset(
    ["POSTGRES_URL", "VAULT_ADDR", "VAULT_TOKEN", "SMTP_URL", "BUS_URL", "HOST", "UNSEAL_FILE", "PUBLIC_URL"]
)
# Everybody in a test comes from one address.
_GENEROUS: Final = {
    "DAICHO_LIMIT_TENANT": "100000/1",
    "DAICHO_LIMIT_PUBLIC": "100000/1",
    "DAICHO_LIMIT_SESSIONS": "100000/1",
    "DAICHO_LIMIT_SIGN_UPS": "100000/1",
    "DAICHO_LIMIT_RESETS": "100000/1",
}


class Screen:
    """The output of the product."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.text = ""
        self._process = process
        self._lines: Queue[str | None] = Queue()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def wait_for(self, words: str, within: float, data: Path) -> str:
        """Everything said up to ``words``. RuntimeError after ``within`` seconds, or at an early end with the logs of ``data``."""
        said = ""
        while words not in said:
            try:
                line = self._lines.get(timeout=within)
            except Empty:
                raise RuntimeError(f"nothing for {within:g} s; it said: {said}") from None
            if line is None:
                logs = "".join(f"\n{log.name}: {log.read_text()[-4000:]}" for log in data.glob("*.log"))
                raise RuntimeError(f"ended early with {self._process.wait()}; it said: {said}{logs}")
            said += line
        return said

    def close(self) -> str:
        """Everything that was printed, once the product has ended."""
        self._listener.join(timeout=10)
        return self.text

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                self.text += line
                self._lines.put(line)
        self._lines.put(None)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the sources in which ``make run`` starts the product with ``python``, as ``user`` when that is not None."""

    folder: Path
    python: str
    user: str | None = None


@dataclass
class Product:
    """A running product. ``url`` is the gateway's, ``mail`` the sink's page; neither ends in a slash."""

    url: str
    mail: str
    data: Path
    process: subprocess.Popen[str]
    scratch: Path
    """The folder of its temporary files."""
    screen: Screen
    _serial: int = field(default=0)

    async def company(self, code: str | None = None) -> Company:
        """Sign a company up and confirm its address; its owner is signed in."""
        self._serial += 1
        return await create_company(self.url, self.mail, code or f"company-{os.getpid()}-{self._serial:04d}")

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything that it started."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def program(self, name: str) -> psutil.Process:
        """The process whose log is ``name``.log: services, worker."""
        wanted = os.path.realpath(self.data / f"{name}.log")
        for process in self.processes():
            with contextlib.suppress(psutil.Error, OSError):
                if os.path.realpath(f"/proc/{process.pid}/fd/1") == wanted:
                    return process
        raise LookupError(f"no process writes {name}.log")

    def log(self, name: str) -> str:
        """What ``name`` has logged until now."""
        return (self.data / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def database_url(self, database: str) -> str:
        """A superuser's address of one of the product's databases."""
        port = (self.data / "postgres" / "postmaster.pid").read_text().splitlines()[3]
        password = json.loads((self.data / "secrets.json").read_text())["postgres"]
        return f"postgresql://postgres:{quote(password, safe='')}@127.0.0.1:{port}/{database}"

    def postmaster(self) -> int:
        """The process id of the product's PostgreSQL."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    async def unseal(self) -> None:
        """Open the key store again, and wait until it answers."""
        vault = self.openbao()
        key = json.loads(vault.unseal_file.read_text())["key"]
        async with httpx.AsyncClient(base_url=vault.address) as client:

            async def active() -> bool:
                return (await client.get("/v1/sys/health")).is_success

            (await client.put("/v1/sys/unseal", json={"key": key})).raise_for_status()
            await until(active, within=30)

    def openbao(self) -> OpenBaoServer:
        """A handle to the product's own key store, to seal it; never start or stop it."""
        folder = self.data / "openbao"
        address: str = json.loads((folder / "server.json").read_text())["listener"]["tcp"]["address"]
        return OpenBaoServer(folder, port=int(address.rpartition(":")[2]))


@contextmanager
def running_product(
    data: Path | None = None, checkout: Checkout | None = None, **environ: str
) -> Iterator[Product]:
    """Run the product on free ports while the block does, on ``data`` or a folder that goes with it.

    ``environ`` adds to its own. A ``data`` is made by :func:`data_folder`. ``checkout`` starts it with `make run` there,
    which makes its environment first.
    """
    with contextlib.ExitStack() as stack:
        data = data or stack.enter_context(data_folder())
        port = free_port()
        command = [sys.executable, "-m", "daicho.local", "run", "--port", str(port), "--data", str(data)]
        if checkout is not None:
            command = ["make", "run", f"PYTHON={checkout.python}", f"PORT={port}", f"DATA={data}"]
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="daicho-scratch-")))
        user = None if checkout is None else checkout.user
        if user is not None:
            shutil.chown(scratch, user)
        plain = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd=None if checkout is None else checkout.folder,
            user=user,
            extra_groups=None if user is None else [],
            env=plain | _GENEROUS | {"DEMO": "0", "TMPDIR": str(scratch)} | environ,
        )
        screen = Screen(process)
        try:
            said = screen.wait_for("停止 / stop", READY_WITHIN if checkout is None else MADE_WITHIN, data)
            mail = re.search(r"mail +(http://\S+)", said)
            if mail is None:
                raise RuntimeError(f"the banner names no mail page: {said}")
            yield Product(f"http://127.0.0.1:{port}", mail[1], data, process, scratch, screen)
        finally:
            _stop(process)


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that several runs may share, one after the other."""
    # Not pytest's folder: PostgreSQL runs as somebody else when we are root, and must get there.
    with TemporaryDirectory(prefix="daicho-product-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def _stop(process: subprocess.Popen[str]) -> None:
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    psutil.wait_procs(family, timeout=20)
    if process.stdout is not None:
        process.stdout.close()
