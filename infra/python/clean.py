"""``python clean.py ENVIRONMENT DATA``: remove what was built and the local data folder.

Standard library only: the environment may not exist. A folder that was not made by ``make run`` is left alone.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = (".build", ".mypy_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis")
LOCK = "daicho.lock"
"""The file that marks a folder as ours; whoever uses the folder holds a lock on it."""


def main(environment: str, data: str) -> int:
    """Remove; 1 when the data folder is in use or not ours."""
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
            shutil.rmtree(folder)
    for name in (environment, *BUILT):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
