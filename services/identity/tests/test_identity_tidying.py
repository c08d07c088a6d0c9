"""What is over goes after its time; what still holds stays."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from daicho.identity.app import serve
from daicho.identity.tidying import Tidying
from daicho.runtime import utc_now
from daicho.testkit.waiting import until

from .conftest import PASSWORD, database_of, link_in_mail

TABLES = ("link", "attempt", "session", "known_place")


@dataclass
class Rows:
    """A company with a session that goes on, one that ended, a place, a failure, and a link that was used."""

    company: Any
    admin: asyncpg.Connection[Any]
    database: Any

    async def counts(self) -> dict[str, int]:
        return {
            table: await self.admin.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            for table in TABLES
        }

    async def after(self, **passed: float) -> dict[str, int]:
        """What is left when so much time has passed."""
        later = utc_now() + timedelta(**passed)
        await Tidying(self.database, lambda: later).round()
        return await self.counts()


@pytest.fixture
async def rows(stack, anonymous, make_company) -> AsyncIterator[Rows]:
    company = await make_company(f"tidy-{secrets.token_hex(4)}")
    right = {"tenant": company.code, "email": company.email, "password": PASSWORD}
    async with company.client() as owner:
        assert (await owner.delete("/v1/sessions/current")).status_code == 204
    assert (await anonymous.post("/v1/sessions", json=right)).status_code == 201
    assert (await anonymous.post("/v1/sessions", json=right | {"password": "wrong"})).status_code == 401
    await anonymous.post("/v1/password-resets", json={"tenant": company.code, "email": company.email})
    await link_in_mail(stack, company.email, "reset")
    database = await stack.databases["identity"].open(pool=2)
    async with database_of(stack) as admin:
        yield Rows(company, admin, database)
        for table in TABLES:
            await admin.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    await database.close()


async def test_nothing_goes_before_its_time(rows: Rows) -> None:
    before = await rows.counts()
    assert min(before.values()) > 0
    assert await rows.after(hours=20) == before


async def test_each_goes_when_its_time_is_over_and_no_other(rows: Rows) -> None:
    before = await rows.counts()
    reset = await rows.admin.fetchval("SELECT count(*) FROM link WHERE kind = 'reset'")
    spent = await rows.admin.fetchval("SELECT count(*) FROM link WHERE used_at IS NOT NULL")
    assert (reset, spent) == (1, 1)
    two_days = await rows.after(hours=26)
    assert two_days == before | {"attempt": 0, "link": before["link"] - reset}
    assert (await rows.after(days=14.5))["link"] == before["link"] - reset
    assert await rows.after(days=16) == before | {"attempt": 0, "link": 0}
    assert await rows.after(days=89) == before | {"attempt": 0, "link": 0}
    assert await rows.after(days=92) == dict.fromkeys(TABLES, 0)


async def test_a_refresh_token_of_a_session_that_went_is_refused(rows: Rows, anonymous) -> None:
    await rows.after(days=92)
    body = {"refresh_token": rows.company.tokens["refresh_token"]}
    assert (await anonymous.post("/v1/sessions/refresh", json=body)).status_code == 401


async def test_the_worker_tidies_when_it_starts(stack, rows: Rows) -> None:
    """Beside all else that a worker does, so that nobody has to ask for it."""
    await rows.admin.execute("UPDATE session SET expires_at = now() - interval '2 days'")
    settings = {**stack.settings["identity"], "DAICHO_HTTP_PORT": "0", "DAICHO_GRPC_PORT": "0"}
    async with serve(settings, roles=["worker"]):

        async def gone() -> bool:
            return (await rows.counts())["session"] == 0

        await until(gone)
