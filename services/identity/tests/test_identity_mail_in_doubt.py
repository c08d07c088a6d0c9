"""A mail whose hand-over ended in the dark is the only one in doubt, and a second copy of it can be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP

from daicho.identity.mail.outbox import JOB
from daicho.identity.mail.sending import IN_HAND, Postman
from daicho.identity.passwords import Passwords
from daicho.identity.tenants.schemas import FirstAdmin, SignUp
from daicho.identity.tenants.service import Tenants
from daicho.jobs import Job, RetryLater
from daicho.keyring import Keyring, Transit
from daicho.local.servers import free_port
from daicho.testkit.waiting import until

from .conftest import PASSWORD


@dataclass
class Server:
    """An SMTP server: ``answer`` says what follows a mail that it got."""

    answer: str = "250 OK"
    got: list[Any] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        self.got.append(message_from_bytes(envelope.content))
        if self.answer == "dies":
            server.transport.abort()
        if self.answer == "thinks":
            await self.go_on.wait()
        return self.answer if self.answer[0] in "245" else "250 OK"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0) as server:
            yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@dataclass
class Post:
    """A company's confirmation mail that waits, and the clock by which it is sent."""

    admin: asyncpg.Connection[Any]
    postman: Any
    job: Job
    now: datetime = datetime(2026, 4, 1, 9, tzinfo=UTC)

    async def deliver(self, url: str) -> None:
        await self.postman(url).deliver(self.job)

    async def attempted_at(self) -> Any:
        return await self.admin.fetchval("SELECT attempted_at FROM mail WHERE id = $1", self.job.subject)

    async def is_waiting(self) -> bool:
        return bool(await self.admin.fetchval("SELECT count(*) FROM mail WHERE id = $1", self.job.subject))


@pytest.fixture
async def post(make_database, openbao_server, openbao_roles) -> AsyncIterator[Post]:
    made = await make_database("identity")
    database, admin = await made.open(), await asyncpg.connect(made.admin_url)
    transit = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    keyring, passwords = Keyring(transit, database), Passwords()
    owner = FirstAdmin(email="owner@example.jp", display_name="山田", password=PASSWORD)

    def clock() -> datetime:
        return found.now

    def postman(url: str) -> Postman:
        return Postman(database, keyring, clock, url, "Daicho <no-reply@ledger.test>")

    found = Post(admin, postman, None)  # type: ignore[arg-type]  # filled below: the clock belongs to it
    tenants = Tenants(database, keyring, transit, passwords, clock, "https://ledger.test")
    signed_up = await tenants.sign_up(SignUp(code="post", company_name="社", admin=owner), None)
    found.job = Job(JOB, signed_up.tenant_id, await admin.fetchval("SELECT id FROM mail"), 0)
    yield found
    passwords.close()
    transit.close()
    await admin.close()
    await database.close()


async def test_a_server_that_dies_after_the_data_gets_the_mail_again_under_the_same_name(post) -> None:
    server = Server("dies")
    async with server.listening() as url:
        with pytest.raises(RetryLater):
            await post.deliver(url)
        assert await post.attempted_at() == post.now, "whether it left is not known"
        server.answer = "250 OK"
        post.now += IN_HAND
        await post.deliver(url)
    first, second = server.got
    assert first["Message-ID"] == second["Message-ID"] == f"<{post.job.subject}@ledger.test>"
    assert first.get_payload() == second.get_payload()
    assert not await post.is_waiting()


@pytest.mark.parametrize("answer", ["451 later", "550 never"])
async def test_a_mail_that_was_refused_is_not_in_doubt(post, answer) -> None:
    server = Server(answer)
    async with server.listening() as url:
        with pytest.raises(RetryLater):
            await post.deliver(url)
    assert (await post.is_waiting(), await post.attempted_at()) == (True, None)
    with pytest.raises(RetryLater):
        await post.deliver(f"smtp://127.0.0.1:{free_port()}")
    assert await post.attempted_at() is None, "nobody heard of it"


async def test_a_mail_is_handed_over_by_one_worker_at_a_time_and_without_a_lock(post) -> None:
    server = Server("thinks")

    async def is_there() -> bool:
        return bool(server.got)

    async with server.listening() as url:
        handing = asyncio.create_task(post.deliver(url))
        await until(is_there)
        assert await post.attempted_at() == post.now, "committed before the server answered"
        await post.admin.fetchrow("SELECT FROM mail WHERE id = $1 FOR UPDATE NOWAIT", post.job.subject)
        post.now += timedelta(seconds=1)
        with pytest.raises(RetryLater) as caught:
            await post.deliver(url)
        assert caught.value.delay == IN_HAND - timedelta(seconds=1)
        server.go_on.set()
        await handing
    assert len(server.got) == 1
    assert not await post.is_waiting()


async def test_late_sender_leaves_the_mail_to_its_current_holder(post) -> None:
    slow, quick = Server("thinks"), Server("450 later")

    async def is_there() -> bool:
        return bool(slow.got)

    async with slow.listening() as slowly, quick.listening() as quickly:
        handing = asyncio.create_task(post.deliver(slowly))
        await until(is_there)
        post.now += IN_HAND
        with pytest.raises(RetryLater):
            await post.deliver(quickly)
        slow.go_on.set()
        await handing
    assert await post.is_waiting(), "what became of the later hand-over stands"
