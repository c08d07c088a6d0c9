"""Row of the threat table: alg:none, key confusion, jku/jwk/kid tricks, wrong aud/iss/typ, expired, clocks."""

import base64
import json
import time
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from daicho.access import TokenVerifier
from daicho.access.tokens import KEPT, REFETCH_AFTER
from daicho.faults import Unauthenticated, Unavailable

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
ISSUER = "https://ledger.example"
NOW = 1_800_000_000


def jwk_of(key, kid: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    encode = lambda number: base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")  # noqa: E731 two uses below
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": encode(numbers.x), "y": encode(numbers.y)}


def claims(**changed) -> dict[str, object]:
    return {
        "iss": ISSUER,
        "aud": "daicho",
        "sub": str(UUID(int=1)),
        "tid": str(UUID(int=2)),
        "sid": str(UUID(int=3)),
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 600,
        "jti": "x",
    } | changed


def sign(payload, *, key=KEY, algorithm="ES256", **header) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"typ": "at+jwt", "kid": "k1"} | header)


@pytest.fixture
def verifier() -> TokenVerifier:
    async def fetch():
        return {"keys": [jwk_of(KEY, "k1")]}

    return TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW + 5)


async def test_a_good_token_names_tenant_user_and_session(verifier) -> None:
    actor = await verifier.verify(sign(claims()))
    assert (actor.user_id, actor.tenant_id, actor.session_id) == (UUID(int=1), UUID(int=2), UUID(int=3))


def forged() -> dict[str, str]:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = base64.urlsafe_b64encode(
        json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}).encode()
    ).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    import hmac

    mac = base64.urlsafe_b64encode(hmac.digest(public, head + b"." + body, "sha256")).rstrip(b"=")
    good = sign(claims())
    return {
        "alg none": jwt.encode(claims(), None, algorithm="none", headers={"typ": "at+jwt", "kid": "k1"}),
        "the public key as an HMAC secret": (head + b"." + body + b"." + mac).decode(),
        "another key under a known kid": sign(claims(), key=OTHER),
        "an unknown kid": sign(claims(), kid="k9"),
        "jku": sign(claims(), jku="https://evil.example/jwks.json"),
        "jwk": sign(claims(), key=OTHER, jwk=jwk_of(OTHER, "k1")),
        "a refresh or id token": sign(claims(), typ="JWT"),
        "wrong audience": sign(claims(aud="other")),
        "wrong issuer": sign(claims(iss="https://evil.example")),
        "expired beyond the leeway": sign(claims(exp=NOW - 30)),
        "a clock ten minutes ahead": sign(claims(nbf=NOW + 600, iat=NOW + 600)),
        "no session": sign({name: value for name, value in claims().items() if name != "sid"}),
        "a tenant that is no UUID": sign(claims(tid="1")),
        "times that are no numbers": sign(claims(exp="soon")),
        "a changed payload": good.split(".")[0] + "." + body.decode() + "x." + good.split(".")[2],
        "a header nested without end": base64.urlsafe_b64encode(b'{"a":' * 1200).decode() + ".e30.x",
        "a certificate of its own": sign(claims(), x5c=["MIIB"]),
        "longer than any of identity's": sign(claims(padding="x" * 9000)),
        "not a token": "x",
        "empty": "",
    }


@pytest.mark.parametrize("name", list(forged()))
async def test_a_forged_token_is_refused(verifier, name) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(forged()[name])


async def test_a_known_token_is_refused_once_it_has_ended() -> None:
    now = [float(NOW)]

    async def fetch():
        return {"keys": [jwk_of(KEY, "k1")]}

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: now[0])
    token = sign(claims())
    await verifier.verify(token)
    now[0] = NOW + 600 + 31
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_unknown_key_ids_do_not_hammer_identity() -> None:
    asked = []

    async def fetch():
        asked.append(time.monotonic())
        return {"keys": [jwk_of(KEY, "k1")]}

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW)
    for kid in ("a", "b", "c"):
        with pytest.raises(Unauthenticated):
            await verifier.verify(sign(claims(), kid=kid))
    assert len(asked) == 1


async def test_identity_away_is_503_and_not_401() -> None:
    async def fetch():
        raise Unavailable

    with pytest.raises(Unavailable):
        await TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW).verify(sign(claims()))


async def test_a_new_key_of_identity_is_found_without_a_restart_and_a_withdrawn_one_is_forgotten() -> None:
    keys, clock = {"k1": KEY}, [1000.0]

    async def fetch():
        return {"keys": [jwk_of(key, kid) for kid, key in keys.items()]}

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW, clock=lambda: clock[0])
    await verifier.verify(sign(claims()))
    keys["k2"] = OTHER
    clock[0] += REFETCH_AFTER
    of_new = sign(claims(), key=OTHER, kid="k2")
    assert (await verifier.verify(of_new)).user_id == UUID(int=1)
    await verifier.verify(sign(claims(jti="the old key is good beside the new one")))
    del keys["k1"]
    clock[0] += KEPT
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(claims(jti="no more")))
    await verifier.verify(of_new)


async def test_known_keys_are_good_while_identity_is_away() -> None:
    away, clock = [False], [1000.0]

    async def fetch():
        if away[0]:
            raise Unavailable
        return {"keys": [jwk_of(KEY, "k1")]}

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW, clock=lambda: clock[0])
    await verifier.verify(sign(claims()))
    away[0] = True
    clock[0] += 10 * KEPT
    await verifier.verify(sign(claims(jti="y")))
    with pytest.raises(Unavailable):
        await verifier.verify(sign(claims(), kid="k2"))


async def test_an_identity_that_does_not_answer_is_not_asked_by_everybody() -> None:
    asked = []

    async def fetch():
        asked.append(1)
        raise Unavailable

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await verifier.verify(sign(claims()))
    assert len(asked) == 1


async def test_only_the_tokens_seen_last_are_remembered() -> None:
    async def fetch():
        return {"keys": [jwk_of(KEY, "k1")]}

    verifier = TokenVerifier(fetch, issuer=ISSUER, now=lambda: NOW, remembered=2)
    first, second, third = (sign(claims(jti=name)) for name in "abc")
    for token in (first, second, first, third):
        await verifier.verify(token)
    assert [session.actor.token for session in verifier._known.values()] == [first, third]
