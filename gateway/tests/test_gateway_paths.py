"""Each route has one spelling; every other one is refused, so that limits and token rules cannot be passed by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daicho.gateway.table import PUBLIC
from daicho.testkit.gateway import Gateway, Start
from daicho.testkit.raw_http import RawAnswer, RawConnection

SPELLINGS = [
    "/v1/sessions/",
    "/v1/sessions//",
    "//v1/sessions",
    "/v1//sessions",
    "/./v1/sessions",
    "/v1/./sessions",
    "/v1/sessions/.",
    "/v1/x/../sessions",
    "/v1/sessions/x/..",
    "/../v1/sessions",
    "/v1/%73essions",
    "/v1/sessio%6Es",
    "/v1/sessio%6es",
    "/%76%31/sessions",
    "/v1/%2e/sessions",
    "/v1/x/%2E%2e/sessions",
    "/v1%2Fsessions",
    "/v1%2fsessions",
    "/v1/sessions%2f",
    "/v1/sessions;a=1",
    "/v1;a=1/sessions",
    "/;/v1/sessions",
    "/v1/sessions%3B",
    "/v1/sessions%3Fx",
    "/v1/sessions%23x",
    "/v1/sessions%20",
    "/v1/sessions%09",
    "/v1/sessions%00",
    "/v1\\sessions",
    "/v1/sessions%5c",
    "\\v1\\sessions",
    "/v1/sessions#x",
    "/v1/sess\xedons",
    "v1/sessions",
    "*",
    "",
    "http://ledger.test//v1/sessions",
    "http://ledger.test/v1/sessions/",
]
"""Second spellings of /v1/sessions."""


async def _ask(gateway: Gateway, method: str, target: str, headers: dict[str, str]) -> RawAnswer:
    connection = await RawConnection.open(gateway.client.base_url.port or 0)
    try:
        return await connection.request(method, target, headers)
    finally:
        connection.close()


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("target", SPELLINGS)
async def test_second_spelling_reaches_no_service(gateway: Gateway, target: str, *, signed_in: bool) -> None:
    answer = await _ask(gateway, "POST", target, gateway.bearer() if signed_in else {})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "malformed"
    assert gateway.identity.seen == []


async def test_path_of_another_case_is_another_path(gateway: Gateway) -> None:
    for target in ("/v1/Sessions", "/V1/sessions"):
        assert (await _ask(gateway, "POST", target, gateway.bearer())).status == 404
    assert gateway.identity.seen == []


async def test_refusal_says_in_both_languages_what_to_do(gateway: Gateway) -> None:
    japanese = await _ask(gateway, "POST", "/v1/sessions/", {"accept-language": "ja"})
    assert "パスの書き方" in japanese.json()["detail"]
    assert japanese.headers["content-language"] == "ja"
    english = await _ask(gateway, "POST", "/v1/sessions/", {"accept-language": "en"})
    assert english.json()["detail"].startswith("The path is not spelled as the API describes it.")
    assert english.headers["content-language"] == "en"


async def test_query_of_any_kind_counts_in_the_same_bucket(start_gateway: Start) -> None:
    gateway = await start_gateway(limit_sessions="3/600")
    targets = ["/v1/sessions", "/v1/sessions?", "http://elsewhere.test/v1/sessions", "/v1/sessions?x=/../y"]
    statuses = [(await _ask(gateway, "POST", target, {})).status for target in targets]
    assert statuses == [200, 200, 200, 429]


def _mutations(path: str) -> Iterator[str]:
    """Each character escaped in both cases, and everything that a server may skip put before it or at the end."""
    for place, character in enumerate(path):
        before, after = path[:place], path[place + 1 :]
        yield f"{before}%{ord(character):02x}{after}"
        yield f"{before}%{ord(character):02X}{after}"
        yield f"{before}{character.swapcase()}{after}"
        for inserted in ("/", "/.", "/./", "/x/../", "%2f", "%5C", "\\", ";", ";a=b", "%00", "%20", "\x85"):
            yield f"{before}{inserted}{character}{after}"
            yield f"{path}{inserted}"


@pytest.mark.parametrize("entry", PUBLIC, ids=lambda entry: f"{entry.method} {entry.path}")
async def test_mutated_path_reaches_a_service_as_a_path_of_its_own_or_not_at_all(
    gateway: Gateway, entry: tuple[str, str, str, str]
) -> None:
    method, path, *_ = entry
    headers = gateway.bearer()
    connection = await RawConnection.open(gateway.client.base_url.port or 0)
    assert (await connection.request(method, path, headers)).status == 200
    gateway.identity.seen.clear()
    for target in set(_mutations(path)) - {path}:
        answer = await connection.request(method, target, headers)
        arrived = [seen.path for upstream in gateway.upstreams for seen in upstream.seen]
        assert path not in [spelled.rstrip("/") for spelled in arrived], target
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        assert answer.status in {400, 404} or is_page or arrived == [target], (target, answer.status)
        for upstream in gateway.upstreams:
            upstream.seen.clear()
        if answer.headers.get("connection") == "close":
            connection.close()
            connection = await RawConnection.open(gateway.client.base_url.port or 0)
    connection.close()


@pytest.mark.parametrize(
    "target", ["/", "/docs/", "/docs", "/contacts/0192?tab=a%2Fb", "/%E9%A1%A7%E5%AE%A2", "/a%20b"]
)
async def test_pages_keep_their_addresses(gateway: Gateway, target: str) -> None:
    answer = await gateway.client.get(target)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "target",
    [
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/docs/../../secret.txt",
        "/assets/./app-1a2b3c.js",
    ],
)
async def test_dot_segments_lead_to_no_file(gateway: Gateway, target: str) -> None:
    assert (await _ask(gateway, "GET", target, {})).status == 400
