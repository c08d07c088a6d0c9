"""Nobody learns by asking whether a user exists: what is asked of the database, hashed and mailed is the same.

Compared is what is done, not how long it takes (ADR 17); the services' worker does not run here, so that all that is
seen belongs to the request.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import pytest
from argon2 import PasswordHasher

from daicho.faults import Fault
from daicho.identity.passwords import Passwords
from daicho.identity.sessions.schemas import SignIn
from daicho.identity.sessions.service import Sessions
from daicho.identity.sessions.tokens import TokenSigner
from daicho.identity.tenants.schemas import FirstAdmin, SignUp
from daicho.identity.tenants.service import Tenants
from daicho.identity.users.service import Users
from daicho.keyring import Keyring, Transit
from daicho.runtime import utc_now
from daicho.testkit.statements import Account, telling, told

from .conftest import PASSWORD

URL = "http://ledger.test"


class Counting(PasswordHasher):
    """Argon2 as the service uses it, which knows how often it was asked."""

    asked = 0

    def verify(self, *given: Any) -> Any:
        self.asked += 1
        return super().verify(*given)


class Way(NamedTuple):
    """What one request did: its answer, how many hashes it computed, its statements without their parameters, and
    how many mails and jobs there are more."""

    answer: str
    hashes: int
    statements: list[list[str]]
    left: tuple[int, int]


@dataclass
class World:
    """A company with one user, and the use cases that strangers reach."""

    account: Account
    admin: asyncpg.Connection[Any]
    hasher: Counting
    sessions: Sessions
    users: Users
    code: str
    email: str
    places: int = field(default=0)

    async def way(self, work: Awaitable[Any]) -> Way:
        """What ``work`` does."""
        hashes, before = self.hasher.asked, await self._left()
        await self.account.begin()
        answer = "done"
        try:
            await work
        except Fault as fault:
            answer = fault.code
        seen = [
            [line for line in whole if not line.startswith("$")]
            for whole in told(await self.account.until_now())
        ]
        left = await self._left()
        mails, jobs = left[0] - before[0], left[1] - before[1]
        return Way(answer, self.hasher.asked - hashes, seen, (mails, jobs))

    async def sign_in(self, email: str, password: str = "wrong", *, code: str | None = None) -> Way:
        """What signing in does, from a place where nobody has been."""
        self.places += 1
        return await self.sign_in_from(f"198.51.100.{self.places}", email, password, code=code)

    async def sign_in_from(
        self, place: str, email: str, password: str = "wrong", *, code: str | None = None
    ) -> Way:
        given = SignIn(tenant=code or self.code, email=email, password=password)
        return await self.way(self.sessions.sign_in(given, place))

    async def reset(self, email: str) -> Way:
        """What asking for a new password does."""
        return await self.way(self.users.request_reset(self.code, email, "198.51.100.200"))

    async def _left(self) -> tuple[int, int]:
        mails = await self.admin.fetchval("SELECT count(*) FROM mail")
        return mails, await self.admin.fetchval("SELECT count(*) FROM pgqueuer")


@pytest.fixture
async def world(
    make_database: Any, postgres_server: Any, openbao_server: Any, openbao_roles: Any
) -> AsyncIterator[World]:
    if postgres_server.server is None:
        pytest.skip("POSTGRES_URL names a server whose log is not ours to read")
    made = await make_database("identity")
    database, admin = await made.open(), await asyncpg.connect(made.admin_url)
    transit = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    keyring, hasher = Keyring(transit, database), Counting(memory_cost=64, time_cost=1)
    passwords = Passwords(hasher=hasher)
    signer = TokenSigner(transit, issuer=URL, clock=utc_now)
    code, email = f"way-{secrets.token_hex(4)}", "owner@example.jp"
    tenants = Tenants(database, keyring, transit, passwords, utc_now, URL)
    owner = FirstAdmin(email=email, display_name="山田", password=PASSWORD)
    await tenants.sign_up(SignUp(code=code, company_name="株式会社同じ", admin=owner), None)
    log = postgres_server.server.log
    try:
        async with telling(
            made.admin_url, ["identity_app"], lambda: log.read_text(errors="replace")
        ) as account:
            made_of = (database, keyring, passwords)
            sessions = Sessions(*made_of, signer, utc_now, URL)
            world = World(account, admin, hasher, sessions, Users(*made_of, utc_now, URL), code, email)
            # Whatever is asked once only has been asked: keys, types, prepared statements.
            await world.sign_in("first@example.jp")
            await world.reset("first@example.jp")
            yield world
    finally:
        passwords.close()
        await admin.close()
        await database.close()
        transit.close()


async def test_a_wrong_password_of_a_known_user_goes_the_way_of_an_unknown_one(world: World) -> None:
    nobody = await world.sign_in("nobody@example.jp")
    assert (nobody.answer, nobody.hashes) == ("wrong_credentials", 1)
    assert len(nobody.statements) >= 2
    assert await world.sign_in(world.email) == nobody
    # A second try, where the first has left its count.
    assert await world.sign_in(world.email) == await world.sign_in("nobody@example.jp")


async def test_disabled_user_with_the_right_password_takes_the_path_of_an_unknown_one(world: World) -> None:
    await world.admin.execute("UPDATE account SET disabled = true")
    nobody = await world.sign_in("nobody@example.jp")
    assert await world.sign_in(world.email, PASSWORD) == nobody
    assert await world.sign_in(world.email) == await world.sign_in("nobody@example.jp")


async def test_an_unknown_company_costs_a_hash_too_and_is_answered_as_a_wrong_password(world: World) -> None:
    """That a company's code is taken is no secret: nothing else is asked of the database for one that is not."""
    nowhere = await world.sign_in(world.email, PASSWORD, code="nowhere-at-all")
    assert (nowhere.answer, nowhere.hashes, nowhere.left) == ("wrong_credentials", 1, (0, 0))


