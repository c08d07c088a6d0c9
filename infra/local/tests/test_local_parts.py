"""The supervisor's parts, each by itself."""

from __future__ import annotations

import asyncio
import errno
import smtplib
import stat
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from daicho.local import watchdog
from daicho.local.folder import keep, locked, worded, write_private
from daicho.local.options import read_options
from daicho.local.plan import MAIL_PAGE, ROOT, Ports, Wiring, at_database
from daicho.local.servers import ServerFailed, free_port, mailsink
from daicho.local.servers.mailsink import run_mail_sink


def test_too_little_room_is_said_before_anything_is_written(data: Path) -> None:
    with (
        pytest.raises(ServerFailed, match=r"MiB are free, .* free some space"),
        locked(data, "here", room=1 << 60),
    ):
        pass


def test_used_folder_with_little_room_is_warned_about_and_runs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.mkdir()
    for name in ("daicho.lock", "settings.json"):
        (data / name).touch()
    with locked(data, "here", room=1 << 60):
        pass
    said = capsys.readouterr().out
    assert "注意" in said
    assert "warning" in said


def test_used_folder_without_room_for_recovery_is_refused(data: Path) -> None:
    data.mkdir()
    for name in ("daicho.lock", "settings.json"):
        (data / name).touch()
    with (
        pytest.raises(ServerFailed, match=r"空きを作る.* / .*MiB are free, .* free some space"),
        locked(data, "here", room=1 << 60, floor=1 << 60),
    ):
        pass


def test_first_start_that_ended_early_counts_as_a_first_start(data: Path) -> None:
    data.mkdir()
    (data / "daicho.lock").touch()
    with pytest.raises(ServerFailed, match="MiB are needed"), locked(data, "here", room=1 << 60):
        pass


def test_secrets_that_are_gone_are_not_made_anew_beside_a_database(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(ServerFailed, match=r"secrets.json がありません.* / .*secrets.json is gone.*backup"):
        keep(data / "secrets.json", lambda: {"a": "1"})
    assert not (data / "secrets.json").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o622])
def test_secrets_that_others_can_read_are_refused(data: Path, mode: int) -> None:
    data.mkdir()
    file = data / "secrets.json"
    keep(file, lambda: {"a": "1"})
    file.chmod(mode)
    with pytest.raises(ServerFailed, match=r"chmod 600 .* / .*can be read by others"):
        keep(file, lambda: {"a": "1"})


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "may not write")],
)
def test_what_the_disk_says_becomes_a_line_with_what_to_do(data: Path, code: int, words: str) -> None:
    with pytest.raises(ServerFailed, match=f"{words}.*DATA="), worded(data):
        raise OSError(code, "as the system says it", str(data))


