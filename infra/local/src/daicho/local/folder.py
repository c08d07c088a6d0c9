"""The data folder: whose it is, whether it can be worked in, and the secrets that are kept there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from daicho.local.servers import ServerFailed

LOCK: Final = "daicho.lock"
SETTINGS: Final = "settings.json"
"""What each service of the last start was told: what the command ``daicho --data`` runs with."""
OPERATOR: Final = "operator"
"""Beside the services in it: what operators alone are told."""
FORMAT: Final = 1
# A first start writes about 150 MiB; PostgreSQL keeps up to 512 MiB of write-ahead log.
ROOM: Final = 800 * 1024 * 1024
_WHAT_TO_DO: Final = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder with DATA=",
    errno.EDQUOT: "your disk quota is used up: free some space, or choose another folder with DATA=",
    errno.EROFS: "the file system is read-only: choose another folder with DATA=",
    errno.EACCES: "you may not write there: choose another folder with DATA=",
    errno.EPERM: "you may not write there: choose another folder with DATA=",
    errno.ENOTDIR: "that is not a folder: choose another one with DATA=",
    errno.EEXIST: "that is not a folder: choose another one with DATA=",
}


@contextmanager
def worded(path: Path) -> Iterator[None]:
    """Turn what the operating system says about ``path`` into one line with what to do."""
    try:
        yield
    except OSError as error:
        hint = _WHAT_TO_DO.get(error.errno or 0, f"{error.strerror}: choose another folder with DATA=")
        raise ServerFailed(f"{error.filename or path}: {hint}") from error


@contextmanager
def locked(data: Path, address: str, *, room: int = ROOM) -> Iterator[None]:
    """Hold the folder for this process while the block runs; creates it.

    Raises :class:`ServerFailed` when another run holds it (naming its address), when it is not ours, cannot
    be written, or has less than ``room`` bytes free.
    """
    with worded(data):
        if data.is_dir() and any(data.iterdir()) and not (data / LOCK).exists():
            raise ServerFailed(
                f"{data} is not empty and was not made by make run: choose another with DATA=."
            )
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o711)  # the database's user walks through
        free = shutil.disk_usage(data).free
        if free < room:
            raise ServerFailed(
                f"{data}: only {free >> 20} MiB are free, {room >> 20} MiB are needed: free some space, or "
                "choose another folder with DATA=."
            )
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = lock.read().strip() or "another one"
            raise ServerFailed(
                f"Daicho already runs on {data} ({held}): stop it, or choose another folder and port with "
                "DATA= and PORT=."
            ) from None
        with worded(data):
            _check_format(data, lock, address)
        yield


def _check_format(data: Path, lock: IO[str], address: str) -> None:
    words = lock.read().split()
    if words and words[0] != f"format={FORMAT}":
        raise ServerFailed(
            f"{data} was made by another version of Daicho ({words[0]}): choose another with DATA=."
        )
    lock.seek(0)
    lock.truncate()
    lock.write(f"format={FORMAT} pid={os.getpid()} {address}\n")
    lock.flush()


def keep(file: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The secrets in ``file`` (mode 0600), made by ``make`` the first time; later ones only add names."""
    held: dict[str, str] = {}
    with worded(file):
        if file.exists():
            try:
                held = json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                raise ServerFailed(
                    f"{file} is damaged: restore the data folder from a backup, or start anew with make clean."
                ) from None
        wanted = make() | held
        if wanted != held:
            write_private(file, wanted)
    return wanted


def write_private(file: Path, value: object) -> None:
    """Write ``value`` as JSON that only we may read, in one step that survives a power cut."""
    scratch = file.with_name(f".{file.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(value, handle, ensure_ascii=False)
        handle.flush()
        os.fsync(handle.fileno())
    scratch.replace(file)


def new_secret() -> str:
    """Something that nobody guesses."""
    return secrets.token_urlsafe(24)
