"""Who passes, and who is told to sign in."""

from __future__ import annotations

import base64
import json
import time
from uuid import uuid4

import jwt
import pytest

from daicho.testkit.gateway import Gateway, SigningKey, Start


def _unsigned(key: SigningKey) -> str:
    claims = key.token().split(".")[1]
    header = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
    )
    return f"{header}.{claims}."


def _signed_with_the_public_key(key: SigningKey) -> str:
    return jwt.encode(
        {"aud": "daicho", "exp": time.time() + 600}, "x" * 64, "HS256", headers={"kid": key.kid}
    )


async def test_a_good_token_passes_and_reaches_the_service_untouched(gateway: Gateway) -> None:
    headers = gateway.bearer()
    answer = await gateway.client.get("/v1/contacts", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["service"] == "customers"
    assert gateway.customers.seen[0].headers["authorization"] == headers["authorization"]


@pytest.mark.parametrize("cookie", ["daicho_access", "__Host-daicho_access"])
async def test_a_token_in_the_consoles_cookie_passes(gateway: Gateway, cookie: str) -> None:
    answer = await gateway.client.get("/v1/me", headers={"cookie": f"{cookie}={gateway.key.token()}"})
    assert answer.status_code == 200


async def test_without_a_token_the_door_is_closed_by_a_problem_document(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/contacts", headers={"accept-language": "en"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:daicho:problem:unauthenticated",
        "title": "Please sign in.",
        "status": 401,
        "detail": "Please sign in.",
        "code": "unauthenticated",
    }
    assert gateway.customers.seen == []


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 86_400},
        {"aud": "elsewhere"},
        {"aud": None},
    ],
    ids=["expired", "endless", "not yet", "for another", "for nobody"],
)
async def test_a_token_that_does_not_stand_is_refused(gateway: Gateway, claims: dict[str, object]) -> None:
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer(**claims))
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert gateway.customers.seen == []


@pytest.mark.parametrize("forge", [_unsigned, _signed_with_the_public_key], ids=["alg none", "HS256"])
async def test_a_token_with_another_algorithm_is_refused(gateway: Gateway, forge: object) -> None:
    assert callable(forge)
    answer = await gateway.client.get("/v1/me", headers={"authorization": f"Bearer {forge(gateway.key)}"})
    assert answer.status_code == 401


async def test_a_token_signed_by_a_strangers_key_under_our_kid_is_refused(gateway: Gateway) -> None:
    token = SigningKey().token(kid=gateway.key.kid)
    answer = await gateway.client.get("/v1/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_an_opaque_token_is_not_an_access_token(gateway: Gateway) -> None:
    refresh = f"dcr_{uuid4().hex}_{uuid4().hex}_1_mac"
    answer = await gateway.client.get("/v1/me", headers={"authorization": f"Bearer {refresh}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tenants"),
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/refresh"),
        ("DELETE", "/v1/sessions/current"),
        ("POST", "/v1/email-confirmations"),
        ("POST", "/v1/password-resets"),
        ("POST", "/v1/password-resets/complete"),
        ("POST", "/v1/invitations/accept"),
    ],
)
async def test_the_doors_that_need_no_token_need_none(gateway: Gateway, method: str, path: str) -> None:
    answer = await gateway.client.request(method, path)
    assert answer.status_code == 200
    assert answer.json()["service"] == "identity"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/tenants"),
        ("GET", "/v1/sessions"),
        ("POST", "/v1/sessions/current"),
        ("POST", "/v1/invitations"),
        ("POST", "/v1/invitations/accept/x"),
        ("POST", "/v1/tenants/x"),
    ],
)
async def test_what_stands_beside_a_public_door_needs_a_token(
    gateway: Gateway, method: str, path: str
) -> None:
    answer = await gateway.client.request(method, path)
    assert answer.status_code == 401
    assert gateway.identity.seen == []


async def test_a_stale_cookie_does_not_stand_in_the_way_of_signing_in(gateway: Gateway) -> None:
    stale = gateway.key.token(exp=int(time.time()) - 600)
    answer = await gateway.client.post("/v1/sessions", headers={"cookie": f"daicho_access={stale}"})
    assert answer.status_code == 200


async def test_a_path_that_nobody_owns_is_not_found(gateway: Gateway) -> None:
    for path in ("/v1/nothing", "/v1/contactsx", "/v1", "/.well-known/security.txt"):
        answer = await gateway.client.get(path, headers=gateway.bearer())
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


async def test_good_token_is_not_refused_while_the_keys_are_unavailable(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(ready=False)
    gateway.identity.shows_keys = False
    away = await start_gateway(ready=False, identity="127.0.0.1:9")
    answer = await away.client.get("/v1/contacts", headers=gateway.bearer())
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert answer.json()["status"] == 503
    assert answer.headers["retry-after"] == "1"
