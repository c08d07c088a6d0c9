"""Facts between services: told in the transaction that made them, heard once in effect.

Telling: :func:`tell` puts a row into the outbox, :class:`Relay` brings it to the :class:`Bus`,
signed by :class:`BatchSigner`. Hearing:
:class:`Consumer` with its inbox, which believes what :class:`EventVerifier` has verified. At once and to everyone: :func:`broadcast`, :class:`Heartbeats`,
:class:`Revocations`. Accesses: :class:`AccessLog`; refused requests: :class:`Refusals`. Tables: :mod:`daicho.events.schema` in every service,
:mod:`daicho.events.bus_schema` in the bus's own database.
"""

from daicho.events import bus_schema, schema
from daicho.events.access_log import AccessLog
from daicho.events.bus import (
    Batch,
    Bus,
    BusUnavailable,
    GroupIsRunning,
    Message,
    Record,
    Slot,
    Subscription,
    Window,
    open_bus,
    partition_of,
)
from daicho.events.bus_roles import BUS, bus_role, provision_bus
from daicho.events.consumer import BatchHandler, Consumer, Handler, Patience
from daicho.events.dead import AnothersLetter, DeadLetter, Rejected, dead_letters, revive
from daicho.events.envelope import Aggregate, Envelope, topic_of
from daicho.events.forgery_alarm import ForgeryAlarm
from daicho.events.missed_events import EventsMissed, Missed
from daicho.events.outbox import broadcast, tell, tell_all
from daicho.events.refusals import Refusals
from daicho.events.relay import Relay
from daicho.events.revocations import Heartbeats, Revocations
from daicho.events.signatures import BatchSigner
from daicho.events.verification import EventVerifier, Forged

__all__ = [
    "BUS",
    "AccessLog",
    "Aggregate",
    "AnothersLetter",
    "Batch",
    "BatchHandler",
    "BatchSigner",
    "Bus",
    "BusUnavailable",
    "Consumer",
    "DeadLetter",
    "Envelope",
    "EventVerifier",
    "EventsMissed",
    "Forged",
    "ForgeryAlarm",
    "GroupIsRunning",
    "Handler",
    "Heartbeats",
    "Message",
    "Missed",
    "Patience",
    "Record",
    "Refusals",
    "Rejected",
    "Relay",
    "Revocations",
    "Slot",
    "Subscription",
    "Window",
    "broadcast",
    "bus_role",
    "bus_schema",
    "dead_letters",
    "open_bus",
    "partition_of",
    "provision_bus",
    "revive",
    "schema",
    "tell",
    "tell_all",
    "topic_of",
]
