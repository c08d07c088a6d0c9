"""Values of a row → the state of a record, as forms and the API would have made it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import UNSET

from daicho.customers.companies.schemas import CompanyInput, CompanyPatch, Money
from daicho.customers.contacts.normalising import unique_tags
from daicho.customers.contacts.schemas import ContactInput, ContactPatch, Email, Phone
from daicho.customers.imports.normalising import as_document
from daicho.customers.model import Resource
from daicho.customers.schemas import Address, AddressPatch

State = ContactInput | CompanyInput
Patch = ContactPatch | CompanyPatch


def state_of(resource: Resource, values: Mapping[str, Any]) -> State:
    """A new record of ``values`` (by field name, in stored form); empty cells are as if the column were not there."""
    members = _typed(as_document(values, resource))
    if "address" in members:
        members["address"] = Address(**members["address"])
    return ContactInput(**members) if resource == "contact" else CompanyInput(**members)


def patch_of(resource: Resource, values: Mapping[str, Any], before: State) -> Patch:
    """What ``values`` change of the record ``before``: cells that hold something. An empty cell changes nothing.

    E-mails and telephones are not thrown away by a file that knows only one: an address that the record has
    stays once, another becomes the first, before those that it had.
    """
    members = _typed(as_document(values, resource))
    if "address" in members:
        members["address"] = AddressPatch(**members["address"])
    if "tags" in members:
        members["tags"] = unique_tags([*before.tags, *members["tags"]])
    if resource == "company":
        return CompanyPatch(**members)
    assert isinstance(before, ContactInput)  # noqa: S101 the resource says so
    if "emails" in members:
        members["emails"] = _emails(members["emails"], before.emails)
    if "phones" in members:
        members["phones"] = _phones(members["phones"], before.phones)
    return ContactPatch(**members)


def _emails(given: list[Email], held: list[Email]) -> list[Email]:
    known = {each.address for each in held}
    return [each for each in given if each.address not in known] + held


def _phones(given: list[Phone], held: list[Phone]) -> list[Phone]:
    known = {each.number for each in held}
    return [each for each in given if each.number not in known] + held


def _typed(document: dict[str, Any]) -> dict[str, Any]:
    """The document's members in the types of the schemas: built, not decoded, for every row passes here."""
    for name in ("birthday", "founded_on"):
        if name in document:
            document[name] = date.fromisoformat(document[name])
    if "emails" in document:
        document["emails"] = [Email(each["address"], each["kind"]) for each in document["emails"]]
    if "phones" in document:
        document["phones"] = [Phone(each["number"], each["kind"]) for each in document["phones"]]
    if "capital" in document:
        document["capital"] = Money(**document["capital"])
    if "tags" in document:
        document["tags"] = unique_tags(document["tags"])
    if document.get("owner_id", UNSET) is not UNSET:
        document["owner_id"] = UUID(document["owner_id"])
    return document
