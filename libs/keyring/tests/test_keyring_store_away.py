"""A key store that is slow, gone or refuses to let us in: a fault that says so, soon."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from daicho.keyring import FileStore, KeyMaterial, Keyring, KeysUnavailable, TenantKeys, Transit
from daicho.keyring.keyring import SEEN
from daicho.local.servers import free_port
from daicho.tenancy import TenantId, uuid7

TIMEOUT = 0.3


@asynccontextmanager
async def store_that_says(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a store that answers everything with ``status``, and the paths that it was asked for."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        writer.write(f"HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@pytest.fixture
def away():
    made: list[Transit] = []

    def create(address: str, secret_id: str = "secret", role_id: str = "role") -> Transit:
        made.append(Transit(address, role_id, secret_id, service="customers", timeout=TIMEOUT))
        return made[-1]

    yield create
    for transit in made:
        transit.close()


async def test_a_store_that_never_answers_is_given_up(away, database) -> None:
    held = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ring, begun = Keyring(away(f"http://127.0.0.1:{port}"), database), time.monotonic()
    opened = [ring.open(TenantId(uuid7())) for _ in range(20)]
    answers = await asyncio.gather(*opened, return_exceptions=True)
    assert [type(answer) for answer in answers] == [KeysUnavailable] * 20
    assert time.monotonic() - begun < 10 * TIMEOUT
    for writer in held:
        writer.close()
    server.close()


async def test_a_store_that_is_gone_is_said_to_be(away, database) -> None:
    transit = away(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(KeysUnavailable) as caught:
        await Keyring(transit, database).open(TenantId(uuid7()))
    assert (caught.value.status, caught.value.code) == (503, "keys_unavailable")
    assert await transit.check() is not None


async def test_a_login_that_is_refused_leaves_the_service_unready(
    away, openbao_server, openbao_roles, tenant, database
) -> None:
    transit = away(openbao_server.address, role_id=openbao_roles["customers"][0])
    assert await transit.check() is not None
    with pytest.raises(KeysUnavailable):
        await Keyring(transit, database).open(tenant)


async def test_a_proxy_of_the_environment_sees_no_key(
    monkeypatch, openbao_server, openbao_roles, away
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    role_id, secret_id = openbao_roles["customers"]
    assert await away(openbao_server.address, secret_id, role_id).check() is None


async def test_a_login_that_was_revoked_is_followed_by_another(
    transits, openbao_server, openbao_roles, tenant, database, monkeypatch
) -> None:
    monkeypatch.setattr("daicho.keyring.transit.FRESH", 0.0)
    transit = Transit(openbao_server.address, *openbao_roles["customers"], service="customers")
    await transit.wrap_new(tenant, "records")
    await transit._in_thread(lambda client: client.auth.token.revoke_self())
    await transit.wrap_new(tenant, "records")
    transit.close()


async def test_nothing_is_written_while_no_data_key_can_be_made(
    openbao_server, transits, database, tenant
) -> None:
    openbao_server.seal()
    try:
        with pytest.raises(KeysUnavailable):
            await Keyring(transits["customers"], database).open(tenant)
        async with database.reading(tenant) as tx:
            assert await tx.driver.fetchval("SELECT count(*) FROM data_key") == 0
    finally:
        openbao_server.unseal()


async def test_writing_is_refused_as_soon_as_the_store_is_sealed_though_keys_are_in_memory(
    openbao_server, transits, database, tenant
) -> None:
    clock = [0.0]
    ring = Keyring(transits["customers"], database, clock=lambda: clock[0])
    guarded = database.guarded(ring.require_store)
    keys = await ring.open(tenant)
    await ring.require_store()
    openbao_server.seal()
    try:
        clock[0] += SEEN
        assert await ring.open(tenant) is keys, "what people read still opens"
        with pytest.raises(KeysUnavailable):
            async with guarded.transaction(tenant):
                pytest.fail("the transaction began")
    finally:
        openbao_server.unseal()
    async with guarded.transaction(tenant):
        assert await ring.open(tenant) is keys


async def test_of_many_writers_one_asks_whether_the_store_is_there(away, database) -> None:
    clock = [0.0]
    async with store_that_says(200) as (address, asked):
        ring = Keyring(away(address), database, clock=lambda: clock[0])
        await asyncio.gather(*(ring.require_store() for _ in range(20)))
        clock[0] += SEEN - 0.1
        await ring.require_store()
        assert asked == ["/v1/sys/health"]
        clock[0] += 0.1
        await ring.require_store()
        assert asked == ["/v1/sys/health"] * 2


async def test_a_file_is_not_begun_while_the_store_is_away(away, database, tmp_path) -> None:
    ring = Keyring(away(f"http://127.0.0.1:{free_port()}"), database)
    keys = TenantKeys.of_material(KeyMaterial(TenantId(uuid7()), {1: b"k" * 32}, 1, (b"i" * 32,), b"u" * 32))

    async def pieces() -> AsyncIterator[bytes]:
        yield b"row"

    with pytest.raises(KeysUnavailable):
        await FileStore(tmp_path, ring.require_store).write(keys, uuid7(), pieces())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [429, 472, 473, 501, 503])
async def test_a_store_in_standby_uninitialised_or_sealed_counts_as_away(away, database, status) -> None:
    async with store_that_says(status) as (address, asked):
        with pytest.raises(KeysUnavailable):
            await Keyring(away(address), database).require_store()
        assert asked == ["/v1/sys/health"]


async def test_a_store_that_answered_is_not_called_slow_by_a_loop_that_was_busy(away, monkeypatch) -> None:
    monkeypatch.setattr("daicho.keyring.transit.ANSWERS_WITHIN", TIMEOUT)
    answered = threading.Event()

    class Store(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()
            answered.set()

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Store) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            greeting = asyncio.create_task(away(f"http://127.0.0.1:{server.server_port}").greet())
            await asyncio.sleep(0)
            assert answered.wait(10)
            time.sleep(2 * TIMEOUT)  # noqa: ASYNC251 - a computation that holds the loop
            await greeting
        finally:
            server.shutdown()
            thread.join()
