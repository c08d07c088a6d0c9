"""A service answers to one spelling of each path, whatever stands before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from litestar import get
from litestar.params import FromPath

from daicho.faults import Unauthenticated
from daicho.runtime import Health, serve_http
from daicho.tenancy import Actor, Grants
from daicho.testkit.raw_http import RawConnection
from daicho.web import Callers, create_app, public


@get("/v1/things", guards=[public("a test")])
async def list_things() -> list[str]:
    return []


@get("/v1/numbered/{number:uuid}", guards=[public("a test")])
async def read_numbered(number: FromPath[UUID]) -> str:
    return str(number)


@get("/v1/things/{name:str}", guards=[public("a test")])
async def read_thing(name: FromPath[str]) -> str:
    return name


class Nobody:
    """No caller is recognised: the routes are public."""

    async def verify(self, _token: str) -> Actor:
        raise Unauthenticated

    async def grants(self, _actor: Actor) -> Grants:
        raise Unauthenticated


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    callers = Callers(Nobody(), Nobody(), origin="https://ledger.example")
    app = create_app("things", [list_things, read_thing, read_numbered], callers=callers, health=Health())
    async with serve_http(app, "127.0.0.1", 0) as port:
        yield port


async def _status(port: int, target: str) -> int:
    connection = await RawConnection.open(port)
    try:
        answer = await connection.request("GET", target, {"accept-language": "en"})
    finally:
        connection.close()
    if answer.status == 400:
        assert answer.json()["detail"].startswith("The path is not spelled as the API describes it.")
    return answer.status


@pytest.mark.parametrize(
    "target", ["/v1/things", "/v1/things?", "/v1/things/a.b-c_d~e", "/v1/things/%E3%81%82", "/healthz"]
)
async def test_described_spelling_is_served(port: int, target: str) -> None:
    assert await _status(port, target) == 200


@pytest.mark.parametrize(
    "target",
    [
        "/v1/things/",
        "/v1//things",
        "//v1/things",
        "/v1/%74hings",
        "/v1/things%2F",
        "/v1/things/%61",
        "/v1/things/a;b=1",
        "/v1/things/a%20b",
        "/v1/things/%e3%81%82",
        "/v1/things/..",
        "/healthz/",
        "http://ledger.test/v1/things/",
    ],
)
async def test_second_spelling_is_refused(port: int, target: str) -> None:
    assert await _status(port, target) == 400


@pytest.mark.parametrize("target", ["/v1/things;a=1", "/v1/./things", "/v1/x/../things", "/V1/things"])
async def test_path_of_no_route_is_unknown(port: int, target: str) -> None:
    assert await _status(port, target) == 404


ID = "019abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11"


@pytest.mark.parametrize("spelled", [ID, ID.upper()])
async def test_id_in_its_hyphenated_form_is_served(port: int, spelled: str) -> None:
    assert await _status(port, f"/v1/numbered/{spelled}") == 200


@pytest.mark.parametrize(
    "spelled",
    [
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"%7B{ID}%7D",
        f"urn:uuid:{ID}",
        f"uuid:{ID}",
        f"{ID}-",
        ID.replace("-", "", 1),
        "+19abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11",
        "1_9abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11",
    ],
)
async def test_second_spelling_of_an_id_is_refused(port: int, spelled: str) -> None:
    assert await _status(port, f"/v1/numbered/{spelled}") in (400, 404)
