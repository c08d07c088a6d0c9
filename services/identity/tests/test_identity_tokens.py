"""Access tokens are signed in the key store; a rotated key is published before it signs."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from daicho.identity.policy import ACCESS_TOKEN_LIFETIME
from daicho.identity.sessions.tokens import KEYS_KEPT, PUBLISHED_FOR, SIGNED_BEFORE, TokenSigner
from daicho.keyring import ACCESS_KEY, KeysUnavailable, Transit
from daicho.tenancy import SessionId, TenantId, UserId, uuid7


async def test_a_rotated_key_is_listed_at_once_and_signs_minutes_later(openbao_server, openbao_roles) -> None:
    transit = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    clock = [0.0]
    signer = TokenSigner(transit, issuer="https://ledger.example", now=lambda: clock[0])
    ids = (TenantId(uuid7()), UserId(uuid7()), SessionId(uuid7()))
    before = {key["kid"] for key in (await signer.jwks())["keys"]}
    await transit.rotate_signing_key(ACCESS_KEY)
    clock[0] += 60
    keys = {key["kid"]: key for key in (await signer.jwks())["keys"]}
    assert len(keys) == len(before) + 1
    newest = max(keys, key=lambda kid: int(kid[1:]))
    now = datetime.now(UTC)
    for at, fresh in ((now, False), (now + PUBLISHED_FOR + timedelta(seconds=5), True)):
        token = await signer.sign(*ids, at)
        kid = jwt.get_unverified_header(token)["kid"]
        assert (kid == newest) is fresh
        claims = jwt.decode(
            token,
            jwt.PyJWK(keys[kid]).key,
            algorithms=["ES256"],
            audience="daicho",
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        assert claims["tid"] == str(ids[0])
    transit.close()


async def test_a_former_key_leaves_the_list_once_its_tokens_have_ended(openbao_server, openbao_roles) -> None:
    transit = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    now = [datetime.now(UTC)]
    signer = TokenSigner(transit, issuer="https://ledger.example", clock=lambda: now[0])
    await transit.rotate_signing_key(ACCESS_KEY)
    newest = max(await transit.public_keys(ACCESS_KEY))
    former = f"v{newest - 1}"

    async def listed() -> list[str]:
        return [key["kid"] for key in (await signer.jwks())["keys"]]

    now[0] += PUBLISHED_FOR + ACCESS_TOKEN_LIFETIME
    assert (await listed())[-2:] == [former, f"v{newest}"], "its last token has just ended"
    now[0] += SIGNED_BEFORE + timedelta(seconds=5)
    assert await listed() == [f"v{newest}"]
    transit.close()


async def test_the_key_set_stays_listed_while_the_store_is_away(openbao_server, openbao_roles) -> None:
    transit = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    clock = [0.0]
    signer = TokenSigner(transit, issuer="https://ledger.example", now=lambda: clock[0])
    listed = await signer.jwks()
    openbao_server.seal()
    try:
        clock[0] += 2 * KEYS_KEPT
        assert await signer.jwks() == listed
        with pytest.raises(KeysUnavailable):
            await TokenSigner(transit, issuer="https://ledger.example").jwks()
    finally:
        openbao_server.unseal()
    transit.close()
