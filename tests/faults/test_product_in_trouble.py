"""The whole product when a part of it fails: it says so, loses nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
import signal
from time import perf_counter

import asyncpg
import httpx
import pytest

from daicho.cli.__main__ import main as daicho
from daicho.testkit.company import PASSWORD, Caller, Company
from daicho.testkit.postgres import frozen
from daicho.testkit.product import Product, data_folder, running_product
from daicho.testkit.waiting import until

GATEWAY_SECONDS = 30.0
"""After which it answers 504 (``answer_within``)."""


@pytest.fixture(scope="module")
def fragile():
    """A product of this file's own, for it gets hurt."""
    with running_product() as product:
        yield product


async def count_of(caller: Caller) -> int:
    return len((await caller.get("/v1/contacts?limit=200"))["items"])


async def test_a_sealed_key_store_refuses_with_503_writes_nothing_and_recovers(fragile: Product) -> None:
    company, stranger = await fragile.company(), await fragile.company()
    await company.owner.post("/v1/contacts", {"family_name": "佐藤"})
    fragile.openbao().seal()
    try:
        # The customers service has never opened the stranger's keys: nothing of theirs can be sealed or opened.
        for method, path, body in (
            ("POST", "/v1/contacts", {"family_name": "鈴木"}),
            ("POST", "/v1/contacts/search", {"q": "鈴木"}),
        ):
            refused = await stranger.owner(method, path, body)
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert int(refused.headers["retry-after"]) > 0
        admin = {"email": "x@example.jp", "display_name": "名", "password": PASSWORD}
        body = {"code": "while-it-is-sealed", "company_name": "社", "admin": admin}
        refused = await company.client.post("/v1/tenants", json=body)
        assert refused.status_code == 503, refused.text
        # Keys in memory go on opening what people wait for.
        assert (await company.owner.get("/v1/contacts"))["items"][0]["family_name"] == "佐藤"
    finally:
        await fragile.unseal()

    async def written() -> bool:
        answer = await stranger.owner("POST", "/v1/contacts", {"family_name": "鈴木"})
        assert answer.status_code in (201, 503), answer.text
        return answer.status_code == 201

    await until(written, within=30)
    assert await count_of(stranger.owner) == 1
    assert (await company.client.post("/v1/tenants", json=body)).status_code == 201, "nothing had been kept"


async def test_a_stopped_heartbeat_makes_every_service_ask_identity(fragile: Product) -> None:
    """The worker tells revocations and beats; while it stands still, only asking can find out that somebody is out."""
    company = await fragile.company()
    colleague = await company.invite("ichiro", "admin")
    for path in ("/v1/contacts", "/v1/audit/checkpoint"):
        await until(lambda path=path: ok(colleague, path))
    user = await company.owner.get(f"/v1/users/{colleague.user_id}")
    worker = fragile.program("worker")
    worker.suspend()
    try:
        await company.owner.patch(
            f"/v1/users/{colleague.user_id}", {"disabled": True}, version=user["version"]
        )
        for path in ("/v1/contacts", "/v1/audit/checkpoint"):
            await until(lambda path=path: answers(colleague, path, 401), within=6)
        assert await ok(company.owner, "/v1/contacts"), "who stands goes on working"
    finally:
        worker.resume()


async def test_a_worker_killed_in_mid_relay_loses_and_doubles_no_event() -> None:
    names = [f"山田{number}" for number in range(60)]
    with data_folder() as data:
        with running_product(data) as product:
            company = await product.company()
            worker = product.program("worker")

            acknowledged: list[str] = []

            async def write(name: str) -> None:
                answer = await company.owner("POST", "/v1/contacts", {"family_name": name})
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["id"])

            async def enough() -> bool:
                return len(acknowledged) >= len(names) // 3

            writing = asyncio.gather(*(write(name) for name in names), return_exceptions=True)
            await until(enough, within=60)  # some are told, some are not
            worker.send_signal(signal.SIGKILL)
            await writing
            product.process.wait(60)  # without its worker the product ends, and says why
            await company.client.aclose()
        with running_product(data) as product:
            again = await _signed_in_again(product, company.code, company.owner.email)
            kept = (await again.get("/v1/contacts?limit=200"))["items"]
            assert set(acknowledged) <= {it["id"] for it in kept}

            async def created() -> list[str]:
                found = await _entries(again, "contact.created")
                return found if len(found) >= len(kept) else []

            entries = await until(created, within=30)
            assert sorted(entries) == sorted(it["id"] for it in kept)
            log = data.parent / "audit.jsonl"
            log.write_bytes((await again("GET", "/v1/audit/export")).content)
            key = (await again.get("/v1/audit/key"))["key"]
            assert daicho(["audit", "verify", str(log), "--key", key], {}) == 0
            await again.company.client.aclose()


async def ok(caller: Caller, path: str) -> bool:
    return await answers(caller, path, 200)


async def answers(caller: Caller, path: str, status: int) -> bool:
    return (await caller("GET", path)).status_code == status


async def _signed_in_again(product: Product, code: str, email: str) -> Caller:
    company = Company(code, "", httpx.AsyncClient(base_url=product.url, timeout=30), product.mail)
    return await company.sign_in(email)


async def _entries(caller: Caller, action: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"action": action, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = await caller.post("/v1/audit/entries/search", asked)
        found += [entry["resource"]["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    return found


async def test_statement_on_a_hanging_postgresql_is_503_before_the_gateway_gives_up(fragile: Product) -> None:
    """Held by a lock until PostgreSQL is stopped, the statement is under way when nothing answers any more."""
    company = await fragile.company()
    await until(lambda: ok(company.owner, "/v1/contacts"))
    admin, watcher = [await asyncpg.connect(fragile.database_url("customers")) for _ in range(2)]
    asked = [
        ("GET", "/v1/contacts", None),
        ("POST", "/v1/contacts", {"family_name": "鈴木"}),
        ("POST", "/v1/contacts/search", {"filter": {"field": "department", "op": "contains", "value": "部"}}),
    ]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'customers'"

    async def all_wait() -> bool:
        return await watcher.fetchval(waiting) >= len(asked)

    async with admin.transaction():
        await admin.execute("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE")
        begun = perf_counter()
        asking = asyncio.gather(*(company.owner(*each) for each in asked))
        await until(all_wait, within=10)
        with frozen(fragile.postmaster()):
            answers = await asking
            took = perf_counter() - begun
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert took < GATEWAY_SECONDS
    await admin.close()
    await watcher.close()
    await until(lambda: ok(company.owner, "/v1/contacts"), within=30)
