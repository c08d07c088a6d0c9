"""A client that hangs up is no fault of the service: nothing is logged above debug, and work for it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
import structlog
from litestar import Request, get, post
from litestar.params import JSONBody
from litestar.response import Stream

from daicho.runtime import Health
from daicho.runtime.http import serve_http
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.testkit.raw_request import piece, send
from daicho.web import Callers, create_app, public


class Note(msgspec.Struct):
    text: str


ended = asyncio.Event()


@post("/notes", guards=[public("a test")])
async def create_note(data: JSONBody[Note]) -> Note:
    return data


@post("/files", guards=[public("a test")])
async def upload(request: Request[Any, Any, Any]) -> int:
    return sum([len(each) async for each in request.stream()])


@post("/forms", guards=[public("a test")])
async def fill_in(request: Request[Any, Any, Any]) -> int:
    return len(await request.form())


@get("/answers", guards=[public("a test")])
async def answer() -> Stream:
    return Stream(_endless())


@post("/exports", guards=[public("a test")])
async def export(data: JSONBody[Note]) -> Stream:
    return Stream(_endless())


async def _endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x" * 10_000
            await asyncio.sleep(0)
    finally:
        ended.set()


class Anybody:
    async def verify(self, _token: str) -> Actor:
        return Actor(tenant_id=TenantId(UUID(int=1)), kind="user", user_id=UserId(UUID(int=2)), token="good")

    async def grants(self, _actor: Actor) -> Grants:
        return Grants()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app():
    return create_app(
        "notes",
        [create_note, upload, fill_in, answer, export],
        callers=Callers(Anybody(), Anybody(), origin="https://ledger.example"),
        health=Health(),
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/notes", "application/json"),
        ("/files", "text/csv"),
        ("/forms", "multipart/form-data; boundary=a"),
        ("/forms", "application/x-www-form-urlencoded"),
    ],
)
async def test_client_that_leaves_in_mid_body_is_not_an_error(app, path, kind) -> None:
    with structlog.testing.capture_logs() as logs:
        outcome = await send(app, path, [piece(b'{"text":')], {"content-type": kind})
    assert outcome.status == 499
    assert {each["log_level"] for each in logs} <= {"debug"}


@pytest.mark.parametrize(
    "head",
    [
        b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        b"GET /answers HTTP/1.1\r\nHost: a\r\n\r\n",
        (
            b"POST /exports HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
            b'{"text":"a"}'
        ),
    ],
    ids=["body", "stream", "export"],
)
async def test_server_logs_no_error_when_a_client_hangs_up(app, head, caplog) -> None:
    caplog.set_level(logging.INFO)
    ended.clear()
    with structlog.testing.capture_logs() as logs:
        async with serve_http(app, "127.0.0.1", 0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            await writer.drain()
            if b"/notes" not in head:
                await reader.readexactly(1_000)
            writer.transport.abort()
            if b"/notes" not in head:
                await asyncio.wait_for(ended.wait(), 10)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert [each for each in logs if each["log_level"] not in {"debug", "info"}] == []