async def test_an_address_that_is_locked_goes_one_way_whether_or_not_it_is_anybodys(world: World) -> None:
    ways = {}
    for place, email in (("192.0.2.1", world.email), ("192.0.2.2", "nobody@example.jp")):
        for _ in range(10):
            assert (await world.sign_in_from(place, email)).answer == "wrong_credentials"
        ways[email] = await world.sign_in_from(place, email, PASSWORD)
    assert ways[world.email].answer == "sign_in_locked"
    assert ways[world.email] == ways["nobody@example.jp"]


async def test_an_address_that_is_locked_everywhere_goes_one_way_whether_or_not_it_is_anybodys(
    world: World,
) -> None:
    for email in (world.email, "nobody@example.jp"):
        await world.sign_in(email)
    await world.admin.execute("UPDATE attempt SET locked_until = now() + interval '1 hour'")
    known, nobody = await world.sign_in(world.email, PASSWORD), await world.sign_in("nobody@example.jp")
    assert (known.answer, known.hashes) == ("sign_in_locked", 0)
    assert known == nobody


async def test_asking_for_a_new_password_does_the_same_for_a_user_and_for_nobody(world: World) -> None:
    nobody = await world.reset("nobody@example.jp")
    assert (nobody.answer, nobody.left) == ("done", (1, 1))
    assert await world.reset(world.email) == nobody


async def test_asking_again_does_the_same_for_a_user_who_was_mailed_a_moment_ago(world: World) -> None:
    first, again = await world.reset(world.email), await world.reset(world.email)
    nobody = [await world.reset("nobody@example.jp") for _ in range(2)]
    assert [first, again] == nobody
    to_him = "SELECT count(*) FROM mail WHERE kind = 'reset'"
    assert await world.admin.fetchval(to_him) == 1


async def test_a_disabled_user_is_mailed_nothing_and_nothing_shows_it(world: World) -> None:
    await world.admin.execute("UPDATE account SET disabled = true")
    assert await world.reset(world.email) == await world.reset("nobody@example.jp")
    assert await world.admin.fetchval("SELECT count(*) FROM mail WHERE kind = 'reset'") == 0
