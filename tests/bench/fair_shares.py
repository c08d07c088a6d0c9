"""One tenant floods, another waits: `python -m tests.bench.fair_shares [seconds] [flood …]`.

The real product as ``make run`` starts it (all services in one process, the worker beside it, Envoy, PostgreSQL), on the
cores that it shares with the flood. A loud tenant with 30,000 contacts sends the same request from many clients, each
again as soon as it is answered, for 30 seconds; the flood runs in a process of its own with a low priority. Meanwhile a
quiet tenant lists, reads and writes one record, each seven times a second.

Prints p50, p95 and the most in milliseconds under each flood and in the third of that time before it, in which nobody
floods, and what the flood was answered. Bar: p95 under a flood ≤ 2 × p95 before it + 20 ms, and no request of the quiet
tenant fails. The exit code is 1 when one is missed. The figures mean something on a machine that does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple

import msgspec
import uvloop

from daicho.testkit.company import Caller, Company
from daicho.testkit.product import Product, running_product
from daicho.testkit.waiting import until
from tests.bench.http_client import Client, request_bytes

SECONDS: Final = 30.0
EACH: Final = 0.14
"""Seconds between two probes of a kind."""
SETTLED: Final = 60.0
"""Seconds in which the product has to become idle after a flood."""
IDLE_PERCENT: Final = 20.0
LOUD, QUIET = 30_000, 2_000
IN_ONE_BUCKET: Final = 19_500
"""Contacts of the loud tenant whose kana begins with ア, so that a list by kana sorts so many."""
FACTOR, EXTRA = 2.0, 20.0
Probe = Callable[[Client], Awaitable[None]]


class Flood(NamedTuple):
    """What ``clients`` of the loud tenant send, over and over."""

    clients: int
    method: str
    path: str
    body: Any = None


_CODES: Final = [f"C-{number:07d}" for number in range(500)]
_NOTES: Final = [f"{number} 番目の備考" for number in range(0, 18_000, 200)]
FLOODS: Final[Mapping[str, Flood]] = {
    "list x16": Flood(16, "GET", "/v1/contacts"),
    "list x64": Flood(64, "GET", "/v1/contacts"),
    "count x16": Flood(16, "GET", "/v1/contacts?count=true&limit=200"),
    "kana x16": Flood(16, "GET", "/v1/contacts?sort=kana"),
    "words x16": Flood(16, "POST", "/v1/contacts/search", {"q": "田中"}),
    "in x16": Flood(
        16, "POST", "/v1/contacts/search", {"filter": {"field": "customer_code", "op": "in", "value": _CODES}}
    ),
    "sealed in x16": Flood(
        16,
        "POST",
        "/v1/contacts/search",
        {"filter": {"any": [{"field": "notes", "op": "contains", "value": each} for each in _NOTES]}},
    ),
    "no match x16": Flood(
        16,
        "POST",
        "/v1/contacts/search",
        {"filter": {"field": "notes", "op": "contains", "value": "無い言葉"}},
    ),
    "export x16": Flood(16, "POST", "/v1/contacts/export", {"format": "csv"}),
    "xlsx x16": Flood(16, "POST", "/v1/contacts/export", {"format": "xlsx"}),
    "export none x16": Flood(
        16,
        "POST",
        "/v1/contacts/export",
        {"filter": {"field": "notes", "op": "contains", "value": "無い言葉"}},
    ),
    "audit export x16": Flood(16, "GET", "/v1/audit/export"),
    "audit search x16": Flood(16, "POST", "/v1/audit/entries/search", {"limit": 200}),
    "post big x16": Flood(16, "POST", "/v1/contacts", {"family_name": "大", "notes": "長" * 9_000}),
    "post wrong x16": Flood(16, "POST", "/v1/contacts", {"family_name": "大", "emails": [{}] * 60_000}),
}


class Times(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, found: list[float]) -> Times:
        """Of some seconds."""
        return cls(*(1_000 * each for each in (statistics.median(found), _p95(found), max(found))))

    def __str__(self) -> str:
        return f"{self.p50:8.1f}{self.p95:8.1f}{self.most:8.1f}"


def _p95(found: list[float]) -> float:
    return statistics.quantiles(found, n=20)[-1]


def contacts(count: int, in_one_bucket: int) -> bytes:
    """A file of contacts."""
    dice = random.Random(6)
    lines = ["顧客番号,姓,名,セイ,メイ,メールアドレス,電話番号,備考"]
    for number in range(count):
        kana = "アオキ" if number < in_one_bucket else dice.choice(("カトウ", "サトウ", "タナカ", "ワタナベ"))
        lines.append(
            f"D-{number:07d},田中{number % 997},一郎{number % 89},{kana},イチロウ,p{number}@example.jp,"
            f"03-{number // 10_000 + 1000:04d}-{number % 10_000:04d},{number} 番目の備考です"
        )
    return "\r\n".join(lines).encode()


async def fill(company: Company, count: int, in_one_bucket: int) -> None:
    """Import contacts into a company's ledger."""
    owner = company.owner
    begun = await owner.upload(contacts(count, in_one_bucket), name="contacts.csv")
    place = f"/v1/imports/{begun['id']}"

    async def became(*statuses: str) -> bool:
        found = (await owner.get(place))["status"]
        if found == "failed":
            raise RuntimeError("the import failed")
        return found in statuses

    await owner.post(f"{place}/check")
    await until(lambda: became("checked"), within=300)
    await owner.post(f"{place}/run")
    await until(lambda: became("done"), within=300)


