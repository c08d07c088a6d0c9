"""A change applied to a record's state (RFC 7396 over typed members)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from daicho.customers.schemas import Address, AddressPatch

StateT = TypeVar("StateT", bound=msgspec.Struct)


def merge(state: StateT, patch: msgspec.Struct) -> StateT:
    """``state`` with the members that ``patch`` sets.

    ``address`` and ``custom`` merge member by member; a null in ``custom`` takes the value away.
    """
    changes: dict[str, Any] = {
        field.name: value
        for field in msgspec.structs.fields(patch)
        if (value := getattr(patch, field.encode_name)) is not UNSET
    }
    if isinstance(changes.get("address"), AddressPatch):
        changes["address"] = _merge_address(getattr(state, "address"), changes["address"])  # noqa: B009 the type is open
    if "custom" in changes:
        merged = {**getattr(state, "custom"), **changes["custom"]}  # noqa: B009 as above
        changes["custom"] = {key: value for key, value in merged.items() if value is not None}
    return msgspec.structs.replace(state, **changes)


def _merge_address(address: Address | None, patch: AddressPatch) -> Address:
    given = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
    return msgspec.structs.replace(address or Address(), **given)
