"""``make clean`` in a tree of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLEAN = Path(__file__).resolve().parents[2] / "python" / "clean.py"
BUILT = (
    ".venv",
    ".build",
    "gateway/console/node_modules",
    "gateway/console/dist",
    "gateway/docs/node_modules",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree in which everything was built and run once."""
    (tmp_path / "infra/python").mkdir(parents=True)
    shutil.copy(CLEAN, tmp_path / "infra/python")
    for name in (*BUILT, ".data", "gateway/console/src"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    (tmp_path / ".data/daicho.lock").touch()
    return tmp_path


def _clean(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, tree / "infra/python/clean.py", ".venv", ".data"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_it_removes_what_was_built_and_the_data_and_names_each(tree: Path) -> None:
    done = _clean(tree)
    assert done.returncode == 0
    assert "removing .data: the local databases, keys and files" in done.stdout
    for name in BUILT:
        assert f"removing {tree / name}\n" in done.stdout
        assert not (tree / name).exists()
    assert not (tree / ".data").exists()
    assert (tree / "gateway/console/src/file").exists()


def test_while_a_run_uses_the_folder_nothing_is_removed(tree: Path) -> None:
    with (tree / ".data/daicho.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _clean(tree)
    assert done.returncode == 1
    assert "stop make run first" in done.stderr
    assert done.stdout == ""
    assert all((tree / name / "file").exists() for name in (*BUILT, ".data"))


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("y", 1), ("", 1)])
def test_at_a_terminal_data_goes_only_when_the_answer_is_yes(tree: Path, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, tree / "infra/python/clean.py", ".venv", ".data"]
    with subprocess.Popen(command, cwd=tree, stdin=theirs, stdout=subprocess.PIPE, text=True) as running:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        said, _ = running.communicate()
    os.close(ours)
    assert "for good" in said
    assert running.returncode == code
    assert (tree / ".data").exists() == (code == 1)
