"""A child process that ends with its parent, writes to a log file, and can be waited for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

_PR_SET_PDEATHSIG: Final = 1
_POLL: Final = 0.02


class ServerFailed(Exception):
    """A server did not start or died; the text is one line for the person at the terminal."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to become for a server that refuses root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerFailed("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody.")


class Child:
    """One running server process."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the child runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        user: pwd.struct_passwd | None = None,
        environ: Mapping[str, str] | None = None,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Run ``command`` in a session of its own; the kernel sends ``death_signal`` if we die first."""
        if self.pid is not None:
            raise ServerFailed(f"{self.name} runs already.")
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "start() belongs to the main thread: the child ends with the thread that starts it"
            )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environ) if environ is not None else None,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid(), death_signal),
            )

    def wait_until(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Block until ``ready()``; :class:`ServerFailed` when the child ends or time runs out."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.pid is None:
                raise ServerFailed(f"{self.name} ended at once: {self.last_words()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not answer within {timeout:g} s: {self.last_words()}")
            time.sleep(_POLL)

    def stop(self, *, ask: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
        """Ask the child to end, wait, and kill it when it does not."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(ask)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End the child and its children without a chance to clean up, as a power cut would."""
        if self._process is None:
            return
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait()
        psutil.wait_procs(family, timeout=10)
        self._process = None

    def last_words(self) -> str:
        """The end of the log, as one line."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        return " | ".join(line.strip() for line in lines[-4:] if line.strip()) or "the log is empty"


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does before exec: ask the kernel for a signal on the parent's death (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return prepare
