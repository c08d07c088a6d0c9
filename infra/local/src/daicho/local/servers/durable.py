"""Small private files that are whole or not there, whenever the machine stops."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from daicho.local.servers.process import ServerFailed, both


def write_durably(file: Path, text: str) -> None:
    """Write ``text``, for us alone to read, in one step; it is on disk when this returns."""
    scratch = file.with_name(f".{file.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    scratch.replace(file)
    _sync_folder(file.parent)


def remove_durably(file: Path) -> None:
    """Remove ``file`` if it is there; it is gone from disk when this returns."""
    if file.exists():
        file.unlink()
        _sync_folder(file.parent)


def refuse_readable_by_others(file: Path) -> None:
    """Raise :class:`ServerFailed` when others than its owner may read or write ``file``, which holds secrets."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return
    if mode & 0o077:
        raise ServerFailed(
            both(
                f"{file} を他のユーザーが読めます（モード {mode:o}）。chmod 600 で閉じてから起動してください。",
                f"{file} can be read by others (mode {mode:o}): close it with chmod 600, then start again. If somebody may "
                "have read it, move to a new data folder.",
            )
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
