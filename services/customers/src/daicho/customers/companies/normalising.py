"""A company as typed → a company as stored."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from daicho.customers.companies.schemas import CompanyInput
from daicho.customers.contacts.normalising import normalise_address, unique_tags
from daicho.faults import FieldFault
from daicho.nihongo import Unreadable, read_corporate_number, read_phone, read_registration_number, store_kana

_READERS: dict[str, Callable[[str], str]] = {
    "name": str,
    "name_kana": store_kana,
    "corporate_number": read_corporate_number,
    "registration_number": read_registration_number,
    "phone": read_phone,
    "url": str,
}


def normalise(typed: CompanyInput) -> tuple[CompanyInput, list[FieldFault]]:
    """``typed`` in stored form and what is wrong; a value that cannot be read stays as typed."""
    found: list[FieldFault] = []
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
    url = changes.get("url")
    if isinstance(url, str) and not url.lower().startswith(("http://", "https://")):
        found.append(FieldFault("/url", "invalid_url"))
    if typed.capital is not None and typed.capital.currency != "JPY":
        found.append(FieldFault("/capital/currency", "unknown_option", {"options": "JPY"}))
    if typed.address is not None:
        changes["address"] = normalise_address(typed.address, found)
    changes["tags"] = unique_tags(typed.tags)
    return msgspec.structs.replace(typed, **changes), found
