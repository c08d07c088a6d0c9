"""A client that begins HTTP/2 streams and resets them at once (rapid reset) loses its connection.

Envoy counts streams that it would hand on. Those that it answers itself, without a token for instance, are cut by its
HTTP/2 codec after about a thousand.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from urllib.parse import urlsplit

from daicho.testkit.gateway import Gateway

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS = 1, 3, 4
CANCEL = struct.pack(">I", 8)
END_HEADERS = 4
# POST http, by HPACK's static table; path and authority as literals.
PATH, AUTHORITY, AUTHORIZATION = 4, 1, 23


def literal(name: int, value: bytes) -> bytes:
    """A header field that HPACK's static table names, never indexed; RFC 7541, 6.2.2 and 5.1."""
    first = bytes([name]) if name < 15 else bytes([15, name - 15])
    length = len(value)
    if length < 127:
        return first + bytes([length]) + value
    length -= 127
    rest = b""
    while length >= 128:
        rest += bytes([length % 128 + 128])
        length //= 128
    return first + b"\x7f" + rest + bytes([length]) + value


def request(token: str) -> bytes:
    """The header block of a POST whose body is still to come."""
    fields = literal(PATH, b"/v1/contacts") + literal(AUTHORITY, b"ledger.test")
    return b"\x83\x86" + fields + literal(AUTHORIZATION, token.encode())


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


async def is_cut(gateway: Gateway, streams: int, token: str) -> bool:
    """Whether a connection that begins and resets so many streams is closed within two seconds."""
    block = request(token)
    address = urlsplit(str(gateway.client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(PREFACE + frame(SETTINGS, 0))
    closed = asyncio.create_task(reader.read())
    try:
        for number in range(streams):
            stream = 2 * number + 1
            writer.write(frame(HEADERS, stream, block, END_HEADERS) + frame(RST_STREAM, stream, CANCEL))
            with suppress(ConnectionError):
                await writer.drain()
            done, _ = await asyncio.wait({closed}, timeout=0.002)
            if done:
                break
        done, _ = await asyncio.wait({closed}, timeout=2)
        return bool(done)
    finally:
        closed.cancel()
        with suppress(ConnectionError, asyncio.CancelledError):
            await closed
        writer.close()


async def test_client_that_resets_streams_rapidly_loses_its_connection(gateway: Gateway) -> None:
    token = gateway.bearer()["authorization"]
    assert await is_cut(gateway, 175, token)  # more than half of 200; by Envoy's own default, half of 500
    assert (await gateway.client.get("/v1/contacts", headers=gateway.bearer())).status_code == 200


async def test_stranger_who_resets_streams_rapidly_loses_their_connection(gateway: Gateway) -> None:
    assert await is_cut(gateway, 2_000, "Bearer none")


async def test_client_that_resets_a_few_keeps_it(gateway: Gateway) -> None:
    assert not await is_cut(gateway, 60, gateway.bearer()["authorization"])
