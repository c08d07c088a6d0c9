"""The story on the oldest and the newest Python that the README names, begun with `make run` by an ordinary user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from daicho.local.plan import ROOT
from daicho.testkit.product import Checkout, Product, data_folder, running_product

from .test_story import *  # noqa: F403 - the same steps on another product

BUILT: Final = (".build", "gateway/console/dist")
"""What `make console` made of these sources; it is the same for every Python."""
USER: Final = "nobody"


def oldest_and_newest() -> list[str]:
    """The versions that the README names, such as 3.11."""
    named = re.search(
        r"Python (3\.\d+) to (3\.\d+)", " ".join((ROOT / "README.md").read_text("utf-8").split())
    )
    assert named is not None
    return list(named.groups())


def interpreter(version: str) -> str:
    """The path of a Python of ``version``. Debian's own comes first: it is older than what others keep of that version."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for path in (Path(f"/usr/bin/python{version}"), *kept):
        if path.exists():
            return str(path)
    found = shutil.which(f"python{version}")
    assert found is not None, f"python{version} is missing"
    return found


def copy_interpreter(python: str, folder: Path) -> str:
    """A copy in ``folder`` of an interpreter that stands in a home that is closed to others; answers its path.

    It finds its shared library, if it has one, by LD_LIBRARY_PATH alone: ``folder``/lib.
    """
    path = Path(python).resolve()
    prefix = path.parent.parent
    name = path.name
    (folder / "bin").mkdir(parents=True)
    shutil.copy(path, folder / "bin" / name)
    shutil.copytree(
        prefix / "lib" / name, folder / "lib" / name, ignore=shutil.ignore_patterns("test", "site-packages")
    )
    for library in (prefix / "lib").glob(f"lib{name}.so*"):
        shutil.copy(library, folder / "lib" / library.name)
    return str(folder / "bin" / name)


def copy_sources(folder: Path) -> None:
    """The sources as they are here, and what is built of them, into a new ``folder``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in listed.decode().rstrip("\0").split("\0"):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for name in BUILT:
        shutil.copytree(ROOT / name, folder / name)


def give_to(user: str, folder: Path) -> None:
    """Make ``user`` the owner of ``folder`` and all in it."""
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user)


@pytest.fixture(scope="module", params=oldest_and_newest())
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    """The product on another Python; nothing on its screen is a traceback."""
    python = interpreter(request.param)
    with data_folder() as data:
        home = data.parent
        sources = home / "daicho"
        sources.mkdir()
        copy_sources(sources)
        user = USER if os.geteuid() == 0 else None
        copied = user is not None and Path.home() in Path(python).parents
        if copied:
            python = copy_interpreter(python, home / "python")
        if user is not None:
            give_to(user, home)
        own = {} if user is None else {"HOME": str(home), "USER": user, "LOGNAME": user}
        if copied:
            own["LD_LIBRARY_PATH"] = str(home / "python" / "lib")
        checkout = Checkout(sources, python, user)
        with running_product(data, checkout, VIRTUAL_ENV="", **own) as running:
            assert all(it.uids().real != 0 for it in running.processes()) or user is None
            yield running
        assert "Traceback" not in running.screen.close()
