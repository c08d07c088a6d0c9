"""Events on the bus have the frozen envelope of ``proto/daicho/bus/v1/envelope.proto``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from google.protobuf.message import Message as ProtoMessage
from opentelemetry import trace

from daicho.contracts.bus.v1 import envelope_pb2
from daicho.tenancy import Actor, uuid7

Envelope = envelope_pb2.Envelope

MAX_ENVELOPE = 900_000
"""Bytes. Kafka's brokers refuse records over a million; what cannot be relayed must not enter the outbox."""

_KINDS = {
    "user": envelope_pb2.Actor.KIND_USER,
    "service": envelope_pb2.Actor.KIND_SERVICE,
    "system": envelope_pb2.Actor.KIND_SYSTEM,
    "public": envelope_pb2.Actor.KIND_PUBLIC,
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The record that an event is about.

    ``id`` is unique over all tenants (a UUIDv7; for a thing that has only a name, a UUIDv5 under its
    tenant's id): a consumer that has heard it under one tenant sends it to the dead letters under another.
    ``version`` grows by one with each change of the aggregate; 0 stands for a fact that has no versions.
    """

    type: str
    id: UUID
    version: int


class EventKey(Protocol):
    """The data key that opens an event's sealed fields, in the form that may travel."""

    @property
    def version(self) -> int: ...
    @property
    def wrapped(self) -> str: ...
    @property
    def service(self) -> str: ...


class HasEventKey(Protocol):
    """A tenant's keys, as far as events need them."""

    @property
    def events(self) -> EventKey: ...


def topic_of(message: ProtoMessage) -> str:
    """``daicho.customers.events.v1.ContactChanged`` goes to ``customers.events``."""
    parts = message.DESCRIPTOR.full_name.split(".")
    if len(parts) != 5 or parts[0] != "daicho" or parts[2] != "events":
        raise ValueError(f"{message.DESCRIPTOR.full_name} is not an event")
    return f"{parts[1]}.events"


def partition_key(tenant_id: UUID, aggregate_id: UUID) -> bytes:
    """32 bytes: events of one aggregate keep their order."""
    return tenant_id.bytes + aggregate_id.bytes


def enclose(
    message: ProtoMessage,
    *,
    actor: Actor | None,
    tenant_id: UUID | None,
    aggregate: Aggregate,
    keys: HasEventKey | None,
) -> tuple[bytes, bytes]:
    """``(event id, serialised envelope)`` for a fact told now.

    Raises ValueError when the message holds sealed fields but no ``keys`` to open them with, or when it
    is larger than :data:`MAX_ENVELOPE`.
    """
    event_id = uuid7().bytes
    envelope = Envelope(
        id=event_id,
        type=message.DESCRIPTOR.full_name,
        tenant_id=tenant_id.bytes if tenant_id else b"",
        aggregate=envelope_pb2.Aggregate(
            type=aggregate.type, id=aggregate.id.bytes, version=aggregate.version
        ),
        traceparent=traceparent(),
        payload=message.SerializeToString(deterministic=True),
    )
    envelope.time.FromNanoseconds(time.time_ns() // 1000 * 1000)
    if actor is not None:
        envelope.actor.CopyFrom(_actor(actor))
    if has_sealed_fields(message):
        if keys is None:
            raise ValueError(f"{envelope.type} holds sealed fields: its tenant's keys are needed")
        key = keys.events
        envelope.key.version, envelope.key.wrapped, envelope.key.service = (
            key.version,
            key.wrapped,
            key.service,
        )
    value = envelope.SerializeToString(deterministic=True)
    if len(value) > MAX_ENVELOPE:
        raise ValueError(f"{envelope.type} of {len(value)} bytes is larger than {MAX_ENVELOPE}")
    return event_id, value


def has_sealed_fields(message: ProtoMessage) -> bool:
    """Whether a field whose name begins with ``sealed_`` is set."""
    return any(descriptor.name.startswith("sealed_") for descriptor, _ in message.ListFields())


def traceparent() -> str:
    """The current span as W3C ``traceparent``, or an empty string outside a trace."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _actor(actor: Actor) -> envelope_pb2.Actor:
    return envelope_pb2.Actor(
        kind=_KINDS[actor.kind],
        user_id=actor.user_id.bytes if actor.user_id else b"",
        session_id=actor.session_id.bytes if actor.session_id else b"",
        service=actor.service or "",
        address=actor.address or "",
        request_id=actor.request_id or "",
    )
