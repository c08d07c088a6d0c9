"""Hearing events: each has its effect once, and none is lost.

The handler's effect, the inbox entry and the version heard are one transaction; the bus is told afterwards.
Tenants take turns (:mod:`daicho.events.tenant_lanes`): events of one tenant are heard in order, several a transaction;
when it fails, each gets its own. A slot's position moves behind the events before which all have been heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import structlog
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from daicho.events import inbox
from daicho.events.bus import WINDOW, Batch, Bus, Record, Subscription, Window
from daicho.events.dead import Rejected, is_for, letter_for, reason_of
from daicho.events.envelope import Envelope, partition_key
from daicho.events.missed_events import Alarm, Continuity, EventsMissed, Snapshot
from daicho.events.tenant_lanes import BatchProgress, TenantLanes, Waiting
from daicho.events.verification import EventVerifier
from daicho.faults import Unavailable
from daicho.tenancy import Database, TenantId, TenantTransaction

_log = structlog.get_logger()
_tracer = trace.get_tracer("daicho.events")
_propagator = TraceContextTextMapPropagator()

_TIDY_SECONDS: Final = 3_600.0
_ROUND_SECONDS: Final = 0.2

Handler = Callable[[TenantTransaction, Any, Envelope], Awaitable[None]]
"""``async def on_contact_changed(tx, event: ContactChanged, envelope) -> None``"""
BatchHandler = Callable[[TenantTransaction, Sequence[Envelope]], Awaitable[None]]
"""``async def on_events(tx, envelopes) -> None``: events of one tenant, whatever their type, in order."""
Preparation = Callable[[TenantId], Awaitable[BatchHandler]]
"""``async def prepared(tenant_id) -> BatchHandler``: asked before the transaction in which its answer hears."""
Versions = Literal["newest", "every"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a failing event is tried, and how long a server that is away is waited for between looks."""

    attempts: int = 5
    first_seconds: float = 0.1
    longest_seconds: float = 5.0

    def pause(self, attempt: int) -> float:
        """Seconds before the try after ``attempt`` (1, 2, …)."""
        return min(self.first_seconds * 2.0 ** (attempt - 1), self.longest_seconds)


class Heard(NamedTuple):
    """An event, the record that carried it, and the batch that the record came in."""

    record: Record
    envelope: Envelope
    progress: BatchProgress


