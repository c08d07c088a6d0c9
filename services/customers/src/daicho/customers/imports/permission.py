"""What an import requires, and what it may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.model import RESOURCES, Resource
from daicho.faults import Forbidden
from daicho.fields import FieldDefinition
from daicho.tenancy import Grants, UserId

_WRITES: Final = ("read", "create", "update")


class RightsLost(Forbidden):
    """The user who began a run may write less now than at its beginning."""

    code = "rights_lost"


class FieldRightsLost(Forbidden):
    """The user who began a run may no longer write a field that the file goes into."""

    code = "field_rights_lost"


def permission(resource: Resource) -> str:
    """What importing into ``resource`` requires."""
    return f"{RESOURCES[resource]}:import"


def may_change(grants: Grants, resource: Resource, owner_id: UserId | None) -> bool:
    """Whether a row may change a record of ``owner_id``: as everywhere, who may not see it may not change it."""
    plural = RESOURCES[resource]
    return grants.covers(f"{plural}:read", owner_id) and grants.covers(f"{plural}:update", owner_id)


def check_still(begun: Grants, now: Grants, resource: Resource) -> None:
    """Raises RightsLost when ``now`` reaches fewer records of ``resource`` than ``begun`` did.

    Without this a run would refuse its remaining rows one by one, although whoever took the right away may mean to stop it.
    """
    names = [f"{RESOURCES[resource]}:{action}" for action in _WRITES]
    if any(now[name] < begun[name] for name in names):
        raise RightsLost


def check_fields(
    mapping: Iterable[ColumnMapping], definitions: Mapping[str, FieldDefinition], role: str | None
) -> None:
    """Raises FieldRightsLost when ``role`` may not write a custom field that a column goes into."""
    mapped = {each.field for each in mapping}
    if any(f"custom.{key}" in mapped and not each.is_writable(role) for key, each in definitions.items()):
        raise FieldRightsLost
