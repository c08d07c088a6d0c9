"""How long a request may take: every route has a clock, an answer that lasts outlives the clock of its request, and
nobody's slow body holds anything of a service."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import Any

import pytest

from daicho.gateway.routing import routes
from daicho.gateway.settings import MEBIBYTE
from daicho.gateway.table import OWNERS, PUBLIC
from daicho.testkit.gateway import Gateway, Start
from daicho.testkit.raw_http import RawAnswer, RawConnection

SAMPLES = [
    ("GET", "/healthz"),
    ("GET", "/openapi.json"),
    ("GET", "/docs/"),
    ("GET", "/docs/docs.js"),
    ("GET", "/assets/app-1a2b3c.js"),
    ("GET", "/index.html"),
    ("GET", "/favicon.svg"),
    ("GET", "/anything/else"),
    ("POST", "/anything/else"),
    ("POST", "/v1/sessions/"),
    ("POST", "/.well-known//x"),
    ("POST", "/a//b"),
    ("POST", "/v1/nothing"),
    ("POST", "/.well-known/nothing"),
    *((entry.method, entry.path) for entry in PUBLIC),
    ("POST", "/v1/imports"),
    ("GET", "/v1/imports/x/events"),
    ("GET", "/v1/imports/x/rejected"),
    ("GET", "/v1/imports/template"),
    ("POST", "/v1/contacts/export"),
    ("POST", "/v1/companies/export"),
    ("GET", "/v1/audit/export"),
    *(("PATCH", f"{prefix}/x") for prefix in OWNERS),
]
"""At least one request for each route of the table."""

QUICK: dict[str, Any] = {"longest_public": 1, "longest_request": 1, "longest_upload": 1}


def _leads_to(match: dict[str, Any], method: str, path: str) -> bool:
    for header in match.get("headers", ()):
        value = {":method": method, ":path": path}[header["name"]]
        if bool(re.fullmatch(header["string_match"]["safe_regex"]["regex"], value)) == header.get(
            "invert_match", False
        ):
            return False
    if below := match.get("path_separated_prefix"):
        return path == below or path.startswith(f"{below}/")
    if pattern := match.get("safe_regex"):
        return re.fullmatch(pattern["regex"], path) is not None
    return match["path"] == path if "path" in match else path.startswith(match["prefix"])


async def test_every_route_has_a_sample(gateway: Gateway) -> None:
    table = routes(gateway.settings)
    unreached = [
        route["match"] for route in table if not any(_leads_to(route["match"], *sample) for sample in SAMPLES)
    ]
    assert unreached == []


@pytest.fixture(scope="module")
async def quick(start_gateway: Start) -> Gateway:
    return await start_gateway(**QUICK)


async def _drip(gateway: Gateway, method: str, path: str, framing: dict[str, str]) -> int:
    """The status of the answer to a body that is never complete and never still, once the connection has ended."""
    connection = await RawConnection.open(gateway.client.base_url.port or 0)
    await connection.send(method, path, gateway.bearer() | framing)
    reading = asyncio.create_task(connection.ended())
    piece = b"x" if "content-length" in framing else b"1\r\nx\r\n"
    try:
        async with asyncio.timeout(15):
            while not reading.done():
                try:
                    await connection.send_more(piece)
                except ConnectionError:
                    break
                await asyncio.wait({reading}, timeout=0.1)
            answer = await reading
    finally:
        reading.cancel()
        connection.close()
    return int(answer.split()[1])


@pytest.mark.parametrize("framing", [{"content-length": "15000"}, {"transfer-encoding": "chunked"}], ids=str)
async def test_dripping_body_is_ended_on_every_route(quick: Gateway, framing: dict[str, str]) -> None:
    statuses = await asyncio.gather(*(_drip(quick, *sample, framing) for sample in SAMPLES))
    found = dict(zip(SAMPLES, statuses, strict=True))
    to_services = {
        sample for sample in SAMPLES if sample[1].startswith("/v1/") and "nothing" not in sample[1]
    }
    to_services.remove(("POST", "/v1/sessions/"))
    assert {sample: found[sample] for sample in to_services} == dict.fromkeys(to_services, 408)


async def test_half_a_body_reaches_a_service_on_no_route_but_uploads(quick: Gateway) -> None:
    before = {upstream.name: upstream.begun for upstream in quick.upstreams}
    samples = [sample for sample in SAMPLES if sample != ("POST", "/v1/imports")]
    await asyncio.gather(*(_drip(quick, *sample, {"content-length": "15000"}) for sample in samples))
    assert {upstream.name: upstream.begun for upstream in quick.upstreams} == before


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/imports/1/events"), ("POST", "/v1/contacts/export")]
)
async def test_lasting_answer_outlives_the_clock_of_its_request(
    quick: Gateway, method: str, path: str
) -> None:
    live = quick.customers.live
    headers = quick.bearer() | {"content-type": "application/json"}
    body = b"{}" if method == "POST" else None
    async with (
        asyncio.timeout(20),
        quick.client.stream(method, path, headers=headers, content=body) as answer,
    ):
        lines = answer.aiter_lines()
        began = time.monotonic()
        while time.monotonic() - began < 3 * quick.settings.longest_request:
            live.put_nowait("here")
            assert await anext(lines) == "data: here"
            assert await anext(lines) == ""
            await asyncio.sleep(0.1)
        live.put_nowait(None)
        assert [line async for line in lines] == []


async def test_service_that_does_not_answer_is_given_up_before_the_longest_request(
    start_gateway: Start,
) -> None:
    """Envoy ignores a route's ``timeout`` where the route also names the duration of its stream."""
    gateway = await start_gateway(answer_within=1, longest_request=3_600)
    gateway.customers.hangs = True
    async with asyncio.timeout(15):
        answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer())
    assert answer.status_code == 504
    assert answer.json()["code"] == "unavailable"