def test_secrets_are_made_once_and_only_added_to(data: Path) -> None:
    data.mkdir()
    file = data / "secrets.json"
    first = keep(file, lambda: {"a": "1"})
    second = keep(file, lambda: {"a": "2", "b": "3"})
    assert (first, second) == ({"a": "1"}, {"a": "1", "b": "3"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_private_file_is_replaced_in_one_step(data: Path) -> None:
    data.mkdir()
    file = data / "x.json"
    write_private(file, {"a": 1})
    write_private(file, {"a": 2})
    assert [path.name for path in data.iterdir()] == ["x.json"]


def test_the_watchdog_ends_what_its_master_left_behind() -> None:
    endless = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print(flush=True); time.sleep(600)"
    left, finished = (
        subprocess.Popen([sys.executable, "-c", endless], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(2)
    )
    for process in (left, finished):
        assert process.stdout is not None
        process.stdout.readline()
    dog = subprocess.Popen([sys.executable, "-I", "-S", watchdog.__file__], stdin=subprocess.PIPE)
    try:
        assert dog.stdin is not None
        dog.stdin.write(f"+{left.pid}\n+{finished.pid}\n-{finished.pid}\n".encode())
        dog.stdin.close()
        assert left.wait(10) == -2
        assert dog.wait(20) == 0
        assert finished.poll() is None
    finally:
        for process in (left, finished, dog):
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def test_ports_are_all_different() -> None:
    ports = Ports.choose(("identity", "customers", "audit"))
    numbers = [
        ports.postgres,
        ports.openbao,
        ports.smtp,
        *ports.http.values(),
        *ports.grpc.values(),
    ]
    assert len(set(numbers)) == 9


def test_a_services_settings_lead_to_its_own_role_and_to_servers_that_were_named() -> None:
    environ = {
        "SMTP_URL": "smtp://mail.example:25",
        "BUS_URL": "kafka://broker.example:9092",
        "OTLP_ENDPOINT": "http://collector.example:4317",
        "LOG_LEVEL": "warning",
    }
    options = read_options(["run", "--port", "9090", "--data", "x"], environ)
    ports = Ports.choose(("identity", "customers", "audit"))
    passwords = {f"customers_{role}": "p/w" for role in ("app", "relay")}
    wiring = Wiring(
        options, ports, passwords, "postgresql://postgres:root@127.0.0.1:5/postgres", "http://127.0.0.1:6"
    )
    told = wiring.settings("customers", {"role_id": "r", "secret_id": "s"})
    assert told["DAICHO_DATABASE_URL"] == "postgresql://customers_app:p%2Fw@127.0.0.1:5/customers"
    assert told["DAICHO_RELAY_DATABASE_URL"] == "postgresql://customers_relay:p%2Fw@127.0.0.1:5/customers"
    assert told["DAICHO_SMTP_URL"] == "smtp://mail.example:25"
    assert told["DAICHO_BUS_URL"] == "kafka://broker.example:9092"
    assert told["DAICHO_OTLP_ENDPOINT"] == "http://collector.example:4317"
    assert told["DAICHO_LOG_LEVEL"] == "WARNING"
    assert told["DAICHO_PUBLIC_URL"] == "http://127.0.0.1:9090"
    assert told["DAICHO_IDENTITY_GRPC"] == f"127.0.0.1:{ports.grpc['identity']}"
    assert not any("root" in value for value in told.values())


def test_a_database_address_keeps_its_place_and_its_options() -> None:
    url = "postgresql://postgres:secret@[::1]:5432/postgres?sslmode=require"
    assert (
        at_database(url, "audit", "audit_app", "x")
        == "postgresql://audit_app:x@[::1]:5432/audit?sslmode=require"
    )


@pytest.mark.parametrize("port", ["0", "65536", "eighty"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ServerFailed, match="not a port"):
        read_options(["run", "--port", port], {})


def test_a_log_level_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ServerFailed, match=r"LOG_LEVEL=loud .* DEBUG, INFO, WARNING, ERROR"):
        read_options(["run"], {"LOG_LEVEL": "loud"})


@pytest.mark.parametrize("hops", ["-1", "two", "10", "１"])
def test_number_of_proxies_that_is_none_is_refused(hops: str) -> None:
    with pytest.raises(ServerFailed, match=f"TRUSTED_HOPS={hops} is not a number of proxies"):
        read_options(["run"], {"TRUSTED_HOPS": hops})


def test_no_proxy_is_trusted_unless_it_is_named() -> None:
    assert read_options(["run"], {}).trusted_hops == 0
    assert read_options(["run"], {"TRUSTED_HOPS": "1"}).trusted_hops == 1


def test_listening_everywhere_is_reached_by_loopback() -> None:
    options = read_options(["run"], {"HOST": "0.0.0.0", "DAICHO_LIMIT_TENANT": "5/1"})  # noqa: S104 parsed, not bound
    assert options.public_url == "http://127.0.0.1:8080"
    assert options.tune == {"limit_tenant": "5/1"}


def test_sizes_are_passed_on_to_every_service() -> None:
    environ = {
        "BUS_URL": "kafka://b",
        "DAICHO_HEAVY_REQUESTS": "6/3",
        "DAICHO_HEAVY_POOL": "9",
        "DAICHO_VAULT_ADDR": "http://other",
    }
    options = read_options(["run"], environ)
    ports = Ports.choose(("identity", "customers"))
    wiring = Wiring(
        options, ports, {f"customers_{role}": "p" for role in ("app", "relay")}, "postgresql://h", "v"
    )
    told = wiring.settings("customers", {"role_id": "r", "secret_id": "s"})
    assert (told["DAICHO_HEAVY_REQUESTS"], told["DAICHO_HEAVY_POOL"]) == ("6/3", "9")
    assert "DAICHO_LIGHT_REQUESTS" not in told
    assert told["DAICHO_VAULT_ADDR"] == "v"


async def test_the_mail_page_is_where_it_was_wished_unless_somebody_is_there() -> None:
    wished = free_port()
    async with run_mail_sink("127.0.0.1", free_port(), wished) as first:
        assert first.page_port == wished
        async with run_mail_sink("127.0.0.1", free_port(), wished) as second:
            assert second.page_port not in (0, wished)


async def test_a_mail_server_that_greets_nobody_is_told_before_the_product_is_ready(monkeypatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise TypeError

    monkeypatch.setattr(mailsink, "SMTP", fail)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with pytest.raises(ServerFailed, match="does not answer"):
        async with run_mail_sink("127.0.0.1", free_port(), 0):
            pass


def test_the_apis_page_looks_for_mail_where_it_shows() -> None:
    guide = (ROOT / "docs/guide/api.md").read_text(encoding="utf-8")
    assert f"MAIL:-http://127.0.0.1:{MAIL_PAGE}}}" in guide


async def test_mail_shows_on_a_page_and_as_json_with_nothing_of_it_run() -> None:
    smtp, page = free_port(), free_port()
    message = EmailMessage()
    message["From"], message["To"] = "daicho@example.jp", "owner@midori.example"
    message["Subject"] = "招待 <script>alert(1)</script>"
    message.set_content(
        'こんにちは <img src=x onerror="alert(1)">\nhttp://127.0.0.1:8080/confirm?token=a_b-c&x=1\n'
    )
    async with (
        run_mail_sink("127.0.0.1", smtp, page),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{page}") as client,
    ):

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", smtp) as server:
                server.send_message(message)

        await asyncio.to_thread(send)
        told = (await client.get("/api/mails", params={"to": "owner@midori.example"})).json()
        assert [mail["links"] for mail in told] == [["http://127.0.0.1:8080/confirm?token=a_b-c&x=1"]]
        assert told[0]["subject"] == "招待 <script>alert(1)</script>"
        assert (await client.get("/api/mails/1")).json() == told[0]
        assert (await client.get("/api/mails", params={"to": "nobody@midori.example"})).json() == []
        for path in ("/", "/mails/1"):
            shown = await client.get(path)
            assert "<script>" not in shown.text
            assert "<img" not in shown.text
            assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert 'href="http://127.0.0.1:8080/confirm?token=a_b-c&amp;x=1"' in shown.text
        assert (await client.get("/mails/2")).status_code == 404
        assert (await client.post("/")).status_code == 405
