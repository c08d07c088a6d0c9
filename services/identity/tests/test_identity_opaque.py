"""Opaque tokens read back as what was written, and nothing else reads."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.identity import opaque
from daicho.identity.opaque import Link, RefreshToken
from daicho.tenancy import SessionId, TenantId

TENANT, FAMILY = TenantId(uuid4()), SessionId(uuid4())
SECRET = b"s" * 32


def test_a_link_reads_back_and_names_its_tenant() -> None:
    link = Link.draw(opaque.RESET, TENANT)
    assert Link.read(opaque.RESET, str(link)) == link
    assert str(link).startswith(f"dcp_{TENANT.hex}_")
    assert str(link).split("_", 2)[2] not in repr(link)


def test_a_link_of_one_kind_is_none_of_another() -> None:
    assert Link.read(opaque.INVITATION, str(Link.draw(opaque.RESET, TENANT))) is None


def test_a_refresh_token_is_derived_from_the_familys_secret_and_generation() -> None:
    token = RefreshToken.derive(TENANT, FAMILY, generation=7, secret=SECRET)
    assert RefreshToken.read(str(token)) == token
    assert token.genuine(SECRET)
    assert not token.genuine(b"t" * 32)
    assert RefreshToken.derive(TENANT, FAMILY, generation=7, secret=SECRET) == token


@pytest.mark.parametrize("change", ["tenant", "family", "generation"])
def test_a_refresh_token_moved_elsewhere_is_not_genuine(change: str) -> None:
    token = RefreshToken.derive(TENANT, FAMILY, generation=7, secret=SECRET)
    moved = RefreshToken(
        TenantId(uuid4()) if change == "tenant" else token.tenant_id,
        SessionId(uuid4()) if change == "family" else token.family,
        8 if change == "generation" else token.generation,
        token.mac,
    )
    assert not moved.genuine(SECRET)


@given(st.text(max_size=200))
def test_text_that_is_no_token_reads_as_none(text: str) -> None:
    assert Link.read(opaque.RESET, f"dcp_{text}") is None
    assert RefreshToken.read(f"dcr_{text}") is None


def test_a_token_has_one_spelling() -> None:
    text = str(RefreshToken.derive(TENANT, FAMILY, generation=7, secret=SECRET))
    head, mac = text.rsplit("_", 1) if text.count("_") == 4 else (text[: -len(text.split("_", 4)[4]) - 1], "")
    mac = mac or text.split("_", 4)[4]
    for other in (
        text.replace("_7_", "_07_"),
        text.replace("_7_", "_+7_"),
        text.replace("_7_", "_７_"),
        text.replace(TENANT.hex, str(TENANT)),
        f"{text}=",
        f" {text}",
    ):
        assert other == text or RefreshToken.read(other) is None, other
    # The last character carries two bits that mean nothing; only zero is taken.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    sloppy = alphabet[alphabet.index(mac[-1]) | 1]
    assert RefreshToken.read(f"{head}_{mac[:-1]}{sloppy}") is None