async def test_public_route_takes_a_small_body_alone(gateway: Gateway) -> None:
    within = await gateway.client.post("/v1/sessions", content=b"x" * 16 * 1024)
    assert within.status_code == 200
    beyond = await gateway.client.post(
        "/v1/sessions", content=b"x" * (16 * 1024 + 1), headers={"accept-language": "en"}
    )
    assert beyond.status_code == 413
    assert beyond.json()["limit"] == 16 * 1024
    assert beyond.json()["detail"] == "The data is too large (limit 16384 bytes). Send it in smaller parts."


async def test_streams_leave_room_for_ordinary_requests(start_gateway: Start) -> None:
    gateway = await start_gateway(most_streams=2)
    headers = gateway.bearer()
    port = gateway.client.base_url.port or 0
    connections = [await RawConnection.open(port) for _ in range(4)]
    refused: list[asyncio.Task[RawAnswer]] = []
    try:
        for connection in connections[:2]:
            await connection.send("GET", "/v1/imports/1/events", headers)
            assert (await connection.answer()).status == 200
        for connection in connections[2:]:
            await connection.send("GET", "/v1/imports/1/events", headers)
        # One waits for a connection of the two; the others are refused.
        refused += [asyncio.create_task(connection.answer()) for connection in connections[2:]]
        done, waiting = await asyncio.wait(refused, timeout=15, return_when=asyncio.FIRST_COMPLETED)
        assert [answer.result().status for answer in done] == [503] * len(done)
        assert waiting
        assert (await gateway.client.get("/v1/contacts", headers=headers)).status_code == 200
    finally:
        for answer in refused:
            answer.cancel()
        for connection in connections:
            connection.close()


async def test_memory_full_of_half_bodies_serves_others(start_gateway: Start) -> None:
    gateway = await start_gateway(largest_heap=96 * MEBIBYTE)
    port = gateway.client.base_url.port or 0
    headers = gateway.bearer() | {"content-length": str(MEBIBYTE)}
    connections = [await RawConnection.open(port) for _ in range(200)]
    ends = [asyncio.create_task(connection.ended(within=60)) for connection in connections]
    try:
        for connection in connections:
            with contextlib.suppress(ConnectionError):
                await connection.send("POST", "/v1/contacts", headers, b"x" * 900_000)
        # Some are ended long before their clock of 60 s, and what is small goes on.
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert done
        async with asyncio.timeout(20):
            await gateway.until("/v1/users", 200)
        assert gateway.customers.begun == 0
    finally:
        for end, connection in zip(ends, connections, strict=True):
            end.cancel()
            connection.close()
