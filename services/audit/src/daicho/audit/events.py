"""From an event to what the log says of it, back to what a reader sees; and what the log tells itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from daicho.audit.leaf import ActorKind, Kind, erasure_content
from daicho.audit.model import MAX_RECORDS, Fact, Signed, Tree
from daicho.audit.searched import NOTHING, Readable, hide_unreadable
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.contracts.identity.events.v1 import events_pb2 as identity
from daicho.events import Aggregate, Envelope, Rejected, tell
from daicho.tenancy import Actor, TenantId, TenantTransaction, uuid7

TOPICS: Final = ("identity.events", "customers.events", "access.events")

ACCESSED: Final = audit.Accessed.DESCRIPTOR.full_name
"""The type whose sealed words an auditor may read."""

ERASED: Final = "audit.erased"
ANCHORED_ANEW: Final = "audit.anchored_anew"

_ACCESSES: Final = (audit.Accessed, audit.Refused, audit.EventForged)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGES: Final[Mapping[int, str]] = {
    customers.CHANGE_CREATED: "created",
    customers.CHANGE_UPDATED: "updated",
    customers.CHANGE_DELETED: "deleted",
    customers.CHANGE_RESTORED: "restored",
}
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63}){0,3}\Z")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Reading = tuple[str, str, UUID | None, list[bytes]]
"""Action, resource type, resource id, and the ids that the entry is found by."""


def fact_of(envelope: Envelope) -> Fact:
    """The fact that the log records of ``envelope``. Raises Rejected for a payload that does not read."""
    message = _message_of(envelope.type, envelope.payload)
    aggregate_id = UUID(bytes=envelope.aggregate.id)
    action, resource, resource_id, ids = _read(envelope.type, envelope.aggregate.type, message, aggregate_id)
    if not (_WORD.match(action) and _WORD.match(resource)):
        raise Rejected("action_unreadable")
    actor = envelope.actor
    kind = ActorKind(actor.kind) if actor.kind else ActorKind.SYSTEM
    user, session = _id(actor.user_id), _id(actor.session_id)
    if isinstance(message, identity.SignedIn) and user is None:
        # Nobody was signed in when the user came; from now on the user acts.
        kind, user, session = ActorKind.USER, _id(message.user_id), _id(message.session_id)
    key = envelope.key
    return Fact(
        id=UUID(bytes=envelope.id),
        time=_EPOCH + timedelta(microseconds=envelope.time.ToMicroseconds()),
        kind=Kind.ACCESS if isinstance(message, _ACCESSES) else Kind.CHANGE,
        actor_kind=kind,
        actor_user_id=user,
        actor_session_id=session,
        actor_service=actor.service,
        action=action,
        resource_type=resource,
        resource_id=resource_id,
        records=_records(ids),
        content={
            "type": envelope.type,
            "message": envelope.payload,
            "aggregate": [envelope.aggregate.type, envelope.aggregate.id, envelope.aggregate.version],
            "address": actor.address,
            "request": actor.request_id,
            "key": [key.service, key.version] if key.wrapped else None,
        },
        key=(key.service, key.version, key.wrapped) if key.wrapped else None,
    )


def shown(
    content: Mapping[str, Any],
    unseal: Callable[[bytes], bytes | None],
    readable: Mapping[str, Readable],
    time: datetime,
) -> dict[str, Any]:
    """The fields of the event in ``content``, a payload of ``time``, by name, as a reader may see them.

    Ids are text, enums their names. What was searched for is opened by ``unseal`` (None: its key is not to be
    had), without what the reader may not read (``readable``, by resource); other sealed fields are left out, for they are their owner's to show.
    """
    if "erased" in content:
        return _erasure(content)
    if "anchored" in content:
        return _anchored(content["anchored"])
    name = str(content.get("type", ""))
    try:
        message = _message_of(name, content.get("message", b""))
    except Rejected:
        message = None
    fields = {} if message is None else _plain(message)
    if isinstance(message, audit.Accessed) and message.sealed_query:
        opened = unseal(message.sealed_query)
        may = readable.get(message.resource, NOTHING).at(time)
        fields["query"] = None if opened is None else hide_unreadable(_words(opened), may)
    return {"type": name, **fields}


def erasure_of(actor: Actor, entry_id: UUID, time: datetime, erased: Sequence[UUID], **why: Any) -> Fact:
    """The fact that ``actor`` takes the payloads of the entries ``erased`` away; ``why``: record_id and reason."""
    content = erasure_content(erased, why["reason"]) | {
        "record": why["record_id"].bytes,
        "address": actor.address or "",
        "request": actor.request_id or "",
    }
    return Fact(
        id=entry_id,
        time=time,
        kind=Kind.ERASURE,
        actor_kind=ActorKind[actor.kind.upper()],
        actor_user_id=actor.user_id,
        actor_session_id=actor.session_id,
        actor_service=actor.service or "",
        action=ERASED,
        resource_type="audit_entry",
        resource_id=None,
        records=records_of(content),
        content=content,
        key=None,
    )


def anchored_anew(
    tenant_id: TenantId, time: datetime, *, before: Tree | None, log: Tree, reason: str
) -> Fact:
    """The fact that an operator accepted a ``log`` that does not continue the anchor of ``before``."""
    content = {
        "type": ANCHORED_ANEW,
        "message": b"",
        "aggregate": ["audit_log", tenant_id.bytes, log[0]],
        "anchored": {"before": before and list(before), "accepted": list(log), "reason": reason},
    }
    return Fact(
        id=uuid7(),
        time=time,
        kind=Kind.CHANGE,
        actor_kind=ActorKind.SYSTEM,
        actor_user_id=None,
        actor_session_id=None,
        actor_service="audit",
        action=ANCHORED_ANEW,
        resource_type="audit_log",
        resource_id=tenant_id,
        records=records_of(content),
        content=content,
        key=None,
    )


def records_of(content: Mapping[str, Any]) -> list[bytes]:
    """The ids that an entry with this payload is found by. Raises Rejected for a payload that does not read."""
    if "erased" in content:
        return _records([content["record"], *content["erased"]])
    kind, aggregate_id, _ = content["aggregate"]
    message = _message_of(content["type"], content["message"])
    return _records(_read(content["type"], kind, message, UUID(bytes=aggregate_id))[3])


async def tell_erased(
    tx: TenantTransaction, entry_id: UUID, record_id: UUID, reason: str, erased: int
) -> None:
    """Tell that payloads went: the bus remembers it when a restored backup of the log does not."""
    message = audit.Erased(entry_id=entry_id.bytes, record_id=record_id.bytes, reason=reason, erased=erased)
    await tell(tx, None, message, aggregate=Aggregate("erasure", entry_id, 1))


def erasure_in(envelope: Envelope) -> audit.Erased | None:
    """The event of :func:`tell_erased`; None for another event."""
    is_one = envelope.type == audit.Erased.DESCRIPTOR.full_name
    return audit.Erased.FromString(envelope.payload) if is_one else None


async def tell_signed(tx: TenantTransaction, signed: Signed) -> None:
    """Tell that a checkpoint was signed: whoever keeps it can show later that the log was cut or forked."""
    message = audit.CheckpointSigned(
        size=signed.checkpoint.size, root=signed.checkpoint.root, note=signed.note
    )
    await tell(tx, None, message, aggregate=Aggregate("log", tx.tenant_id, signed.checkpoint.size))


def _read(name: str, aggregate_type: str, message: ProtoMessage | None, aggregate_id: UUID) -> Reading:
    if message is None:
        return _unknown(name, aggregate_type, aggregate_id)
    return _READERS[type(message)](message, aggregate_id)


def _unknown(name: str, aggregate_type: str, aggregate_id: UUID) -> Reading:
    """Log an event of unknown type under its own name, so that nothing goes unrecorded."""
    words = _HUMP.sub("_", name.rpartition(".")[2]).lower()
    service = [*name.split("."), "", ""][1]
    return f"{service}.{words}", aggregate_type, aggregate_id, [aggregate_id.bytes]


def _accessed(event: audit.Accessed, _aggregate: UUID) -> Reading:
    only = _id(event.ids[0]) if len(event.ids) == 1 else None
    return event.action, event.resource, only, list(event.ids)


def _refused_access(event: audit.Refused, _aggregate: UUID) -> Reading:
    only = _id(event.ids[0]) if len(event.ids) == 1 else None
    return "access.refused", event.resource, only, list(event.ids)


def _bus(action: str) -> Callable[[Any, UUID], Reading]:
    def read(_event: Any, _aggregate: UUID) -> Reading:
        return action, "event", None, []

    return read


def _changed(resource: str, field: str) -> Callable[[Any, UUID], Reading]:
    def read(event: Any, aggregate_id: UUID) -> Reading:
        change = _CHANGES.get(event.change, "changed")
        return f"{resource}.{change}", resource, aggregate_id, [getattr(event, field)]

    return read


def _records_changed(event: customers.RecordsChanged, _aggregate: UUID) -> Reading:
    change = _CHANGES.get(event.change, "changed")
    ids = [*event.ids, event.cause_id]
    return f"{event.resource}.{change}", event.resource, None, ids


def _import_changed(event: customers.ImportChanged, aggregate_id: UUID) -> Reading:
    return f"import.{event.status or 'changed'}", "import", aggregate_id, [event.import_id]


def _user(action: str) -> Callable[[Any, UUID], Reading]:
    def read(event: Any, aggregate_id: UUID) -> Reading:
        ids = [event.user_id, getattr(event, "session_id", b"")]
        return action, action.partition(".")[0], aggregate_id, ids

    return read


def _refused(event: identity.SignInRefused, _aggregate: UUID) -> Reading:
    return "session.refused", "session", None, [event.user_id]


def _named(resource: str) -> Callable[[Any, UUID], Reading]:
    def read(event: Any, aggregate_id: UUID) -> Reading:
        change = "deleted" if getattr(event, "deleted", False) else "changed"
        return f"{resource}.{change}", resource, aggregate_id, [aggregate_id.bytes]

    return read


_READERS: Final[Mapping[type[ProtoMessage], Callable[[Any, UUID], Reading]]] = {
    audit.Accessed: _accessed,
    audit.Refused: _refused_access,
    audit.EventForged: _bus("event.forged"),
    audit.EventsMissed: _bus("event.missed"),
    customers.ContactChanged: _changed("contact", "contact_id"),
    customers.CompanyChanged: _changed("company", "company_id"),
    customers.FieldDefinitionChanged: _changed("field", "field_id"),
    customers.RecordsChanged: _records_changed,
    customers.ImportChanged: _import_changed,
    identity.TenantChanged: _named("tenant"),
    identity.UserChanged: _user("user.changed"),
    identity.RoleChanged: _named("role"),
    identity.TeamChanged: _named("team"),
    identity.InvitationChanged: _named("invitation"),
    identity.SignedIn: _user("session.signed_in"),
    identity.SessionEnded: _user("session.ended"),
    identity.SignInRefused: _refused,
}
_KINDS: Final[Mapping[str, type[ProtoMessage]]] = {kind.DESCRIPTOR.full_name: kind for kind in _READERS}


def _message_of(name: str, payload: bytes) -> ProtoMessage | None:
    """The message in ``payload``; None for a type that is not known here."""
    kind = _KINDS.get(name)
    if kind is None:
        return None
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise Rejected("payload_unreadable") from error


def _erasure(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "erasure",
        "reason": content["reason"],
        "record_id": str(UUID(bytes=content["record"])),
        "erased": [str(UUID(bytes=each)) for each in content["erased"]],
    }


def _anchored(anchored: Mapping[str, Any]) -> dict[str, Any]:
    trees = {name: anchored[name] for name in ("before", "accepted")}
    return {"type": ANCHORED_ANEW, "reason": anchored["reason"]} | {
        name: tree and {"size": tree[0], "root": tree[1].hex()} for name, tree in trees.items()
    }


def _words(opened: bytes) -> Any:
    """The search: decoded JSON, as every service writes it, or the text itself."""
    try:
        return msgspec.json.decode(opened)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return opened.decode("utf-8", "replace")


def _records(ids: list[bytes]) -> list[bytes]:
    return [each for each in dict.fromkeys(ids) if len(each) == 16][:MAX_RECORDS]


def _id(data: bytes) -> UUID | None:
    return UUID(bytes=data) if len(data) == 16 else None


def _plain(message: ProtoMessage) -> dict[str, Any]:
    """The set fields of ``message`` for JSON; bytes are ids where they are sixteen, else hexadecimal."""
    result: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name.startswith("sealed_"):
            continue
        if _repeated(field):
            result[field.name] = [_value(field, each) for each in value]
        else:
            result[field.name] = _value(field, value)
    return result


def _repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        prefix = _prefix(field.enum_type.full_name)
        return str(value) if known is None else known.name.removeprefix(prefix).lower()
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == 16 else value.hex()
    return value


@lru_cache
def _prefix(full_name: str) -> str:
    """The prefix that buf requires of the values of an enum."""
    return _HUMP.sub("_", full_name.rpartition(".")[2]).upper() + "_"
