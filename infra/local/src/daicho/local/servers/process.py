"""A child process that ends with its parent, writes to a log file, and can be waited for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import psutil

_PR_SET_PDEATHSIG: Final = 1
_POLL: Final = 0.02
_RECENT: Final = 12
"""Lines at the end of a log among which a cause that is known may stand."""
_FULL: Final = 1024 * 1024
"""Bytes; with less than that free not even a log can be written."""


class ServerFailed(Exception):
    """A server did not start or died; the text is one line for the person at the terminal."""


def both(japanese: str, english: str) -> str:
    """One line for the person at the terminal, in both languages."""
    return f"{japanese} / {english}"


_DISK_FULL: Final = both(
    "ディスクの空きがありません。空きを作ってから起動し直してください。",
    "the disk is full; make room and start again.",
)


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


def require_free(name: str, host: str, port: int) -> None:
    """:class:`ServerFailed` when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServerFailed(
                f"Port {port}, meant for {name}, cannot be used ({error.strerror})."
            ) from error


def as_user(
    user: pwd.struct_passwd | None,
    command: Sequence[str | Path],
    *,
    reach: Sequence[Path],
    death_signal: str = "TERM",
) -> list[str | Path]:
    """``command`` run by ``user`` (None: by us), who must reach the folders in ``reach``.

    A data folder in root's home is closed to everyone else. There the command keeps one capability of root's,
    to pass folders and files regardless of their modes, and is an ordinary user in everything else.
    """
    if user is None:
        return list(command)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerFailed("Running as root needs setpriv (package util-linux); or run as an ordinary user.")
    shown = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    shown.append(f"--pdeathsig={death_signal}")  # a change of user clears what the parent asked of the kernel
    if not all(reaches(user, folder.resolve()) for folder in reach):
        shown += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*shown, *command]


def reaches(user: pwd.struct_passwd, folder: Path) -> bool:
    """Whether the user may pass every folder above and enter this one by their modes alone."""
    for place in (folder, *folder.parents):
        found = place.stat()
        shift = 6 if found.st_uid == user.pw_uid else 3 if found.st_gid == user.pw_gid else 0
        if not found.st_mode >> shift & stat.S_IXOTH:
            return False
    return True


def plain(lines: Sequence[str]) -> str:
    """The end of a log as one line, or what it means when that is known."""
    said = " | ".join(line.strip() for line in lines[-4:] if line.strip())
    recent = "".join(lines[-_RECENT:])
    if "No space left on device" in recent:
        return _DISK_FULL
    if "Read-only file system" in recent:
        return both("ディスクが読み取り専用です。", "the disk is read-only.")
    return said or "it said nothing."


def last_words(log: Path) -> str:
    """Why the server behind ``log`` ended, as one line."""
    try:
        lines = log.read_text(errors="replace").splitlines()
        if shutil.disk_usage(log.parent).free < _FULL:
            return _DISK_FULL
    except OSError:
        return "no log"
    return plain(lines)


def open_log(path: Path) -> BinaryIO:
    """``path`` to append to, readable by nobody but who runs the product."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


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
        environ: Mapping[str, str] | None = None,
        death_signal: signal.Signals = signal.SIGTERM,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        """Run ``command`` in a session of its own; the kernel sends ``death_signal`` if we die first.

        ``stdin`` is a file descriptor for its standard input.
        """
        if self.pid is not None:
            raise ServerFailed(f"{self.name} runs already.")
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "start() belongs to the main thread: the child ends with the thread that starts it"
            )
        with open_log(self.log) as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=stdin,
                stdout=log,
                stderr=log,
                env=dict(environ) if environ is not None else None,
                cwd="/",
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

    def wait(self, timeout: float) -> int:
        """Block until it ends by itself; its exit code. :class:`ServerFailed` when it takes longer."""
        if self._process is None:
            raise ServerFailed(f"{self.name} was not started.")
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"{self.name} did not end within {timeout:g} s.") from None

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
        return last_words(self.log)


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
