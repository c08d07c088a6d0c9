"""Search in a large ledger: `python -m tests.bench.search [contacts]`.

Each query of ``search.expected.json``, first page, newest first, one client, for callers who own 2 %, 20 % and see
all: the whole call through the gateway (token, look-up, opening, verifying, access entry, page), and the look-up
alone. Beside it ILIKE on the same texts in plaintext with pg_trgm; both sides have to show the same contacts. Queries
of several words and two traps follow, which are not of the sample and do not count for the bars.

The ratio sets one statement against the other: the look-up and ILIKE, each in a read-only transaction of its own over
one connection, as the application's role under row-level security, of the whole tenant, newest first, 51 rows, after one
run that warms. The look-up's rows are still to be opened and verified, so the ratio of the whole call to ILIKE alone
stands beside it. Under the policy ILIKE has no use of pg_trgm's index, for it is not leakproof; the last column asks as a
superuser, for whom it has one. Every run is planned for its own words: a plan that is kept for all words reads the table.
Bars: p95 ≤ 50 ms; words with ≤ 1,000 hits ≥ 100 × faster than ILIKE.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop

from daicho.customers.finding.search import search_ids
from daicho.customers.repository import NEWEST
from daicho.customers.words import Words
from daicho.nihongo import fold, search_digits
from daicho.tenancy import Database, Scope
from tests.bench.ledger_data import ROOT, TENANT, keys_of_tenant, loaded, server
from tests.bench.list_page import gateway, serving
from tests.bench.page_serving import CALLERS
from tests.bench.people import FADED, SHUFFLED_QUERY

RUNS: Final = 9
BAR_MS, BAR_RATIO, RARE = 50.0, 100.0, 1_000
BESIDE: Final = ("佐藤 東京", "高橋　健一", "渡辺 株式会社", "@example tanaka", FADED, SHUFFLED_QUERY)
EVERYBODY: Final = "sees all"


@dataclass
class Client:
    """One connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str

    async def search(self, query: str) -> list[UUID]:
        """Whom the first page of ``query`` shows."""
        body = json.dumps({"q": query}).encode()
        head = (
            "POST /v1/contacts/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        answer = await self.reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        if " 200 " not in head[:15]:
            raise RuntimeError(answer.decode())
        return [UUID(item["id"]) for item in json.loads(answer)["items"]]


async def clients(port: int, tokens: Sequence[str]) -> dict[str, Client]:
    """A client a caller."""
    return {
        name: Client(*await asyncio.open_connection("127.0.0.1", port), token)
        for name, token in zip(CALLERS, tokens, strict=True)
    }


async def times(work: Callable[[], Awaitable[Any]], runs: int) -> list[float]:
    """Milliseconds of each run after one that warms up."""
    found = []
    for _ in range(runs + 1):
        began = perf_counter()
        await work()
        found.append((perf_counter() - began) * 1_000)
    return found[1:]


async def look_up(database: Database, query: str, caller: str) -> None:
    """The candidates of the first page, as the service asks for them."""
    user, scope = CALLERS[caller]
    owners = None if scope is Scope.ALL else frozenset({user})
    terms = Words.read(query).terms(keys_of_tenant())
    async with database.reading(TENANT) as tx:
        await search_ids(tx, "contact", terms, owners=owners, after=NEWEST, count=51)


class Plaintext:
    """The same question by ILIKE."""

    def __init__(self, query: str) -> None:
        words = [fold(word) for word in query.split()]
        tests, self.arguments = [], [f"{word}%" if len(word) == 1 else f"%{word}%" for word in words]
        for number, word in enumerate(words, 1):
            either = [f"{name} ILIKE ${number}" for name in ("company", "name", "kana", "email")]
            if digits := search_digits(word):
                self.arguments.append(f"%{digits}%")
                either.append(f"phones ILIKE ${len(self.arguments)}")
            tests.append(f"({' OR '.join(either)})")
        where = " AND ".join([f"tenant_id = '{TENANT}'", *tests])
        self._select = f"SELECT id FROM plain_contact WHERE {where}"  # noqa: S608 names of our own; words are parameters

    async def page(self, connection: asyncpg.Connection[Any]) -> list[UUID]:
        """The first page, and whether there is another, as the look-up asks."""
        async with connection.transaction(readonly=True):
            rows = await connection.fetch(f"{self._select} ORDER BY id DESC LIMIT 51", *self.arguments)
        return [row["id"] for row in rows][:50]

    async def hits(self, connection: asyncpg.Connection[Any]) -> int:
        """How many there are, as far as it matters."""
        return len(await connection.fetch(f"{self._select} LIMIT {RARE + 1}", *self.arguments))


def kind_of(query: str) -> str:
    """The class that a query is reported in."""
    if query in BESIDE:
        return "several words" if " " in fold(query) else "traps"
    if len(fold(query)) == 1:
        return "one character"
    if search_digits(query):
        return "telephone"
    if fold(query).isascii():
        return "latin, e-mail"
    return "two characters" if len(fold(query)) == 2 else "three and more"


def spread(found: Sequence[float]) -> str:
    """p50, p95 and the most of some milliseconds."""
    return f"{statistics.median(found):7.1f}{statistics.quantiles(found, n=20)[-1]:7.1f}{max(found):7.1f}"


async def measure(queries: Sequence[str], admin_url: str, app_url: str, people: dict[str, Client]) -> None:
    """Print the tables and the two figures."""
    database = await Database.open(app_url, pool=2)
    admin, app = await asyncpg.connect(admin_url), await asyncpg.connect(app_url)
    for each in (admin, app):
        await each.execute(f"SET app.tenant_id = '{TENANT}'; SET plan_cache_mode = force_custom_plan")
    service: dict[tuple[str, str], list[float]] = {}
    alone: dict[tuple[str, str], list[float]] = {}
    ratios: list[float] = []
    whole_ratios: list[float] = []
    print(
        f"{'query':<14}{'hits':>7}{'page':>6}{'service':>9}{'look-up':>9}{'ILIKE RLS':>11}{'ratio':>8}{'of whole':>10}"
        f"{'ILIKE no RLS':>14}"
    )
    for query in queries:
        for name, client in people.items():
            place = (kind_of(query), name)
            called = await times(lambda client=client, query=query: client.search(query), RUNS)
            looked = await times(lambda name=name, query=query: look_up(database, query, name), RUNS)
            service.setdefault(place, []).extend(called)
            alone.setdefault(place, []).extend(looked)
        plain = Plaintext(query)
        hits, shown = await plain.hits(admin), await people[EVERYBODY].search(query)
        if shown != await plain.page(admin):
            raise RuntimeError(f"{query}: search and ILIKE do not show the same contacts")
        runs = 3 if hits <= RARE else 1
        under, without = [
            statistics.median(await times(lambda it=it, plain=plain: plain.page(it), runs))
            for it in (app, admin)
        ]
        whole, look = statistics.median(called), statistics.median(looked)
        if hits <= RARE and query not in BESIDE:
            ratios.append(under / look)
            whole_ratios.append(under / whole)
        print(
            f"{query:<14}{hits if hits <= RARE else '>1000':>7}{len(shown):>6}{whole:>9.1f}{look:>9.1f}{under:>11.1f}"
            f"{under / look:>8.1f}{under / whole:>10.1f}{without:>14.1f}",
            flush=True,
        )
    await asyncio.gather(admin.close(), app.close(), database.close())
    print(f"\n{'ms':<16}{'caller':<10}{'service: p50, p95, most':>24}{'look-up: p50, p95, most':>27}")
    for (kind, name), found in sorted(service.items()):
        print(f"{kind:<16}{name:<10}{spread(found):>24}{spread(alone[kind, name]):>27}")
    sample = {place: found for place, found in service.items() if place[0] not in {"several words", "traps"}}
    for caller in people:
        found = [each for (_, name), times_ in sample.items() if name == caller for each in times_]
        print(
            f"queries of the sample, {caller}: p50, p95, most {spread(found)} ms (bar for p95 {BAR_MS:.0f} ms)"
        )
    for what, found in (("look-up", ratios), ("whole call", whole_ratios)):
        print(
            f"words with ≤ {RARE:,} hits: {len(found)}, {what} median {statistics.median(found):.0f} x, least "
            f"{min(found):.0f} x faster than ILIKE under row-level security, {sum(each >= BAR_RATIO for each in found)} "
            f"of them over the bar of {BAR_RATIO:.0f} x"
        )


async def main(rows: int) -> None:
    """Load and measure."""
    expected = ROOT.parent / "shared" / "data" / "search.expected.json"
    queries = [each["query"] for each in json.loads(expected.read_text())["queries"]]
    with server() as url:
        async with (
            loaded(url, rows, plain=True) as made,
            serving(made.app_url) as (_, where),
            gateway(where) as port,
        ):
            await measure(
                [*queries, *BESIDE], made.admin_url, made.app_url, await clients(port, where.tokens)
            )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
