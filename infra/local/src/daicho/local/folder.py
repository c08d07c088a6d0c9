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

from daicho.local.servers import ServerFailed, both
from daicho.local.servers.durable import refuse_readable_by_others, write_durably

LOCK: Final = "daicho.lock"
SETTINGS: Final = "settings.json"
"""What each service of the last start was told: what the command ``daicho --data`` runs with."""
OPERATOR: Final = "operator"
"""Beside the services in it: what operators alone are told."""
FORMAT: Final = 1
_MIB: Final = 1024 * 1024
# A first start writes about 150 MiB; PostgreSQL keeps up to 512 MiB of write-ahead log.
ROOM: Final = 800 * _MIB
# Recovery after a crash writes a few segments of 16 MiB; a PostgreSQL whose log finds no room stops in mid-work.
FLOOR: Final = 128 * _MIB
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
def locked(data: Path, address: str, *, room: int = ROOM, floor: int = FLOOR) -> Iterator[None]:
    """Hold the folder for this process while the block runs; creates it.

    Raises :class:`ServerFailed` when another run holds it (naming its address), when it is not ours, cannot
    be written, or has too little room: less than ``room`` bytes free for a first start, less than ``floor`` for a
    folder that has been used before. Between the two such a folder is warned about.
    """
    with worded(data):
        if data.is_dir() and any(data.iterdir()) and not (data / LOCK).exists():
            raise ServerFailed(
                f"{data} is not empty and was not made by make run: choose another with DATA=."
            )
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o711)  # the database's user walks through
        _check_room(data, room, floor)
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


def _check_room(data: Path, room: int, floor: int) -> None:
    free, is_used = shutil.disk_usage(data).free, (data / SETTINGS).exists()
    if free >= room:
        return
    needed = (floor if is_used else room) // _MIB
    if free < (floor if is_used else room):
        raise ServerFailed(
            both(
                f"{data} の空きは {free // _MIB} MiB だけです。{needed} MiB 必要です。空きを作るか、DATA= で別のフォルダーを指定してください。",
                f"{data}: only {free // _MIB} MiB are free, {needed} MiB are needed: free some space, or "
                "choose another folder with DATA=.",
            )
        )
    print(
        both(
            f"注意: {data} の空きが {free // _MIB} MiB しかありません。{room // _MIB} MiB 以上を空けてください。",
            f"warning: {data} has only {free // _MIB} MiB free; make it {room // _MIB} MiB or more soon.",
        ),
        flush=True,
    )


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
    """The secrets in ``file`` (mode 0600), made by ``make`` the first time; later ones only add names.

    Raises :class:`ServerFailed` when it does not read, when others may read it, and when it is gone from a folder
    whose databases it opens.
    """
    held: dict[str, str] = {}
    with worded(file):
        refuse_readable_by_others(file)
        if not file.exists() and (file.parent / "postgres" / "PG_VERSION").exists():
            raise ServerFailed(
                both(
                    f"{file} がありません。{file.parent} のデータベースはその中のパスワードでしか開けません。"
                    "バックアップから戻すか、DATA= で別のフォルダーを指定してください。",
                    f"{file} is gone, and the databases in {file.parent} open to its passwords alone: restore it from a "
                    "backup, or choose another folder with DATA=.",
                )
            )
        if file.exists():
            try:
                held = json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                raise ServerFailed(
                    both(
                        f"{file} が壊れています。データフォルダーをバックアップから戻すか、make clean で新しく始めてください。",
                        f"{file} is damaged: restore the data folder from a backup, or start anew with make clean.",
                    )
                ) from None
        wanted = make() | held
        if wanted != held:
            write_private(file, wanted)
    return wanted


def write_private(file: Path, value: object) -> None:
    """Write ``value`` as JSON that only we may read, in one step that survives a power cut."""
    write_durably(file, json.dumps(value, ensure_ascii=False))


def new_secret() -> str:
    """Something that nobody guesses."""
    return secrets.token_urlsafe(24)