class Quiet:
    """What the quiet tenant does."""

    def __init__(self, caller: Caller, url: str) -> None:
        self._caller, self._url = caller, url
        self._token = ""
        self._record: dict[str, Any] = {}
        self.failed: list[str] = []
        """What was answered instead of what was asked for."""

    async def prepare(self) -> None:
        """A record of its own and a token with minutes left."""
        await self._caller.fresh()
        self._token = self._caller.tokens["access_token"]
        self._record = await self._caller.post("/v1/contacts", {"family_name": "静", "given_name": "香"})

    async def measure(self, seconds: float) -> dict[str, Times]:
        """How long each kind of request takes."""
        return {
            name: Times.of(found)
            for name, found in zip(
                ("list", "read", "write"),
                await asyncio.gather(
                    *(self._probe(one, seconds) for one in (self._list, self._read, self._write))
                ),
                strict=True,
            )
        }

    async def _probe(self, one: Probe, seconds: float) -> list[float]:
        found: list[float] = []
        async with Client(self._url) as client:
            end = perf_counter() + seconds
            while (began := perf_counter()) < end:
                try:
                    await one(client)
                except (RuntimeError, OSError, asyncio.IncompleteReadError) as error:
                    self.failed.append(str(error))
                took = perf_counter() - began
                found.append(took)
                await asyncio.sleep(max(0.0, EACH - took))
        return found

    async def _ask(self, client: Client, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        status, _, answer = await client.ask(request_bytes(method, path, self._token, body, **headers))
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer.decode()[:500]}")
        return answer

    async def _list(self, client: Client) -> None:
        await self._ask(client, "GET", "/v1/contacts")

    async def _read(self, client: Client) -> None:
        await self._ask(client, "GET", f"/v1/contacts/{self._record['id']}")

    async def _write(self, client: Client) -> None:
        answer = await self._ask(
            client,
            "PATCH",
            f"/v1/contacts/{self._record['id']}",
            {"given_name": f"香{self._record['version']}"},
            if_match=f'"v{self._record["version"]}"',
        )
        self._record = json.loads(answer)


class Orders(msgspec.Struct):
    """What the flooding process is told."""

    url: str
    token: str
    seconds: float
    flood: Flood


