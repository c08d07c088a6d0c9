"""PostgreSQL and OpenBao start, keep what they hold, fail in one line, and end with their parent."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from daicho.local.servers import OpenBaoServer, PostgresServer, ServerFailed, free_port
from daicho.local.servers.postgres import programs
from daicho.local.servers.process import as_user, unprivileged_user


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an unprivileged user reaches as well (pytest's own is ours alone)."""
    with tempfile.TemporaryDirectory(prefix="daicho-servers-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def postgres(folder) -> Iterator[PostgresServer]:
    server = PostgresServer(folder / "pg", port=free_port(), password="p@ss/word")
    yield server
    server.stop()


@pytest.fixture
def openbao(folder) -> Iterator[OpenBaoServer]:
    server = OpenBaoServer(folder / "bao", port=free_port())
    yield server
    server.stop()


async def run(server: PostgresServer, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_keeps_what_it_holds_across_a_power_cut(postgres):
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    await run(postgres, "CREATE TABLE kept AS SELECT 7 AS n")
    postgres.kill()
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    assert await run(postgres, "SELECT n FROM kept") == 7
    assert await run(postgres, "SELECT version()") > "PostgreSQL 18"
    assert psutil.Process(postgres.pid).uids().effective != 0


async def test_postgres_runs_with_the_settings_of_every_cluster_and_logs_no_data(postgres):
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    assert await run(postgres, "SHOW log_error_verbosity") == "terse"
    await run(postgres, "CREATE TABLE person (name text UNIQUE)")
    await run(postgres, "INSERT INTO person VALUES ('田中')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await run(postgres, "INSERT INTO person VALUES ('田中')")
    assert "person_name_key" in postgres.log.read_text()
    assert "田中" not in postgres.log.read_text()


async def test_garbage_in_a_table_file_is_noticed(postgres):
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    assert await run(postgres, "SHOW data_checksums") == "on"
    await run(postgres, "CREATE TABLE kept AS SELECT g FROM generate_series(1, 9000) g")
    file = postgres.folder / str(await run(postgres, "SELECT pg_relation_filepath('kept')"))
    postgres.stop()
    data = bytearray(file.read_bytes())
    data[8192 * 3 + 4000] ^= 1  # one bit, in a row: without checksums it is another number
    file.write_bytes(data)
    postgres.start()
    postgres.wait_until_ready()
    with pytest.raises(asyncpg.DataCorruptedError, match="invalid page in block 3"):
        await run(postgres, "SELECT sum(g) FROM kept")


async def test_cluster_without_checksums_gets_them_after_a_clean_stop(postgres):
    postgres.initialise()
    assert postgres._run("pg_checksums", "--disable", "--pgdata", postgres.folder).returncode == 0
    postgres.start()
    postgres.wait_until_ready()
    assert await run(postgres, "SHOW data_checksums") == "off"
    postgres.kill()
    postgres.initialise()  # it was not shut down: recovery comes first
    postgres.start()
    postgres.wait_until_ready()
    postgres.stop()
    assert "data checksums: OFF" in postgres.log.read_text()
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    assert await run(postgres, "SHOW data_checksums") == "on"


async def test_postgres_listens_on_loopback_alone(postgres):
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    ours = [psutil.Process(postgres.pid), *psutil.Process(postgres.pid).children()]
    listening = {
        c.laddr.ip for p in ours for c in p.net_connections() if c.status == psutil.CONN_LISTEN and c.laddr
    }
    assert listening == {"127.0.0.1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that others cannot reach")
async def test_root_starts_postgres_in_a_folder_of_its_own(folder):
    folder.chmod(0o700)
    server = PostgresServer(folder / "deep" / "pg", port=free_port(), password="x")
    server.initialise()
    server.start()
    server.wait_until_ready()
    assert await run(server, "SELECT 1") == 1
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that others cannot reach")
def test_root_runs_postgres_from_an_environment_that_is_closed_to_others(folder, monkeypatch):
    user = unprivileged_user()
    shipped = programs(None).parents[1]
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in (shipped.name, f"{shipped.name}.libs"):
        shutil.copytree(shipped.parent / name, closed / name, symlinks=True)
    monkeypatch.syspath_prepend(closed)
    for _ in range(2):  # the second time the copy stands
        found = programs(user, copies=folder / "copies")
        said = subprocess.run(
            as_user(user, [found / "initdb", "--version"], reach=()),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "PostgreSQL" in said.stdout
    assert [each.name for each in (folder / "copies").iterdir()] == [found.parents[2].name]


def test_a_taken_port_is_one_clear_line(postgres):
    postgres.initialise()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", postgres.port))
        taken.listen()
        with pytest.raises(ServerFailed, match=f"Port {postgres.port}, meant for PostgreSQL"):
            postgres.start()


def test_a_folder_of_something_else_is_left_alone(folder):
    (folder / "pg").mkdir()
    (folder / "pg" / "letter.txt").write_text("dear")
    with pytest.raises(ServerFailed, match="holds no PostgreSQL data"):
        PostgresServer(folder / "pg", port=1, password="x").initialise()


def test_a_broken_data_folder_is_one_clear_line(postgres):
    postgres.initialise()
    (postgres.folder / "global" / "pg_control").unlink()
    postgres.start()
    with pytest.raises(ServerFailed, match="pg_control") as failure:
        postgres.wait_until_ready()
    assert "\n" not in str(failure.value)


def test_a_second_instance_on_one_folder_is_refused(postgres, monkeypatch):
    monkeypatch.setattr("daicho.local.servers.postgres._ORPHAN_SECONDS", 0.1)
    postgres.initialise()
    postgres.start()
    postgres.wait_until_ready()
    second = PostgresServer(postgres.folder, port=free_port(), password="x")
    with pytest.raises(ServerFailed, match="Another instance"):
        second.start()


def test_a_lock_that_names_a_stranger_is_forgotten(postgres):
    """After a restart of a container the old postmaster's number belongs to somebody else."""
    postgres.initialise()
    (postgres.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.folder}\n1\n1\n\n127.0.0.1\n")
    postgres.start()
    postgres.wait_until_ready()


def call(server: OpenBaoServer, path: str) -> dict[str, object]:
    return server._call("GET", path, token=server.root_token)


def test_openbao_opens_again_with_the_kept_key_on_another_port(openbao, folder):
    openbao.start()
    openbao.wait_until_ready()
    assert openbao.unseal_file.stat().st_mode & 0o777 == 0o600
    assert openbao.folder.stat().st_mode & 0o077 == 0
    openbao._call("POST", "sys/mounts/transit", {"type": "transit"}, token=openbao.root_token)
    openbao.stop()
    again = OpenBaoServer(openbao.folder, port=free_port())
    again.start()
    again.wait_until_ready()
    assert "transit/" in call(again, "sys/mounts")["data"]
    again.stop()


def test_a_sealed_openbao_answers_nothing_until_it_is_unsealed(openbao):
    openbao.start()
    openbao.wait_until_ready()
    openbao.seal()
    with pytest.raises(ServerFailed, match="503"):
        call(openbao, "sys/mounts")
    openbao.unseal()
    assert call(openbao, "sys/mounts")


def test_a_lost_unseal_key_is_one_clear_line(openbao):
    openbao.start()
    openbao.wait_until_ready()
    openbao.stop()
    openbao.unseal_file.rename(openbao.unseal_file.with_suffix(".away"))
    openbao.start()
    with pytest.raises(ServerFailed, match="UNSEAL_FILE"):
        openbao.wait_until_ready()


def test_nothing_outlives_a_killed_parent(folder):
    script = f"""
        import json, signal, sys
        from pathlib import Path
        from daicho.local.servers import *
        pg = PostgresServer(Path({str(folder)!r}) / "pg", port=free_port(), password="x")
        bao = OpenBaoServer(Path({str(folder)!r}) / "bao", port=free_port())
        pg.initialise(); pg.start(); bao.start(); pg.wait_until_ready(); bao.wait_until_ready()
        print(json.dumps([pg.pid, bao.pid]), flush=True)
        signal.pause()
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [psutil.Process(pid) for pid in json.loads(parent.stdout.readline())]
    children += [grandchild for child in children for grandchild in child.children(recursive=True)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert (len(gone), alive) == (len(children), [])


async def test_start_in_a_thread_is_refused(postgres):
    postgres.initialise()
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(postgres.start)
