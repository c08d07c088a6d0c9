"""A key store that is slow, gone or refuses to let us in: a fault that says so, soon."""

import asyncio
import time

import pytest

from daicho.keyring import Keyring, KeysUnavailable, Transit
from daicho.local.servers import free_port
from daicho.tenancy import TenantId, uuid7

TIMEOUT = 0.3


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
