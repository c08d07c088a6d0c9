"""OpenBao's first start is killed at each of its steps: the next start opens a store that works, or begins anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from daicho.local.servers import OpenBaoServer, ServerFailed, free_port

SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from daicho.local.servers import OpenBaoServer, free_port
    from daicho.local.servers import openbao

    folder, last = Path(sys.argv[1]), int(sys.argv[2])
    steps = 0

    def counted(run, counts=lambda *_: True):
        def step(*arguments, **options):
            global steps
            answer = run(*arguments, **options)
            if counts(*arguments):
                steps += 1
                if steps == last:
                    os.kill(os.getpid(), signal.SIGKILL)
            return answer
        return step

    # The moment after each step that another process or a disk can see.
    for name in ("fsync", "replace", "rename", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    OpenBaoServer._call = counted(OpenBaoServer._call, lambda _, method, *__: method != "GET")
    OpenBaoServer.start = counted(OpenBaoServer.start)
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    server.wait_until_ready()
    print(steps, flush=True)
    server.kill()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="daicho-first-") as name:
        yield Path(name) / "bao"


def first_start(folder: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), str(kill_at)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def works(folder: Path) -> bool:
    """Whether a start opens the store and lets it be used; nothing of the first start is left over."""
    server = OpenBaoServer(folder, port=free_port())
    try:
        server.start()
        server.wait_until_ready()
        server._call("POST", "sys/mounts/kept", {"type": "kv"}, token=server.root_token)
        return not (folder / "first-start").exists()
    finally:
        server.kill()


def test_first_start_killed_at_any_step_is_followed_by_a_start_that_works() -> None:
    step = killed = 0
    while True:
        step += 1
        with tempfile.TemporaryDirectory(prefix="daicho-first-") as name:
            folder = Path(name) / "bao"
            done = first_start(folder, step)
            if done.returncode == 0:
                break
            assert done.returncode == -signal.SIGKILL, done.stderr
            killed += 1
            assert works(folder), f"killed at step {step}"
    assert killed >= 8


def test_store_without_its_key_is_left_alone(folder: Path) -> None:
    assert first_start(folder, 0).returncode == 0
    (folder / "unseal.json").unlink()
    before = sorted(path.name for path in (folder / "storage").rglob("*"))
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    with pytest.raises(ServerFailed, match="UNSEAL_FILE"):
        server.wait_until_ready()
    server.stop()
    assert sorted(path.name for path in (folder / "storage").rglob("*")) == before


def test_store_that_is_gone_is_not_taken_for_a_new_one(folder: Path) -> None:
    assert first_start(folder, 0).returncode == 0
    kept = (folder / "unseal.json").read_text()
    (folder / "storage").rename(folder / "elsewhere")
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    with pytest.raises(ServerFailed, match=r"バックアップ.* / OpenBao's data in .* is gone"):
        server.wait_until_ready()
    server.stop()
    assert (folder / "unseal.json").read_text() == kept


@pytest.mark.parametrize("file", ["vault.db", "raft/raft.db"])
@pytest.mark.parametrize("way", ["garbage", "cut"])
def test_damaged_store_is_one_line_in_both_languages(folder: Path, file: str, way: str) -> None:
    assert first_start(folder, 0).returncode == 0
    path = folder / "storage" / file
    if way == "garbage":
        data = bytearray(path.read_bytes())
        data[:20_000] = os.urandom(20_000)
        path.write_bytes(data)
    else:
        os.truncate(path, 5_000)
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    with pytest.raises(
        ServerFailed, match=r"データ.*バックアップ.* / OpenBao's data in .* restore"
    ) as failure:
        server.wait_until_ready()
    server.stop()
    assert "\n" not in str(failure.value)


def test_key_of_another_store_is_one_line_in_both_languages(folder: Path) -> None:
    assert first_start(folder, 0).returncode == 0
    with tempfile.TemporaryDirectory(prefix="daicho-first-") as name:
        assert first_start(Path(name) / "bao", 0).returncode == 0
        (folder / "unseal.json").write_text((Path(name) / "bao" / "unseal.json").read_text())
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    with pytest.raises(ServerFailed, match=r"開けません.* / The key in .* does not open"):
        server.wait_until_ready()
    server.stop()


def test_key_that_others_can_read_is_refused(folder: Path) -> None:
    assert first_start(folder, 0).returncode == 0
    (folder / "unseal.json").chmod(0o644)
    server = OpenBaoServer(folder, port=free_port())
    server.start()
    with pytest.raises(ServerFailed, match=r"chmod 600 .* / .*unseal.json can be read by others"):
        server.wait_until_ready()
    server.stop()
