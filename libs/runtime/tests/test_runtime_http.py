"""A server starts on a free port, answers, and says when its port is taken."""

import httpx
import pytest

from daicho.runtime import serve_http


async def hello(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_it_answers_while_the_block_runs() -> None:
    async with serve_http(hello, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hello"
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_a_taken_port_is_an_os_error() -> None:
    async with serve_http(hello, "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="in use"):
            async with serve_http(hello, "127.0.0.1", port):
                pass


async def test_the_peer_is_who_connected_whatever_a_header_says() -> None:
    peers: list[str] = []

    async def listening(scope, receive, send) -> None:
        if scope["type"] == "http":
            peers.append(scope["client"][0])
        await hello(scope, receive, send)

    async with serve_http(listening, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/", headers={"x-forwarded-for": "somebody"})
    assert peers == ["127.0.0.1"]
