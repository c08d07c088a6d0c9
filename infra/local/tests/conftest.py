"""``make run`` as a person starts it: a process, its terminal, a data folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import Thread

import psutil
import pytest

from daicho.local.servers import free_port

READY_WITHIN = 90


@dataclass
class Run:
    """One supervisor with the servers but no services: those have their own tests, and the story all of them."""

    process: subprocess.Popen[str]
    port: int
    data: Path
    said: Queue[str | None]

    def wait_until_ready(self) -> str:
        """Everything it said up to the banner's last line."""
        text = ""
        while "停止 / stop" not in text:
            try:
                line = self.said.get(timeout=READY_WITHIN)
            except Empty:
                raise AssertionError(f"not ready within {READY_WITHIN} s, said: {text}") from None
            assert line is not None, f"ended early with {self.process.wait()}: {self.complaint()}"
            text += line
        return text

    def family(self) -> list[psutil.Process]:
        """Every process that it started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def rest(self) -> list[str]:
        """What it said after the banner, once it has ended."""
        lines = list(iter(lambda: self.said.get(timeout=READY_WITHIN), None))
        return [line for line in lines if line and line.strip()]

    def complaint(self) -> str:
        """What it said on standard error, after its end."""
        self.process.wait(READY_WITHIN)
        assert self.process.stderr is not None
        return self.process.stderr.read()


Start = Callable[..., Run]


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that PostgreSQL's user can get to (pytest's own folders are private), named as people name theirs."""
    with TemporaryDirectory(prefix="daicho-local-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "顧客 台帳's data"


@pytest.fixture
def start(data: Path) -> Iterator[Start]:
    """Start runs; what is left of them is ended with the test."""
    started: list[Run] = []

    def begin(*, folder: Path = data, port: int | None = None, **environ: str) -> Run:
        port = port or free_port()
        command = [sys.executable, "-m", "daicho.local", "run", "--services", ""]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=_plain() | {"DEMO": "0"} | environ,  # without services nobody could fill it
        )
        said: Queue[str | None] = Queue()
        Thread(target=_listen, args=(process, said), daemon=True).start()
        run = Run(process, port, folder, said)
        started.append(run)
        return run

    yield begin
    for run in started:
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = run.family()
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        psutil.wait_procs(family, timeout=20)
        for pipe in (run.process.stdout, run.process.stderr):
            if pipe is not None:
                pipe.close()


def _plain() -> dict[str, str]:
    """The environment without what would point the run at other servers."""
    foreign = (
        "POSTGRES_URL",
        "VAULT_ADDR",
        "VAULT_TOKEN",
        "SMTP_URL",
        "BUS_URL",
        "HOST",
        "UNSEAL_FILE",
        "PUBLIC_URL",
        "OTLP_ENDPOINT",
        "LOG_LEVEL",
    )
    return {name: value for name, value in os.environ.items() if name not in foreign}


def _listen(process: subprocess.Popen[str], said: Queue[str | None]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):  # the test ended and closed the pipe
        for line in process.stdout:
            said.put(line)
    said.put(None)