class Consumer:
    """A group's member in this process.

    ``handlers`` maps message classes to handlers; other types are passed over. Or ``batch_handler`` hears
    every type; one that needs what a transaction must not wait for (keys) is made by ``prepare``, with what
    it raises treated as the handler's own. ``versions="newest"`` keeps, in ``seen_version``, the newest version
    heard of each aggregate and ignores older ones; a handler that must hear all (an audit) asks for "every".

    A handler runs within the tenant of its event. It may raise :class:`Rejected`; anything else is tried again
    ``patience.attempts`` times in all, then goes to the dead letters; :class:`~daicho.faults.Unavailable` is
    waited out. ``verifier`` decides which records count; the others go to the dead letters. It must not call other services: ids that it asks for belong in an event of their owner.
    """

    def __init__(
        self,
        bus: Bus,
        group: str,
        database: Database,
        verifier: EventVerifier,
        *,
        topics: Sequence[str],
        handlers: Mapping[type[ProtoMessage], Handler] | None = None,
        batch_handler: BatchHandler | None = None,
        prepare: Preparation | None = None,
        versions: Versions = "newest",
        patience: Patience = Patience(),
        batch: int = 500,
        together: int = 100,
        at_once: int = 4,
        window: Window = WINDOW,
        snapshot: Snapshot | None = None,
        on_missed: Alarm | None = None,
    ) -> None:
        """``together``: events in one transaction; ``at_once``: transactions open at one time.

        ``batch``: records of a slot that are read at a time; ``window``: the most that are read and not yet committed,
        which bounds this consumer's memory (64 MiB unless said otherwise, and what one read brings over that). A
        tenant's event passes as many events of others as fit the window.

        ``snapshot`` brings what missed events would have told; without one a group that missed some waits for an
        operator (``daicho events resume``). ``on_missed`` tells somebody.
        """
        self._continuity = Continuity(
            bus, group, database, topics=topics, snapshot=snapshot, on_missed=on_missed
        )
        if [handlers, batch_handler, prepare].count(None) != 2:
            raise ValueError("a consumer has handlers, or a batch handler, or what prepares one")
        self._bus, self._group, self._database, self._topics = bus, group, database, tuple(topics)
        self._verifier = verifier
        self._handlers = {kind.DESCRIPTOR.full_name: (kind, run) for kind, run in (handlers or {}).items()}
        self._prepare = prepare if batch_handler is None else _always(batch_handler)
        self._versions, self._patience = versions, patience
        self._batch, self._together, self._window = batch, together, window
        self._places = asyncio.Semaphore(at_once)

    async def run(self) -> None:
        """Consume until cancelled. A group that missed events hears nothing before it has recovered."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tidy_inbox())
            tasks.create_task(self._continuity.remember_forever())
            while True:
                await self._continuity.recover(self._wait_out)
                try:
                    await self._consume()
                except* EventsMissed:
                    _log.warning("consumer_overtaken_by_retention", consumer=self._group)

    async def _consume(self) -> None:
        """Read and deal with events until an error."""
        async with (
            self._bus.subscribe(
                self._group, self._topics, batch=self._batch, window=self._window
            ) as subscription,
            asyncio.TaskGroup() as tasks,
        ):
            lanes = TenantLanes(
                tasks, subscription.keeps, self._heard, self._take_together, together=self._together
            )
            tasks.create_task(self._settle(subscription, lanes))
            tries = 0
            while True:
                try:
                    batches = await subscription.next()
                    tries = 0
                except Unavailable as error:
                    lanes.drop_lost()
                    tries += 1
                    await self._wait_out(error, tries)
                    continue
                if not batches:
                    lanes.drop_lost()
                lanes.put(batches)
                if sum(len(batch.records) for batch in batches) < self._batch:
                    # Records that arrive meanwhile are read together, if that is soon: the more
                    # events are read at a time, the fewer transactions for each.
                    await lanes.idle(within=_ROUND_SECONDS)

    async def _settle(self, subscription: Subscription, lanes: TenantLanes[Heard]) -> None:
        """Commit the batches that are finished, and give back those with events that were dropped."""
        while True:
            finished = await lanes.finished()
            for each in finished:
                if each.dropped:
                    await subscription.give_back(each.batch)
            if done := [each.batch for each in finished if not each.dropped]:
                await self._commit(subscription, lanes, *done)

    async def _heard(self, waiting: Sequence[Waiting]) -> list[Heard]:
        """The events in ``waiting`` that concern this consumer; what cannot be read is buried."""
        events = []
        for record, progress in waiting:
            if not is_for(record, self._group):
                continue
            try:
                if not await self._verified(record, progress):
                    continue
                heard = Heard(record, _decoded(record), progress)
            except Rejected as error:
                await self._bury(record, error, 1)
                continue
            if self._prepare is not None or heard.envelope.type in self._handlers:
                events.append(heard)
        return events

    async def _verified(self, record: Record, progress: BatchProgress) -> bool:
        """Whether the record is genuine and still counts; a key that cannot be had now is waited for. Raises Rejected."""
        tries = 0
        while progress.may_begin():
            try:
                await self._verifier.check(record)
            except Unavailable as fault:
                tries += 1
                await self._wait_out(fault, tries)
            else:
                return True
        return False

    async def _commit(self, subscription: Subscription, lanes: TenantLanes[Heard], *batches: Batch) -> None:
        tries = 0
        while True:
            try:
                await subscription.commit(*batches)
            except Unavailable as error:
                lanes.drop_lost()
                tries += 1
                await self._wait_out(error, tries)
            else:
                self._continuity.note(batches)
                return

    async def _take_together(self, events: Sequence[Heard]) -> None:
        """Events of one tenant, in order, in one transaction; each in its own when that fails."""
        try:
            await self._waiting_out(events)
        except Exception as error:  # noqa: BLE001 - a loop of the process: one of them is bad, found below
            _log.info("events_taken_singly", consumer=self._group, reason=reason_of(error))
            for heard in events:
                await self._take_singly(heard)

    async def _take_singly(self, heard: Heard) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._waiting_out([heard])
            except Exception as error:  # noqa: BLE001 - a loop of the process: a bad event must not stop it
                if isinstance(error, Rejected) or attempt >= self._patience.attempts:
                    await self._bury(heard.record, error, attempt)
                    return
                await asyncio.sleep(self._patience.pause(attempt))
            else:
                return

    async def _waiting_out(self, events: Sequence[Heard]) -> None:
        """:meth:`_attempt` in this tenant's turn, again and again while something that it needs is away.

        Events whose slot is lost, or is to go to another member, are left out when they have not begun.
        """
        tries = 0
        while True:
            try:
                async with self._places:
                    if kept := [heard for heard in events if heard.progress.may_begin()]:
                        await self._attempt(kept)
            except Unavailable as fault:
                tries += 1
                await self._wait_out(fault, tries)
            else:
                return

    async def _attempt(self, events: Sequence[Heard]) -> None:
        """The effect of events of one tenant, in one transaction."""
        tenant_id = TenantId(UUID(bytes=events[0].envelope.tenant_id))
        batch_handler = None if self._prepare is None else await self._prepare(tenant_id)
        async with self._database.transaction(tenant_id) as tx:
            ids = [UUID(bytes=heard.envelope.id) for heard in events]
            new = await inbox.enter(tx.driver, self._group, list(dict.fromkeys(ids)))
            fresh = []
            for event_id, heard in zip(ids, events, strict=True):
                if event_id in new:
                    new.discard(event_id)
                    fresh.append(heard)
            if self._versions == "newest":
                fresh = await self._newest(tx, fresh)
            if fresh:
                await self._handle(tx, batch_handler, fresh)

    async def _newest(self, tx: TenantTransaction, events: Sequence[Heard]) -> list[Heard]:
        """Those not older than what is held, which they then become."""
        versioned = [heard.envelope for heard in events if heard.envelope.aggregate.version]
        held = await inbox.held(tx.driver, self._group, map(inbox.name_of, versioned))
        kept: list[Heard] = []
        newest: dict[inbox.Name, int] = {}
        for heard in events:
            version = heard.envelope.aggregate.version
            if version:
                name = inbox.name_of(heard.envelope)
                known = held.get(name)
                if known is not None and known.tenant_id != tx.tenant_id:
                    raise Rejected("aggregate_of_another_tenant")
                if version < max(newest.get(name, 0), known.version if known else 0):
                    continue
                newest[name] = version
            kept.append(heard)
        await inbox.hold(tx.driver, self._group, tx.tenant_id, newest)
        return kept

    async def _handle(
        self, tx: TenantTransaction, batch_handler: BatchHandler | None, events: Sequence[Heard]
    ) -> None:
        if batch_handler is not None:
            links = [trace.Link(told) for heard in events if (told := _span_context(heard.envelope))]
            # Events of one trace are heard in it; a batch of many is linked to them all and has its own.
            one = len({link.context.trace_id for link in links}) == 1
            parent = trace.set_span_in_context(trace.NonRecordingSpan(links[0].context)) if one else None
            with _tracer.start_as_current_span(
                f"{self._group} hear", parent, links=links, kind=SpanKind.CONSUMER
            ):
                await batch_handler(tx, [heard.envelope for heard in events])
            return
        for heard in events:
            kind, handler = self._handlers[heard.envelope.type]
            try:
                event = kind.FromString(heard.envelope.payload)
            except DecodeError as error:
                raise Rejected("payload_unreadable") from error
            context = _propagator.extract({"traceparent": heard.envelope.traceparent})
            with _tracer.start_as_current_span(
                f"{self._group} hear {kind.DESCRIPTOR.name}", context=context, kind=SpanKind.CONSUMER
            ):
                await handler(tx, event, heard.envelope)

    async def _bury(self, record: Record, error: BaseException, attempts: int) -> None:
        letter = letter_for(record, consumer=self._group, error=error, attempts=attempts)
        _log.error(
            "event_dead",
            consumer=self._group,
            topic=record.topic,
            partition=record.partition,
            position=record.position,
            reason=reason_of(error),
            attempts=attempts,
        )
        tries = 0
        while True:
            try:
                await self._bus.publish([letter])
            except Unavailable as fault:
                tries += 1
                await self._wait_out(fault, tries)
            else:
                return

    async def _tidy_inbox(self) -> None:
        """Forget, now and every hour, what can no longer come again."""
        while True:
            try:
                async with self._database.tenantless() as tx:
                    await inbox.forget(tx.driver, self._group, kept=inbox.KEPT)
            except Unavailable as error:
                _log.warning("inbox_not_tidied", consumer=self._group, error=error.code)
            await asyncio.sleep(_TIDY_SECONDS)

    async def _wait_out(self, fault: Unavailable, tries: int) -> None:
        _log.warning("consumer_waits", consumer=self._group, error=fault.code, tries=tries)
        await asyncio.sleep(self._patience.pause(min(tries, 16)))


def _always(batch_handler: BatchHandler) -> Preparation:
    async def prepared(_: TenantId) -> BatchHandler:
        return batch_handler

    return prepared


def _decoded(record: Record) -> Envelope:
    """The event in ``record``; raises Rejected when it is not whole or its key is not its own."""
    try:
        envelope = Envelope.FromString(record.value)
    except DecodeError as error:
        raise Rejected("envelope_unreadable") from error
    ids: Final = (envelope.id, envelope.tenant_id, envelope.aggregate.id)
    if any(len(value) != 16 for value in ids) or not envelope.type:
        raise Rejected("envelope_incomplete")
    if record.key != partition_key(UUID(bytes=envelope.tenant_id), UUID(bytes=envelope.aggregate.id)):
        raise Rejected("key_of_another_aggregate")
    event_id = UUID(bytes=envelope.id)
    if event_id.version != 7:
        raise Rejected("id_without_a_time")
    if inbox.is_past(event_id, datetime.now(UTC)):
        raise Rejected("told_too_long_ago")
    return envelope


def _span_context(envelope: Envelope) -> trace.SpanContext | None:
    context = _propagator.extract({"traceparent": envelope.traceparent})
    span = trace.get_current_span(context).get_span_context()
    return span if span.is_valid else None
