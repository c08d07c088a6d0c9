"""The rules of a method in the protocol files: its callers, the actors it serves, and whether a repeat is safe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from daicho.contracts.rpc.v1 import access_pb2


class Party(Enum):
    """On whose behalf a call may come."""

    USER = "user"
    SERVICE = "service"
    EITHER = "either"


class MissingRule(Exception):
    """A method is served whose protocol file does not say who may call it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The callers of one method, by the names in their certificates, and the party they may act for."""

    callers: frozenset[str]
    party: Party
    names_tenant: bool


_PARTIES = {
    access_pb2.Access.PARTY_UNSPECIFIED: Party.USER,
    access_pb2.Access.PARTY_USER: Party.USER,
    access_pb2.Access.PARTY_SERVICE: Party.SERVICE,
    access_pb2.Access.PARTY_EITHER: Party.EITHER,
}


def rule_of(path: str) -> Rule:
    """The rule of the method at ``path`` ("/pkg.Service/Method").

    ``names_tenant`` is true where the request has a field ``tenant_id``. Raises :class:`MissingRule`.
    """
    method = _descriptor(path)
    options = None if method is None else method.GetOptions()
    if method is None or options is None or not options.HasExtension(access_pb2.access):
        raise MissingRule(f"{path} has no option (daicho.rpc.v1.access): nobody knows who may call it")
    access = options.Extensions[access_pb2.access]
    return Rule(
        frozenset(access.callers), _PARTIES[access.party], "tenant_id" in method.input_type.fields_by_name
    )


def is_idempotent(path: str) -> bool:
    """Whether the protocol file declares that the method may be called again after a lost answer."""
    method = _descriptor(path)
    if method is None:
        return False
    level: int = method.GetOptions().idempotency_level
    return level in (MethodOptions.NO_SIDE_EFFECTS, MethodOptions.IDEMPOTENT)


def _descriptor(path: str) -> MethodDescriptor | None:
    """The method's descriptor, None for one that no loaded protocol file describes."""
    try:
        found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(path[1:].replace("/", "."))
    except KeyError:
        return None
    return found
