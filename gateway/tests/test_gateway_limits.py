"""How much, how often, how long."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from daicho.gateway.settings import MEBIBYTE, Rate
from daicho.gateway.table import STREAMS, UPLOADS
from daicho.testkit.gateway import Gateway, Start


async def _statuses(gateway: Gateway, count: int, method: str, path: str, **options: object) -> list[int]:
    return [(await gateway.client.request(method, path, **options)).status_code for _ in range(count)]  # type: ignore[arg-type]  # headers alone are handed through


async def test_a_tenant_that_floods_is_slowed_and_no_other_tenant_is(start_gateway: Start) -> None:
    gateway = await start_gateway(limit_tenant="5/3600")
    flooding, quiet = uuid4(), uuid4()
    headers = gateway.bearer(tenant=flooding)
    assert await _statuses(gateway, 7, "GET", "/v1/contacts", headers=headers) == [200] * 5 + [429] * 2
    refused = await gateway.client.get(
        "/v1/users", headers=gateway.bearer(tenant=flooding) | {"accept-language": "en"}
    )
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "720"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too_many_requests"
    assert refused.json()["retry_after"] == 720
    assert refused.json()["detail"] == "Too many requests. Please retry in 720 seconds."
    assert (await gateway.client.get("/v1/contacts", headers=gateway.bearer(tenant=quiet))).status_code == 200
    assert len(gateway.customers.seen) == 6


async def test_many_tenants_each_have_a_bucket_of_their_own(start_gateway: Start) -> None:
    gateway = await start_gateway(limit_tenant="1/3600")
    for _ in range(60):
        headers = gateway.bearer(tenant=uuid4())
        assert await _statuses(gateway, 2, "GET", "/v1/me", headers=headers) == [200, 429]


async def test_a_bad_token_takes_nothing_from_a_tenants_bucket(start_gateway: Start) -> None:
    gateway = await start_gateway(limit_tenant="1/3600")
    tenant = uuid4()
    forged = gateway.bearer(tenant=tenant, aud="elsewhere")
    assert await _statuses(gateway, 3, "GET", "/v1/me", headers=forged) == [401] * 3
    assert await _statuses(gateway, 1, "GET", "/v1/me", headers=gateway.bearer(tenant=tenant)) == [200]


async def test_an_address_is_slowed_at_each_public_door_by_that_doors_own_measure(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(
        trusted_hops=1, limit_sign_ups="2/600", limit_sessions="3/600", limit_resets="1/600"
    )

    def address(last: str) -> dict[str, str]:
        return {"x-forwarded-for": f"198.51.100.{last}"}

    assert await _statuses(gateway, 3, "POST", "/v1/tenants", headers=address("1")) == [200, 200, 429]
    assert await _statuses(gateway, 4, "POST", "/v1/sessions", headers=address("1")) == [200, 200, 200, 429]
    assert await _statuses(gateway, 2, "POST", "/v1/password-resets", headers=address("1")) == [200, 429]
    assert await _statuses(gateway, 1, "POST", "/v1/tenants", headers=address("2")) == [200]


async def test_a_rotated_x_forwarded_for_does_not_make_a_new_address(start_gateway: Start) -> None:
    gateway = await start_gateway(limit_sessions="2/600")
    statuses = [
        (await gateway.client.post("/v1/sessions", headers={"x-forwarded-for": f"203.0.113.{n}"})).status_code
        for n in range(4)
    ]
    assert statuses == [200, 200, 429, 429]


async def test_the_addresses_of_one_ipv6_network_are_one(start_gateway: Start) -> None:
    gateway = await start_gateway(trusted_hops=1, limit_sessions="2/600")
    statuses = [
        (await gateway.client.post("/v1/sessions", headers={"x-forwarded-for": f"2001:db8::{n}"})).status_code
        for n in range(3)
    ]
    assert statuses == [200, 200, 429]


async def test_a_body_within_the_limit_arrives_whole(gateway: Gateway) -> None:
    body = b"x" * MEBIBYTE
    answer = await gateway.client.post("/v1/contacts", headers=gateway.bearer(), content=body)
    assert answer.status_code == 200
    assert gateway.customers.seen[0].body == body


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 65536):
        yield b"x" * 65536


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_a_body_beyond_the_limit_is_refused(gateway: Gateway, *, declared: bool) -> None:
    content: bytes | AsyncIterator[bytes] = b"x" * (MEBIBYTE + 1) if declared else _chunks(2 * MEBIBYTE)
    headers = gateway.bearer() | {"accept-language": "en"}
    answer = await gateway.client.post("/v1/contacts", headers=headers, content=content)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"
    assert answer.json()["detail"] == "The data is too large (limit 1048576 bytes). Send it in smaller parts."
    assert answer.json()["limit"] == MEBIBYTE
    assert gateway.customers.seen == [] or gateway.customers.seen[0].body != b""


async def test_an_upload_has_a_limit_of_its_own(start_gateway: Start) -> None:
    gateway = await start_gateway(largest_upload=3 * MEBIBYTE)
    answer = await gateway.client.post("/v1/imports", headers=gateway.bearer(), content=b"x" * (2 * MEBIBYTE))
    assert answer.status_code == 200
    answer = await gateway.client.post(
        "/v1/imports", headers=gateway.bearer(), content=b"x" * (3 * MEBIBYTE + 1)
    )
    assert answer.status_code == 413
    answer = await gateway.client.post(
        "/v1/imports/x/run", headers=gateway.bearer(), content=b"x" * (2 * MEBIBYTE)
    )
    assert answer.status_code == 413


async def test_an_upload_reaches_the_service_while_it_is_sent(gateway: Gateway) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(10):
            await gateway.customers.first_piece.wait()
        yield b"second"

    answer = await gateway.client.post("/v1/imports", headers=gateway.bearer(), content=pieces())
    assert answer.json()["bytes"] == 11


async def test_live_events_arrive_one_by_one(gateway: Gateway) -> None:
    headers = gateway.bearer() | {"accept": "text/event-stream", "accept-encoding": "gzip, br"}
    async with (
        asyncio.timeout(10),
        gateway.client.stream("GET", "/v1/imports/1/events", headers=headers) as answer,
    ):
        assert "content-encoding" not in answer.headers
        lines = answer.aiter_lines()
        for number in ("1", "2", "3"):
            gateway.customers.live.put_nowait(number)
            assert await anext(lines) == f"data: {number}"
            assert await anext(lines) == ""
        gateway.customers.live.put_nowait(None)
        assert [line async for line in lines] == []


def test_whatever_answers_a_file_or_live_events_lasts_as_long_as_it_takes() -> None:
    """A download that a clock ends is cut in the middle, and looks whole to whoever saved it."""
    described = json.loads(Path(__file__).parents[1].joinpath("openapi.json").read_text(encoding="utf-8"))
    lasting = {
        (method.upper(), re.sub(r"\{\w+\}", "x", path))
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and set(answer.get("content", {})) - {"application/json"}
    }
    assert ("POST", "/v1/contacts/export") in lasting
    by_the_clock = {
        (method, path)
        for method, path in lasting
        if not any(method == each and re.fullmatch(pattern, path) for each, pattern, _ in STREAMS)
    }
    assert by_the_clock == set()


def test_lasting_routes_are_counted_by_their_services() -> None:
    """The gateway has no clock for them, so a service says how many a user and a company may open."""
    described = json.loads(Path(__file__).parents[1].joinpath("openapi.json").read_text(encoding="utf-8"))
    counted = {
        (method.upper(), re.sub(r"\{\w+\}", "x", path))
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if "too_many_streams" in operation["responses"]["429"]["$ref"]
    }
    lasting = {
        (method.upper(), re.sub(r"\{\w+\}", "x", path))
        for path, operations in described["paths"].items()
        for method in operations
        for each, pattern, _ in (*STREAMS, *UPLOADS)
        if method.upper() == each and re.fullmatch(pattern, re.sub(r"\{\w+\}", "x", path))
    }
    assert counted == lasting
    assert len(lasting) >= len(STREAMS) + len(UPLOADS)


async def test_an_export_of_the_log_is_asked_of_the_audit(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/audit/export", headers=gateway.bearer())
    assert answer.json()["service"] == "audit"


async def test_headers_beyond_measure_are_refused(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer() | {"x-note": "x" * 40_000})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_service_that_is_away_is_a_503_of_ours(start_gateway: Start) -> None:
    gateway = await start_gateway(audit="127.0.0.1:9", ready=False)
    await gateway.until("/v1/me", 200)
    answer = await gateway.client.get("/v1/audit/checkpoint", headers=gateway.bearer())
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"


async def test_the_gateway_is_ready_once_every_service_is(start_gateway: Start) -> None:
    gateway = await start_gateway()
    gateway.customers.ready = False
    await gateway.until("/readyz", 503)
    assert (await gateway.client.get("/v1/contacts", headers=gateway.bearer())).status_code == 200
    gateway.customers.ready = True
    await gateway.until("/readyz", 200)
    assert (await gateway.client.get("/healthz")).json() == {"status": "ok"}


async def test_a_connection_that_the_service_closed_loses_no_request(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.client.base_url) as client:
        statuses = [
            (await client.post("/v1/contacts", headers=gateway.bearer())).status_code for _ in range(20)
        ]
    assert statuses == [200] * 20


def test_a_rate_reads_as_count_and_seconds() -> None:
    assert Rate.parse("60/60").retry_after == 1
    assert Rate.parse("7/60").retry_after == 9
    for wrong in ("60", "0/1", "x/1", "1/0"):
        with pytest.raises(ValueError, match=r".+"):
            Rate.parse(wrong)
