"""Which users may allow further roles to read or write a custom field.

``read_roles`` and ``write_roles`` name roles; None allows every role. A user who manages fields may not be among a field's
readers. They may remove roles from the list, but not add any, their own included: only the field's readers and owners
may add roles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, Literal

from daicho.faults import FieldFault, Forbidden, Messages, listed
from daicho.fields import FieldDefinition

OWNER: Final = "owner"
"""The role whose permissions are never reduced."""
_Member = Literal["read_roles", "write_roles"]
_MEMBERS: Final[tuple[_Member, ...]] = ("read_roles", "write_roles")
_CODES: Final = {"read_roles": "not_among_readers", "write_roles": "not_among_writers"}


class NotAmongRoles(Forbidden):
    """The caller lets more roles read, or write, a field than they are allowed to."""

    code = "not_among_roles"
    messages = Messages(
        ja="この項目を扱える役割を増やせるのは、いま扱える役割の人とオーナーだけです。",
        en="Only those who may use this field, and owners, may let further roles use it.",
    )


def check_roles(definition: FieldDefinition, known: Collection[str]) -> Iterator[FieldFault]:
    """A fault for each list that names no role, or one that the company does not have; ``known`` are those it has."""
    for name in _MEMBERS:
        roles = getattr(definition, name)
        if roles is None:
            continue
        if not roles:
            yield FieldFault(f"/{name}", "too_few", {"minimum": 1})
        elif not set(roles) <= set(known):
            yield FieldFault(f"/{name}", "unknown_option", {"options": listed(known)})


def check_widening(before: FieldDefinition, after: FieldDefinition, role: str) -> None:
    """Raises NotAmongRoles when ``role`` lets more roles read or write a field than it may."""
    faults = [
        FieldFault(f"/{name}", _CODES[name])
        for name in _MEMBERS
        if role != OWNER
        and is_widened(getattr(before, name), getattr(after, name))
        and role not in (getattr(before, name) or ())
    ]
    if faults:
        raise NotAmongRoles(faults)


def is_widened(before: Collection[str] | None, after: Collection[str] | None) -> bool:
    """Whether a role is let in that was not before."""
    if before is None:
        return False
    return after is None or not set(after) <= set(before)
