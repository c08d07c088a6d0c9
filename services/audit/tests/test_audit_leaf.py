"""A leaf's bytes are frozen, and say all of it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.audit import merkle
from daicho.audit.leaf import (
    ActorKind,
    Kind,
    Leaf,
    LeafInvalid,
    erased_by,
    erasure_content,
    payload_digest,
    read_payload,
    write_payload,
)

FULL = Leaf(
    tenant_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    sequence=41,
    entry_id=UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
    time=datetime(2026, 11, 22, 3, 37, 0, 123456, tzinfo=UTC),
    kind=Kind.CHANGE,
    actor_kind=ActorKind.USER,
    actor_user_id=UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
    actor_session_id=UUID("01890a5d-ac96-774b-bcce-b302099a805a"),
    action="contact.updated",
    resource_type="contact",
    resource_id=UUID("01890a5d-ac96-774b-bcce-b302099a805b"),
    payload_digest=bytes(range(32)),
)
FULL_BYTES = (
    "01"  # version
    "01890a5dac96774bbcceb302099a8057"  # tenant
    "0000000000000029"  # sequence
    "01890a5dac96774bbcceb302099a8058"  # entry
    "000660d5309c7140"  # time
    "01"  # kind
    "01"  # actor kind
    "0101890a5dac96774bbcceb302099a8059"  # user
    "0101890a5dac96774bbcceb302099a805a"  # session
    "0000"  # service
    "000f636f6e746163742e75706461746564"  # action
    "0007636f6e74616374"  # resource type
    "0101890a5dac96774bbcceb302099a805b"  # resource id
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)
FULL_HASH = "677081d6679872542810b4ebd88d9f06d214fc0037be58c385d5a7153accef6e"
SPARE = Leaf(
    tenant_id=UUID(int=1),
    sequence=0,
    entry_id=UUID(int=2),
    time=datetime(1970, 1, 1, tzinfo=UTC),
    kind=Kind.ERASURE,
    actor_kind=ActorKind.SYSTEM,
    actor_service="台帳",
    action="a",
    resource_type="",
    payload_digest=bytes(32),
)
SPARE_BYTES = (
    "01" + "00" * 15 + "01" + "00" * 8 + "00" * 15 + "02" + "00" * 8 + "03" + "03" + "00" + "00"
    + "0006e58fb0e5b8b3" + "000161" + "0000" + "00" + "00" * 32
)  # fmt: skip


def test_the_bytes_of_a_leaf_are_frozen() -> None:
    assert bytes(FULL).hex() == FULL_BYTES
    assert bytes(SPARE).hex() == SPARE_BYTES


def test_the_hash_of_a_leaf_is_frozen() -> None:
    assert merkle.leaf_hash(bytes(FULL)).hex() == FULL_HASH


@pytest.mark.parametrize("leaf", [FULL, SPARE])
def test_a_leaf_reads_back_as_it_was(leaf: Leaf) -> None:
    assert Leaf.parse(bytes(leaf)) == leaf


def test_the_time_is_the_instant_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert bytes(replace(FULL, time=FULL.time.astimezone(tokyo))) == bytes(FULL)


CHANGED: dict[str, Any] = {
    "tenant_id": UUID(int=9), "sequence": 42, "entry_id": UUID(int=9), "time": datetime(2027, 1, 1, tzinfo=UTC),
    "kind": Kind.ACCESS, "actor_kind": ActorKind.SERVICE, "actor_user_id": None, "actor_session_id": None,
    "actor_service": "x", "action": "contact.updatee", "resource_type": "contacs", "resource_id": None,
    "payload_digest": bytes(32),
}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in fields(Leaf)])
def test_every_field_is_in_the_bytes(name: str) -> None:
    assert bytes(replace(FULL, **{name: CHANGED[name]})) != bytes(FULL)


def test_text_cannot_move_from_one_field_to_the_next() -> None:
    one, other = replace(FULL, action="ab", resource_type="c"), replace(FULL, action="a", resource_type="bc")
    assert bytes(one) != bytes(other)


@pytest.mark.parametrize("data", [
    b"", bytes(FULL)[:-1], bytes(FULL) + b"\0", b"\x02" + bytes(FULL)[1:], bytes(FULL)[:49] + b"\x09" + bytes(FULL)[50:],
    bytes(FULL)[:51] + b"\x07" + bytes(FULL)[52:],
])  # fmt: skip
def test_bytes_that_are_no_leaf_are_refused(data: bytes) -> None:
    with pytest.raises(LeafInvalid):
        Leaf.parse(data)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_and_what_reads_writes_the_same(data: bytes) -> None:
    try:
        leaf = Leaf.parse(data)
    except LeafInvalid:
        return
    assert bytes(leaf) == data


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        bytes(replace(FULL, payload_digest=b"short"))


def test_the_bytes_of_a_payload_are_frozen_and_its_keys_are_in_order() -> None:
    payload = write_payload({"b": [1, {"z": None, "y": "台"}], "a": b"\x01"}, random=bytes)
    assert payload.hex() == "01" + "00" * 16 + "82a161c40101a1629201" + "82a179a3e58fb0a17ac0"
    assert read_payload(payload) == {"a": b"\x01", "b": [1, {"y": "台", "z": None}]}


def test_the_same_content_has_another_digest_each_time() -> None:
    """Whoever holds the log alone cannot try out what an erased payload said."""
    assert payload_digest(write_payload({"name": "x"})) != payload_digest(write_payload({"name": "x"}))


def test_an_erasure_names_entries() -> None:
    entries = [UUID(int=7), UUID(int=8)]
    assert erased_by(write_payload(erasure_content(entries, "privacy_request"))) == entries


@pytest.mark.parametrize("payload", [b"", b"\x01" + bytes(16), b"\x02" + bytes(16) + b"\x80", b"\x01" + bytes(16) + b"\x05",
                                     b"\x01" + bytes(16) + b"\xc1", write_payload({}), write_payload({"erased": [b"x"]})],
                         ids=["empty", "salt alone", "version", "no map", "broken", "no content", "no id"])  # fmt: skip
def test_a_payload_that_names_nothing_is_no_erasure(payload: bytes) -> None:
    with pytest.raises(LeafInvalid):
        erased_by(payload)
