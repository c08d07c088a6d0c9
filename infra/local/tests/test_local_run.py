"""Starting, stopping, dying, and what is said when it cannot be done."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from daicho.local.plan import MAIL_PAGE

Start = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]


def _alive(family: list[psutil.Process], within: float = 20) -> list[psutil.Process]:
    return psutil.wait_procs(family, timeout=within)[1]


def _complaint(run: Any) -> str:
    """The one line that it leaves with."""
    lines = run.complaint().splitlines()
    assert run.process.returncode == 1
    assert len(lines) == 1, lines
    return str(lines[0])


def test_it_starts_says_where_everything_is_and_stops_on_ctrl_c(start: Start) -> None:
    run = start()
    said = run.wait_until_ready()
    assert f"http://127.0.0.1:{run.port}" in said
    assert f"http://127.0.0.1:{run.port}/docs" in said
    assert f"{run.data}/openbao/unseal.json" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{run.port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    family = run.family()
    assert {"postgres", "bao", "envoy"} <= {process.name() for process in family}
    listening = {
        connection.laddr.ip
        for process in [*family, psutil.Process(run.process.pid)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    assert run.stop() == 0
    assert run.rest() == ["止めています / stopping …\n"]
    assert _alive(family) == []


def test_the_mail_page_gives_way_to_whoever_has_its_port(start: Start) -> None:
    with socket.socket() as holder:
        with contextlib.suppress(OSError):  # held already is as good
            holder.bind(("127.0.0.1", MAIL_PAGE))
            holder.listen()
        run = start()
        page = re.search(r"メール / mail +http://127.0.0.1:(\d+)", run.wait_until_ready())
    assert page is not None
    assert int(page[1]) != MAIL_PAGE
    with urllib.request.urlopen(f"http://127.0.0.1:{page[1]}", timeout=5) as answer:
        assert answer.status == 200
    assert run.stop() == 0


def test_making_the_environment_says_so_before_it_begins() -> None:
    make = ["make", "--dry-run", "--what-if=requirements.lock", "env"]
    said = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.index("making the environment") < said.index("pip install")


def test_nothing_lives_on_after_it_was_killed_and_the_next_start_finds_everything(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    secrets = (first.data / "secrets.json").read_text()
    family = first.family()
    assert len(family) >= 6
    first.process.kill()
    assert _alive(family) == []
    began = time.monotonic()
    second = start()
    second.wait_until_ready()
    assert time.monotonic() - began < 60  # a second on a quiet machine
    assert (second.data / "secrets.json").read_text() == secrets
    assert second.stop() == 0


@pytest.mark.parametrize(
    ("program", "name", "log"),
    [("envoy", "Envoy", "envoy.log"), ("bao", "OpenBao", "openbao.log")],
)
def test_when_a_server_falls_everything_stops_and_says_which_and_where_its_log_is(
    start: Start, program: str, name: str, log: str
) -> None:
    run = start()
    run.wait_until_ready()
    family = run.family()
    next(process for process in family if process.name() == program).kill()
    line = _complaint(run)
    assert f"{name} ended by itself" in line
    assert f"(more in {run.data / log})" in line
    assert (run.data / log).is_file()
    assert _alive(family) == []


def test_a_second_run_on_the_same_folder_is_told_where_the_first_is(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    line = _complaint(start())
    assert f"http://127.0.0.1:{first.port}" in line
    assert f"pid={first.process.pid}" in line
    assert "DATA=" in line
    assert first.stop() == 0


def test_a_taken_port_is_named_before_anything_starts(start: Start) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        run = start(port=holder.getsockname()[1])
        line = _complaint(run)
    assert f"Port {run.port}" in line
    assert "PORT=" in line
    assert not run.data.exists()


@pytest.mark.parametrize("place", ["/proc/daicho", "/dev/null/daicho"])
def test_a_folder_that_cannot_be_made_is_one_line_with_what_to_do(start: Start, place: str) -> None:
    line = _complaint(start(folder=Path(place)))
    assert place in line or "/dev/null" in line
    assert "DATA=" in line


@contextlib.contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at ``folder`` while the block runs."""
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounting.returncode:
        pytest.skip(f"NOT TESTED: root may not mount here: {mounting.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can mount a disk that is full")
def test_a_disk_without_room_is_one_line_with_what_to_do_and_nothing_is_written(
    start: Start, data: Path
) -> None:
    with _mounted(data, "size=16m"):
        line = _complaint(start())
        assert list(data.iterdir()) == []
    assert f"{data}: only 16 MiB are free" in line
    assert "free some space, or choose another folder with DATA=" in line


@contextlib.contextmanager
def _closed(folder: Path) -> Iterator[str]:
    """A folder that we cannot write into, and what that is called: root is stopped by nothing but the disk."""
    if os.geteuid() == 0:
        with _mounted(folder, "ro"):
            yield "the file system is read-only"
    else:
        folder.mkdir(mode=0o555)
        yield "you may not write there"


