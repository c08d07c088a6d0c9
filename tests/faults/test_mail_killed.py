"""A worker killed while a server has its mail: that one is in doubt, comes again under its name, and is named."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP

from daicho.identity.passwords import Passwords
from daicho.identity.tenants.schemas import FirstAdmin, SignUp
from daicho.identity.tenants.service import Tenants
from daicho.keyring import Keyring, Transit
from daicho.runtime import utc_now
from daicho.testkit.company import PASSWORD
from daicho.testkit.waiting import until

_WORKER = Path(__file__).parent / "mail_worker.py"


class Server:
    """Takes mail, and says so to nobody before ``go_on``."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.go_on = asyncio.Event()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        self.got.append(message_from_bytes(envelope.content))
        await self.go_on.wait()
        return "250 OK"


@pytest.fixture
async def admin_and_settings(make_database, openbao_server, openbao_roles) -> AsyncIterator[Any]:
    """A company that signed up, so that one mail waits."""
    made, login = await make_database("identity"), openbao_roles["identity"]
    database, admin = await made.open(), await asyncpg.connect(made.admin_url)
    transit, passwords = Transit(openbao_server.address, *login, service="identity"), Passwords()
    tenants = Tenants(
        database, Keyring(transit, database), transit, passwords, utc_now, "https://ledger.test"
    )
    owner = FirstAdmin(email="owner@example.jp", display_name="山田", password=PASSWORD)
    await tenants.sign_up(SignUp(code="killed", company_name="社", admin=owner), None)
    yield admin, [made.app_url, openbao_server.address, *login]
    passwords.close()
    transit.close()
    await admin.close()
    await database.close()


async def test_a_worker_killed_while_it_hands_a_mail_over_leaves_one_in_doubt(
    admin_and_settings, tmp_path
) -> None:
    admin, settings = admin_and_settings
    server, loop = Server(), asyncio.get_running_loop()
    said = tmp_path / "worker.log"

    def start(url: str) -> subprocess.Popen[bytes]:
        with said.open("ab") as log:
            return subprocess.Popen([sys.executable, str(_WORKER), *settings, url], stdout=log, stderr=log)

    async def heard(count: int) -> bool:
        return len(server.got) >= count

    async def left() -> bool:
        return not await admin.fetchval("SELECT count(*) FROM mail")

    async with await loop.create_server(lambda: SMTP(server, loop=loop), "127.0.0.1", 0) as listening:
        url = f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        worker = start(url)
        try:
            await until(lambda: heard(1), within=60)
            assert await admin.fetchval("SELECT attempted_at IS NOT NULL FROM mail"), "known before it left"
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        server.go_on.set()
        worker = start(url)
        try:
            await until(left, within=60)
        finally:
            worker.kill()
            worker.wait()
    first, second = server.got
    assert first["Message-ID"] == second["Message-ID"]
    assert "mail_perhaps_sent_twice" in said.read_text()