async def flood(orders: Orders) -> Counter[str]:
    """How often each status answered."""
    told, answered = orders.flood, Counter[str]()
    request = request_bytes(told.method, told.path, orders.token, told.body)
    end = perf_counter() + orders.seconds

    async def client() -> None:
        async with Client(orders.url) as connection:
            while perf_counter() < end:
                try:
                    status, _, _ = await connection.ask(request)
                    answered[str(status)] += 1
                except (OSError, asyncio.IncompleteReadError):
                    answered["cut"] += 1

    clients = [asyncio.create_task(client()) for _ in range(told.clients)]
    _, unfinished = await asyncio.wait(clients, timeout=orders.seconds)
    if unfinished:
        answered["unanswered at the end"] = len(unfinished)
    for each in clients:
        each.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return answered


async def settle(product: Product) -> None:
    """Return when the product is idle: a request whose client has gone is still finished."""
    processes = [product.program(name) for name in ("services", "worker")]
    for process in processes:
        process.cpu_percent()
    end = perf_counter() + SETTLED
    while perf_counter() < end:
        await asyncio.sleep(1)
        if sum(process.cpu_percent() for process in processes) < IDLE_PERCENT:
            return


async def under(
    product: Product, caller: Caller, told: Flood, quiet: Quiet, seconds: float
) -> tuple[Any, Any]:
    """What the quiet tenant waits while the loud one floods, and what that is answered."""
    await caller.fresh()
    await quiet.prepare()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.fair_shares", "flood"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    orders = Orders(product.url, caller.tokens["access_token"], seconds + 2, told)
    try:
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(orders) + b"\n")
        await asyncio.sleep(1)  # the flood has begun when the first probe is sent
        waited = await quiet.measure(seconds)
        said, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    await settle(product)
    return waited, json.loads(said)


async def main(product: Product, seconds: float, wanted: list[str]) -> int:
    """Print the table; 1 when a bar is missed."""
    loud, still = await product.company("loud"), await product.company("quiet")
    await fill(loud, LOUD, IN_ONE_BUCKET)
    await fill(still, QUIET, 0)
    quiet = Quiet(still.owner, product.url)
    await quiet.prepare()
    await quiet.measure(3)
    await settle(product)
    print(f"{'':<24}{'idle':>8}{'':>8}{'':>8}{'flooded':>12}")
    print(f"{'':<24}{'p50':>8}{'p95':>8}{'most':>8}{'p50':>12}{'p95':>8}{'most':>8}   ms")
    missed = 0
    for name, told in FLOODS.items():
        if wanted and not any(each in name for each in wanted):
            continue
        await quiet.prepare()
        idle = await quiet.measure(max(seconds / 3, 5))
        waited, answered = await under(product, loud.owner, told, quiet, seconds)
        for kind, found in waited.items():
            bar = FACTOR * idle[kind].p95 + EXTRA
            missed += found.p95 > bar
            verdict = "holds" if found.p95 <= bar else "MISSED"
            print(f"{name:<18}{kind:<6}{idle[kind]}    {found}   bar {bar:.0f}: {verdict}", flush=True)
        for error in quiet.failed[:3]:
            print(f"{'':<24}FAILED {len(quiet.failed)} times: {error}", flush=True)
        if quiet.failed:
            for line in _told_of_keys(product)[-3:]:
                print(f"{'':<24}log: {line}", flush=True)
        missed += len(quiet.failed)
        quiet.failed.clear()
        shown = ", ".join(f"{count / seconds:.1f}/s {status}" for status, count in answered.items())
        print(f"{'':<24}the flood: {shown or 'no answer'}", flush=True)
    return 1 if missed else 0


def _told_of_keys(product: Product) -> list[str]:
    """What the services logged of a key store that was slow or away."""
    return [line[:300] for line in product.log("services").splitlines() if "key_store" in line]


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["flood"]:
        os.nice(10)
        orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
        print(json.dumps(uvloop.run(flood(orders))))
        return 0
    seconds = float(arguments[0]) if arguments else SECONDS
    with running_product(DAICHO_LIMIT_TENANT="1000/1") as product:
        return uvloop.run(main(product, seconds, arguments[1:]))


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
