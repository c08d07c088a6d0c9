"""A company as typed → a company as stored."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from daicho.customers.companies.schemas import CompanyInput
from daicho.customers.contacts.normalising import (
    day_faults,
    expansion_faults,
    line_faults,
    normalise_address,
    tag_faults,
    unique_tags,
)
from daicho.faults import FieldFault
from daicho.fields import read_url
from daicho.nihongo import Unreadable, read_corporate_number, read_phone, read_registration_number, store_kana

_READERS: dict[str, Callable[[str], str]] = {
    "name": str,
    "name_kana": store_kana,
    "corporate_number": read_corporate_number,
    "registration_number": read_registration_number,
    "phone": read_phone,
    "url": read_url,
}


def normalise(typed: CompanyInput) -> tuple[CompanyInput, list[FieldFault]]:
    """``typed`` in stored form and what is wrong; a value that cannot be read stays as typed."""
    found = expansion_faults(typed)
    changes: dict[str, object] = {}
    for name, reader in _READERS.items():
        text = getattr(typed, name)
        if text is None:
            continue
        trimmed = text.strip()
        try:
            changes[name] = reader(trimmed) if trimmed else None
        except Unreadable as error:
            changes[name] = trimmed
            found.append(FieldFault(f"/{name}", error.code))
    if not changes["name"]:
        changes["name"] = ""
        found.append(FieldFault("/name", "required"))
    found += line_faults({name: changes.get(name) for name in ("name", "name_kana")})
    if typed.capital is not None and typed.capital.currency != "JPY":
        found.append(FieldFault("/capital/currency", "unknown_option", {"options": "JPY"}))
    if typed.address is not None:
        changes["address"] = normalise_address(typed.address, found)
    changes["tags"] = unique_tags(typed.tags)
    found += tag_faults(typed.tags)
    found += day_faults({"founded_on": typed.founded_on})
    return msgspec.structs.replace(typed, **changes), found
