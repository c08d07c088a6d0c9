"""Refusals of one's own kind for every method: who may not, and whose user asked for what is not there for them, is
recorded before the answer leaves, as REST does it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any, Final
from uuid import UUID

from google.protobuf.descriptor import Descriptor

from daicho.faults import Fault, Forbidden, NotFound
from daicho.tenancy import Actor, RefusalLog, TenantId

MOST_IDS: Final = 100
"""Ids of a request that are recorded."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Refused:
    """Records the refusals of the method at ``path`` ("/daicho.identity.v1.DirectoryService/GetUsers")."""

    def __init__(self, path: str, log: RefusalLog) -> None:
        service, _, self._method = path.rpartition("/")
        name = service.rpartition(".")[2].removesuffix("Service")
        self._resource, self._log = _HUMP.sub("_", name).lower(), log

    async def note(
        self, fault: Fault, *, caller: str | None, user: Actor | None, request: Any | None
    ) -> Fault:
        """The fault to answer: ``fault`` once it is recorded, or why it could not be.

        ``caller``: the name in the certificate; ``user``: whose token came, as far as it stands; ``request``: what was
        asked, as far as it reads. It goes to the user's tenant, or else to the one that the service names. One that
        names none, and a service of ours that asks for what is gone, are no tenant's affair.
        """
        actor = _acting(caller, user, request)
        wanted = Forbidden | NotFound if user is not None else Forbidden
        if actor is None or not isinstance(fault, wanted):
            return fault
        try:
            await self._log.note(
                actor, resource=self._resource, method=self._method, ids=_ids(request), status=fault.status
            )
        except Fault as instead:
            return instead
        return fault


def _acting(caller: str | None, user: Actor | None, request: Any | None) -> Actor | None:
    if user is not None:
        return replace(user, service=caller)
    named: bytes = getattr(request, "tenant_id", b"")
    if caller is None or len(named) != 16:
        return None
    return Actor(tenant_id=TenantId(UUID(bytes=named)), kind="service", service=caller)


def _ids(request: Any | None) -> list[UUID]:
    """The ids that ``request`` asks about."""
    if request is None:
        return []
    return [UUID(bytes=value) for _, value in ids_of(request) if len(value) == 16][:MOST_IDS]


def ids_of(request: Any) -> Iterable[tuple[str, bytes]]:
    """Name and value of every id in ``request``: fields of bytes named ``…_id`` or ``…_ids``, the tenant's aside."""
    for name, repeated in _id_fields(request.DESCRIPTOR):
        for value in getattr(request, name) if repeated else (getattr(request, name),):
            yield name, value


@cache
def _id_fields(descriptor: Descriptor) -> tuple[tuple[str, bool], ...]:
    return tuple(
        (field.name, field.is_repeated)
        for field in descriptor.fields
        if field.type == field.TYPE_BYTES
        and field.name.endswith(("_id", "_ids"))
        and field.name != "tenant_id"
    )
