"""Which users may allow further roles to read or write a custom field.

``read_roles`` and ``write_roles`` name roles; None allows every role. A user who manages fields may not be among a field's
readers. They may remove roles from the list, but not add any, their own included: only the field's readers and owners
may add roles. The same users alone may delete a field, rename it, or change what its values are and how they are kept; help and order
are free. A name counts because people and imports find a field by it: under the name of another field they would enter its
values there.
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


_OF_READERS: Final = ("sensitive", "searchable", "sortable")
"""Members on which it depends who comes to see values."""
_OF_WRITERS: Final = ("label", "default", "required", "options")
"""Members on which it depends what values are, or which values people enter."""


class NotAmongRoles(Forbidden):
    """The caller changes or deletes a field, or its roles, without being among the roles that may use it."""

    code = "not_among_roles"
    messages = Messages(
        ja="この項目の削除、名前・値・保護の設定の変更、扱える役割の追加は、いま扱える役割の人とオーナーだけができます。",
        en="Only those who may use this field, and owners, may delete or rename it, change its values or let further roles use it.",
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


def check_change(before: FieldDefinition, after: FieldDefinition, role: str) -> None:
    """Raises NotAmongRoles when ``role`` changes more of a field than it may, naming each such member."""
    if role == OWNER:
        return
    faults = [
        FieldFault(f"/{name}", _CODES[name])
        for name in _MEMBERS
        if is_widened(getattr(before, name), getattr(after, name))
        and role not in (getattr(before, name) or ())
    ]
    changed = [name for name in (*_OF_READERS, *_OF_WRITERS) if getattr(before, name) != getattr(after, name)]
    if not before.is_readable(role):
        faults += [FieldFault(f"/{name}", _CODES["read_roles"]) for name in changed]
    elif not before.is_writable(role):
        faults += [FieldFault(f"/{name}", _CODES["write_roles"]) for name in changed if name in _OF_WRITERS]
    if faults:
        raise NotAmongRoles(faults)


def check_deletion(definition: FieldDefinition, role: str) -> None:
    """Raises NotAmongRoles when ``role`` may not read and write the field, naming the list that lacks it."""
    if role == OWNER or definition.is_writable(role):
        return
    name: _Member = "write_roles" if definition.is_readable(role) else "read_roles"
    raise NotAmongRoles([FieldFault(f"/{name}", _CODES[name])])


def is_widened(before: Collection[str] | None, after: Collection[str] | None) -> bool:
    """Whether a role is let in that was not before."""
    if before is None:
        return False
    return after is None or not set(after) <= set(before)
