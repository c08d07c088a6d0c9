"""``python clean.py ENVIRONMENT DATA``: remove what was built and the local data folder, and name what goes.

Standard library only: the environment may not exist. A folder that was not made by ``make run`` is left alone. At a terminal it
asks before it removes data; a script is not asked.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = (
    ".build",
    "gateway/console/node_modules",
    "gateway/console/dist",
    "gateway/docs/node_modules",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
    ".hypothesis",
)
LOCK = "daicho.lock"
"""The file that marks a folder as ours; whoever uses the folder holds a lock on it."""


def main(environment: str, data: str) -> int:
    """Remove; 1 when the data folder is in use or not ours, or the answer is no."""
    folder = Path(data)
    if folder.exists():
        lock = folder / LOCK
        if not lock.exists():
            sys.stderr.write(f"{folder} was not made by make run: it is left alone.\n")
            return 1
        with lock.open("r+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                sys.stderr.write(f"{folder} is in use: stop make run first.\n")
                return 1
            if not _is_meant(folder):
                return 1
            _remove(folder, ": the local databases, keys and files")
    for name in (environment, *BUILT):
        if (ROOT / name).exists():
            _remove(ROOT / name)
    return 0


def _is_meant(folder: Path) -> bool:
    """Ask the person at the terminal whether to go on; True where nobody is."""
    if not sys.stdin.isatty():
        return True
    sys.stdout.write(
        f"{folder} のデータベース・鍵・ファイルをすべて削除します。元に戻せません。\n"
        f"This removes every database, key and file in {folder}, for good.\n"
        "続けるには yes と入力 / type yes to go on: "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip() == "yes"


def _remove(folder: Path, what: str = "") -> None:
    sys.stdout.write(f"removing {folder}{what}\n")
    sys.stdout.flush()
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