def test_a_read_only_folder_is_one_line_with_what_to_do(start: Start, data: Path) -> None:
    with _closed(data) as words:
        line = _complaint(start(folder=data / "new"))
    assert f"{data / 'new'}: {words}: choose another folder with DATA=" in line


@pytest.mark.parametrize("goal", ["run", "clean"])
def test_make_hands_over_a_folder_whose_name_has_spaces_as_one(goal: str) -> None:
    make = ["make", "--dry-run", "--no-print-directory", goal, "DATA=顧客 台帳/データ"]
    # What the make that runs these tests was told is not for this one.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(make, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    assert shlex.split(said.splitlines()[-1])[-1] == "顧客 台帳/データ"


def test_a_folder_of_somebody_elses_is_left_alone(start: Start, data: Path) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("mine")
    assert "not made by make run" in _complaint(start())
    assert [path.name for path in data.iterdir()] == ["thesis.txt"]


def test_damaged_secrets_are_named(start: Start, data: Path) -> None:
    data.mkdir()
    (data / "daicho.lock").touch()
    (data / "secrets.json").touch(mode=0o600)
    (data / "secrets.json").write_text('{"postgres": "x')
    line = _complaint(start())
    assert "secrets.json is damaged" in line
    assert "backup" in line


def test_lost_and_open_secrets_are_named_in_both_languages(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    assert first.stop() == 0
    secrets = first.data / "secrets.json"
    secrets.chmod(0o644)
    line = _complaint(start())
    assert "chmod 600" in line
    assert "can be read by others" in line
    secrets.rename(first.data / "elsewhere")
    line = _complaint(start())
    assert "secrets.json がありません" in line
    assert "restore it from a backup" in line


def test_damaged_key_store_is_named_in_both_languages(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    assert first.stop() == 0
    os.truncate(first.data / "openbao" / "storage" / "vault.db", 5_000)
    line = _complaint(start())
    assert "バックアップからデータフォルダー全体を戻してください" in line
    assert "restore the whole data folder from a backup" in line
    assert "Traceback" not in line


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can mount a disk that is full")
def test_used_folder_on_a_disk_that_fills_up_is_one_line_and_recovers(start: Start, data: Path) -> None:
    with _mounted(data, "size=1000m,mode=0711"):
        first = start()
        first.wait_until_ready()
        family = first.family()
        first.process.kill()  # recovery is left to the next start
        assert _alive(family) == []
        filler = data / "filler"
        fill(filler, leaving=300 << 20)
        second = start()
        assert "warning" in second.wait_until_ready()
        family = second.family()
        second.process.kill()
        assert _alive(family) == []
        fill(filler, leaving=20 << 20)
        line = _complaint(start())
        assert "空きを作る" in line
        assert "MiB are needed" in line
        filler.unlink()
        third = start()
        third.wait_until_ready()
        assert third.stop() == 0


def fill(file: Path, *, leaving: int) -> None:
    """Let ``file`` grow until ``leaving`` bytes are free."""
    with file.open("ab") as filler:
        filler.write(bytes(shutil.disk_usage(file.parent).free - leaving))


def test_a_damaged_database_is_named(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    assert first.stop() == 0
    (first.data / "postgres" / "global" / "pg_control").unlink()
    assert "PostgreSQL" in _complaint(start())


def test_a_lost_unseal_key_is_named(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    assert first.stop() == 0
    (first.data / "openbao" / "unseal.json").rename(first.data / "elsewhere.json")
    assert "UNSEAL_FILE" in _complaint(start())
    second = start(UNSEAL_FILE=str(first.data / "elsewhere.json"))
    assert "elsewhere.json" in second.wait_until_ready()
    assert second.stop() == 0


def test_secrets_are_for_our_eyes_only(start: Start) -> None:
    run = start()
    run.wait_until_ready()
    for name in (
        "secrets.json",
        "vault-roles.json",
        "settings.json",
        "openbao/unseal.json",
        "envoy/envoy.json",
        "daicho.lock",
    ):
        assert stat.S_IMODE((run.data / name).stat().st_mode) == 0o600, name
    for log in run.data.glob("*.log"):
        assert stat.S_IMODE(log.stat().st_mode) == 0o600, log.name
    secrets = json.loads((run.data / "secrets.json").read_text())
    assert len(set(secrets.values())) == len(secrets)
    told = [
        " ".join(process.cmdline()) + str(process.environ()) for process in run.family() if _ours(process)
    ]
    assert not any(secret in text for secret in secrets.values() for text in told)
    assert run.stop() == 0


def _ours(process: psutil.Process) -> bool:
    try:
        process.environ()
    except psutil.Error:  # ended, or another user's, which is beside the point
        return False
    return True


@pytest.mark.parametrize(
    ("environ", "words"),
    [({"VAULT_ADDR": "http://127.0.0.1:1"}, "VAULT_TOKEN"), ({"HOST": "192.0.2.1"}, "PORT=")],
)
def test_what_cannot_be_meant_is_said(start: Start, environ: dict[str, str], words: str) -> None:
    assert words in _complaint(start(**environ))
