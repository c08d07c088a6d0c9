"""Search in a large ledger: `python tests/bench/search.py [contacts]`.

For each query of ``search.expected.json``: the median and the p95 of the first page through the finder (look-up,
opening, verifying, in its transaction, as the service's role), and the median of ILIKE over pg_trgm on the same
texts in plaintext, newest first. Bars: p95 ≤ 50 ms over all; words with ≤ 1,000 hits ≥ 100 × faster than ILIKE.
"""

from __future__ import annotations

import json
import statistics
import sys
from time import perf_counter
from typing import Any, Final

import asyncpg
import uvloop

from daicho.customers.contacts.lines import ContactLines
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.finding.finder import Asked, Finder
from daicho.customers.reader import Reader
from daicho.customers.words import Words
from daicho.nihongo import fold, search_digits
from daicho.tenancy import Actor, Database, Grants, Scope
from tests.bench.ledger_data import REST, ROOT, TENANT, keys_of_tenant, loaded, server

RUNS: Final = 9
BAR_MS, BAR_RATIO, RARE = 50.0, 100.0, 1_000


async def product(database: Database, query: str) -> tuple[list[float], int]:
    """Milliseconds of each run, and how many the first page shows."""
    finder, keys = Finder(ContactLines(), Catalogue()), keys_of_tenant()
    actor = Actor(tenant_id=TENANT, kind="user", user_id=REST)
    reader = Reader(keys, Grants(scopes={"contacts:read": Scope.ALL}, role="owner", user_id=REST))
    asked = Asked(words=Words.read(query))
    times, shown = [], 0
    for _ in range(RUNS):
        began = perf_counter()
        async with database.reading(actor) as tx:
            shown = len((await finder.find(tx, reader, asked)).cards)
        times.append((perf_counter() - began) * 1_000)
    return times[1:], shown


async def ilike(admin: asyncpg.Connection[Any], query: str) -> tuple[float, int]:
    """Milliseconds of the same page by ILIKE, and how many hits there are in all."""
    word, digits = fold(query), search_digits(query)
    pattern = f"{word}%" if len(word) == 1 else f"%{word}%"
    where = "company ILIKE $1 OR name ILIKE $1 OR kana ILIKE $1 OR email ILIKE $1"
    arguments = [pattern]
    if digits:
        where += " OR phones ILIKE $2"
        arguments.append(f"%{digits}%")
    times = []
    for _ in range(3):
        began = perf_counter()
        await admin.fetch(f"SELECT id FROM plain_contact WHERE {where} ORDER BY id DESC LIMIT 51", *arguments)  # noqa: S608
        times.append((perf_counter() - began) * 1_000)
    count = await admin.fetchval(f"SELECT count(*) FROM plain_contact WHERE {where}", *arguments)  # noqa: S608
    return statistics.median(times), count


async def main(rows: int) -> None:
    """Print the table and the two figures."""
    expected = ROOT.parent / "shared" / "data" / "search.expected.json"
    queries = [each["query"] for each in json.loads(expected.read_text())["queries"]]
    everything: list[float] = []
    ratios: list[float] = []
    with server() as url:
        async with loaded(url, rows, plain=True) as made:
            database = await Database.open(made.app_url)
            admin = await asyncpg.connect(made.admin_url)
            print(
                f"{'query':<16}{'hits':>9}{'page':>6}{'median ms':>11}{'p95 ms':>9}{'ILIKE ms':>10}{'ratio':>8}"
            )
            for query in queries:
                times, shown = await product(database, query)
                plain, hits = await ilike(admin, query)
                everything += times
                median, worst = statistics.median(times), max(times)
                if 0 < hits <= RARE:
                    ratios.append(plain / median)
                print(
                    f"{query:<16}{hits:>9}{shown:>6}{median:>11.1f}{worst:>9.1f}{plain:>10.1f}{plain / median:>8.1f}"
                )
            await admin.close()
            await database.close()
    p95 = statistics.quantiles(everything, n=20)[-1]
    print(
        f"p95 over all {p95:.1f} ms (bar {BAR_MS:.0f} ms); rare words: median ratio "
        f"{statistics.median(ratios) if ratios else 0:.0f} x, least {min(ratios, default=0):.0f} x (bar {BAR_RATIO:.0f} x)"
    )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
