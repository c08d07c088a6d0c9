"""A contact as typed → a contact as stored. The same for forms, the API and imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from daicho.customers.contacts.schemas import ContactInput, Email, Phone
from daicho.customers.schemas import Address, RecordInput
from daicho.faults import FieldFault
from daicho.nihongo import (
    DAY_LIMITS,
    Unreadable,
    expands_too_much,
    fold,
    is_day_in_range,
    is_single_line,
    read_email,
    read_phone,
    read_postal_code,
    store_kana,
    unify_line_ends,
)

_TRIMMED = (
    "family_name",
    "given_name",
    "family_name_kana",
    "given_name_kana",
    "company_name",
    "department",
    "title",
    "customer_code",
)
_KANA = frozenset({"family_name_kana", "given_name_kana"})


def normalise(typed: ContactInput) -> tuple[ContactInput, list[FieldFault]]:
    """``typed`` in stored form (blanks trimmed, kana full width, E.164, lower-case e-mail, line ends as LF), and what is wrong.

    Text keeps its widths. A value that cannot be read stays as typed beside its fault, whose pointer names
    it. Custom values are the business of :mod:`daicho.customers.definitions`.
    """
    found = expansion_faults(typed)
    changes: dict[str, object] = {}
    for name in _TRIMMED:
        text = getattr(typed, name)
        if text is not None:
            changes[name] = _kana(text) if name in _KANA else _trimmed(text)
    found += line_faults(changes)
    if typed.notes is not None:
        changes["notes"] = _trimmed(unify_line_ends(typed.notes))
    if not changes["family_name"]:
        changes["family_name"] = ""
        found.append(FieldFault("/family_name", "required"))
    changes["emails"] = [
        Email(_read(read_email, email.address, f"/emails/{place}/address", found), email.kind)
        for place, email in enumerate(typed.emails)
    ]
    changes["phones"] = [
        Phone(_read(read_phone, phone.number, f"/phones/{place}/number", found), phone.kind)
        for place, phone in enumerate(typed.phones)
    ]
    if typed.address is not None:
        changes["address"] = normalise_address(typed.address, found)
    changes["tags"] = unique_tags(typed.tags)
    found += tag_faults(typed.tags)
    found += day_faults({"birthday": typed.birthday})
    return msgspec.structs.replace(typed, **changes), found


def line_faults(texts: Mapping[str, object], pointer: str = "") -> list[FieldFault]:
    """A fault for each text that is shown on one line and holds a line end or something invisible."""
    return [
        FieldFault(f"{pointer}/{name}", "control_character")
        for name, text in texts.items()
        if isinstance(text, str) and not is_single_line(text)
    ]


def day_faults(days: Mapping[str, date | None]) -> list[FieldFault]:
    """A fault for each day at an end of the calendar."""
    return [
        FieldFault(f"/{name}", "day_out_of_range", DAY_LIMITS)
        for name, day in days.items()
        if day is not None and not is_day_in_range(day)
    ]


def expansion_faults(typed: RecordInput) -> list[FieldFault]:
    """A fault for each of the record's own texts whose NFKC form is many times longer than itself; custom values and what
    is no free text have checks of their own."""
    texts: dict[str, object] = {
        name: text for name in typed.__struct_fields__ if isinstance(text := getattr(typed, name), str)
    }
    texts |= {f"tags/{place}": tag for place, tag in enumerate(typed.tags)}
    if typed.address is not None:
        texts |= {f"address/{name}": text for name, text in msgspec.structs.asdict(typed.address).items()}
    return [
        FieldFault(f"/{name}", "expands_too_much")
        for name, text in texts.items()
        if isinstance(text, str) and expands_too_much(text)
    ]


def tag_faults(tags: Sequence[str]) -> list[FieldFault]:
    """As :func:`line_faults`, for tags."""
    return line_faults({str(place): tag for place, tag in enumerate(tags)}, "/tags")


def normalise_address(typed: Address, found: list[FieldFault]) -> Address:
    """``typed`` trimmed, its postal code as seven digits; what is wrong is added to ``found``."""
    parts = {name: _trimmed(text) for name, text in msgspec.structs.asdict(typed).items() if text is not None}
    if parts.get("postal_code"):
        parts["postal_code"] = _read(
            read_postal_code, parts["postal_code"] or "", "/address/postal_code", found
        )
    found += line_faults({name: parts.get(name) for name in ("prefecture", "city")}, "/address")
    for name in ("street", "building"):  # of two lines in many files
        if text := parts.get(name):
            parts[name] = unify_line_ends(text)
            found += line_faults({name: (parts[name] or "").replace("\n", " ")}, "/address")
    return Address(**parts)


def unique_tags(tags: Sequence[str]) -> list[str]:
    """Each tag once, trimmed, in order; two that fold to the same are one."""
    found: dict[str, str] = {}
    for tag in tags:
        if trimmed := _trimmed(tag):
            found.setdefault(fold(trimmed), trimmed)
    return sorted(found.values())


def _trimmed(text: str) -> str | None:
    return text.strip() or None


def _kana(text: str) -> str | None:
    trimmed = _trimmed(text)
    return None if trimmed is None else store_kana(trimmed)


def _read(reader: Callable[[str], str], text: str, pointer: str, found: list[FieldFault]) -> str:
    try:
        return reader(text)
    except Unreadable as error:
        found.append(FieldFault(pointer, error.code))
        return text
