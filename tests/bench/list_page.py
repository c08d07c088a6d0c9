"""A page of 50 sealed contacts, 16 clients, through the gateway: `python tests/bench/list_page.py [contacts …]`.

For callers who own 2 %, 20 % and see all: pages a second of

- asyncpg: the product's statement under row-level security in this process, without any server;
- bare: a Litestar handler that runs the statement and returns its rows, every column, as JSON;
- product: the customers service (token, grants, keys, opening, access entry committed before the answer).

Both servers live in one process (``page_serving``) behind one Envoy with the product's own configuration; the
tenant's bucket alone is larger than it ships. Medians of three runs taken in turns; the product's p95; and the
serving process's own CPU a page, which does not depend on what else the machine does.
Bars: product ≥ 0.2 × asyncpg, ≥ 0.6 × bare; p95 ≤ 60 ms; 1M within 1.5 × of 200k.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import msgspec
import uvloop

from daicho.gateway import Settings
from daicho.local.servers import free_port
from daicho.local.servers.envoy import EnvoyServer
from daicho.tenancy import Database, Scope, UserId
from tests.bench.ledger_data import loaded, server
from tests.bench.page_serving import CALLERS, Serving, bare_page, serve

CLIENTS: Final = 16
SECONDS: Final = 3.0
RUNS: Final = 3
READY_WITHIN: Final = 20.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
Page = Callable[[], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Run(NamedTuple):
    """Pages a second of all clients, the p95 and the serving process's CPU a page, both in milliseconds."""

    pages: float
    p95: float
    cpu: float


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[tuple[int, Serving]]:
    """The serving process, by its id, while the block runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.list_page", "serve", url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        yield child.pid, msgspec.json.decode(await child.stdout.readline(), type=Serving)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


@asynccontextmanager
async def gateway(where: Serving) -> AsyncIterator[int]:
    """The product's Envoy before both, once it lets tokens through; yields its port."""
    bare, product = f"127.0.0.1:{where.bare}", f"127.0.0.1:{where.product}"
    settings = Settings(
        identity=bare, audit=bare, customers=product, port=free_port(), limit_tenant="1000000/1"
    )
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        envoy = EnvoyServer(Path(folder) / "envoy", settings)
        envoy.start()
        try:
            await asyncio.to_thread(envoy.wait_until_ready)
            await _until_open(settings.port, where.tokens[0])
            yield settings.port
        finally:
            envoy.stop()


async def _until_open(port: int, token: str) -> None:
    """Envoy fetches the keys after it began to listen, and asks both upstreams whether they are ready."""
    async with asyncio.timeout(READY_WITHIN):
        for path in ("/v1/audit/0", "/v1/contacts"):
            while True:
                try:
                    await (await over_http(port, path, token)())()
                    break
                except RuntimeError:
                    await asyncio.sleep(0.05)


async def ask(streams: Streams, request: bytes) -> None:
    """One request on a connection that stays open: a client that costs little beside what it measures."""
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head[:15]:
        raise RuntimeError(head.decode())
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)


def over_http(port: int, path: str, token: str) -> Callable[[], Awaitable[Page]]:
    """Makes clients of a path."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    async def one() -> Page:
        streams = await asyncio.open_connection("127.0.0.1", port)
        return lambda: ask(streams, request)

    return one


def over_asyncpg(database: Database, user: UserId, scope: Scope) -> Callable[[], Awaitable[Page]]:
    """Makes clients of the statement."""

    async def page() -> None:
        await bare_page(database, user, scope)

    async def one() -> Page:
        return page

    return one


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, on its own account and the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def drive(one: Callable[[], Awaitable[Page]], pid: int) -> Run:
    """All clients at once for some seconds."""
    times: list[float] = []
    pages = [await one() for _ in range(CLIENTS)]
    end, computed = perf_counter() + SECONDS, cpu_seconds(pid)

    async def client(page: Page) -> None:
        while (began := perf_counter()) < end:
            await page()
            times.append(perf_counter() - began)

    await asyncio.gather(*map(client, pages))
    p95 = statistics.quantiles(times, n=20)[-1]
    return Run(len(times) / SECONDS, p95 * 1_000, (cpu_seconds(pid) - computed) / len(times) * 1_000)


async def measure(url: str) -> dict[str, float]:
    """Prints a line a caller; answers the product's pages a second by caller."""
    database = await Database.open(url, pool=CLIENTS)
    found = {}
    async with serving(url) as (pid, where), gateway(where) as port:
        for number, (name, (user, scope)) in enumerate(CALLERS.items()):
            ways = (
                over_asyncpg(database, user, scope),
                over_http(port, f"/v1/audit/{number}", where.tokens[number]),
                over_http(port, "/v1/contacts", where.tokens[number]),
            )
            runs = [[await drive(way, pid) for way in ways] for _ in range(RUNS)]
            raw, bare, product = (
                Run(*map(statistics.median, zip(*way, strict=True))) for way in zip(*runs, strict=True)
            )
            found[name] = product.pages
            print(
                f"  {name:<10} asyncpg {raw.pages:6.0f}/s  bare {bare.pages:6.0f}/s  product {product.pages:6.0f}/s  "
                f"= {product.pages / raw.pages:.2f} x asyncpg, {product.pages / bare.pages:.2f} x bare; "
                f"p95 {product.p95:.0f} ms; serving CPU a page {bare.cpu:.2f} ms bare, {product.cpu:.2f} ms product",
                flush=True,
            )
    await database.close()
    return found


async def main(sizes: list[int]) -> None:
    """Print the table."""
    found = []
    with server() as url:
        for rows in sizes:
            async with loaded(url, rows, plain=False) as made:
                print(f"{rows} contacts", flush=True)
                found.append(await measure(made.app_url))
    for name in CALLERS if len(found) > 1 else ():
        print(
            f"{name}: the smallest ledger is {found[0][name] / found[-1][name]:.2f} x as fast as the largest (bar 1.5)"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(sys.argv[2]))
    else:
        uvloop.run(main([int(each) for each in sys.argv[1:]] or [200_000, 1_000_000]))
