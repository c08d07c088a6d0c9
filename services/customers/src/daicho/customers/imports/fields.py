"""The fields that a column can be imported into, as definitions for the one validator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from daicho.fields import FieldDefinition, FieldType, Format, Option

_TEXT: Final = 200


def _field(
    name: str, type_: FieldType = FieldType.TEXT, form: Format | None = None, **more: object
) -> FieldDefinition:
    if type_ is FieldType.TEXT:
        more.setdefault("max_length", _TEXT)
    return FieldDefinition(key=name, type=type_, format=form, **more)  # type: ignore[arg-type]  # checked by callers below


def _named(*fields: FieldDefinition) -> dict[str, FieldDefinition]:
    return {field.key: field for field in fields}


_ADDRESS: Final = (
    _field("address.postal_code", form=Format.POSTAL_CODE),
    _field("address.prefecture"),
    _field("address.city"),
    # On two lines in many files.
    _field("address.street", FieldType.LONG_TEXT, max_length=_TEXT),
    _field("address.building", FieldType.LONG_TEXT, max_length=_TEXT),
)
_LIFECYCLE: Final = (
    Option("lead", "リード"),
    Option("prospect", "見込み客"),
    Option("customer", "顧客"),
    Option("former", "過去の顧客"),
    Option("other", "その他"),
)

CONTACT_FIELDS: Final[Mapping[str, FieldDefinition]] = _named(
    _field("family_name", required=True),
    _field("given_name"),
    _field("family_name_kana", form=Format.KANA),
    _field("given_name_kana", form=Format.KANA),
    _field("full_name", required=True),
    _field("full_name_kana", form=Format.KANA),
    _field("email", FieldType.EMAIL),
    _field("phone", FieldType.PHONE),
    _field("mobile", FieldType.PHONE),
    _field("fax", FieldType.PHONE),
    _field("company_name"),
    _field("department"),
    _field("title"),
    *_ADDRESS,
    _field("birthday", FieldType.DATE),
    _field("notes", FieldType.LONG_TEXT),
    _field("customer_code", required=True),
    _field("lifecycle", FieldType.SELECT, options=_LIFECYCLE),
    _field("owner", FieldType.USER),
    _field("tags", FieldType.LONG_TEXT, max_length=6_000),
)
"""By name. ``customer_code``, once a column is mapped to it, identifies the row, so no row may lack it;
``full_name`` stands for family and given name with a blank between them."""

COMPANY_FIELDS: Final[Mapping[str, FieldDefinition]] = _named(
    _field("name", required=True),
    _field("name_kana", form=Format.KANA),
    _field("corporate_number", form=Format.CORPORATE_NUMBER),
    _field("registration_number", form=Format.REGISTRATION_NUMBER),
    _field("phone", FieldType.PHONE),
    _field("url", FieldType.URL),
    *_ADDRESS,
    _field("capital", FieldType.MONEY),
    _field("closing_month", FieldType.INTEGER, Format.MONTH),
    _field("founded_on", FieldType.DATE),
    _field("owner", FieldType.USER),
    _field("tags", FieldType.LONG_TEXT, max_length=6_000),
)

BUILT_IN: Final[Mapping[str, Mapping[str, FieldDefinition]]] = {
    "contact": CONTACT_FIELDS,
    "company": COMPANY_FIELDS,
}
REQUIRED_ONE_OF: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset({"family_name", "full_name"}),
    "company": frozenset({"name"}),
}
"""A mapping must name one of these, unless records are only updated."""


def import_fields(resource: str, custom: Iterable[FieldDefinition]) -> dict[str, FieldDefinition]:
    """Every field of ``resource`` (``contact`` or ``company``) by the name that a mapping uses; custom fields
    are ``custom.<key>``."""
    return {**BUILT_IN[resource], **{f"custom.{field.key}": field for field in custom}}
