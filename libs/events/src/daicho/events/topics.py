"""Which service may publish to which topic: the rule that signatures, database roles and Kafka's ACLs share.

``<service>.events`` and ``<service>.revocations`` are that service's. ``access.events`` takes what every service
writes about accesses. Dead letters (``<topic>.dead``) come from whichever service could not deal with an event; they
carry the proof of the service that told it.
"""

from __future__ import annotations

from typing import Final

ACCESS: Final = "access.events"
"""The one topic that every service tells on."""


def owner_of(topic: str) -> str:
    """The service that alone tells on ``topic``; the empty string for the topic of all."""
    return "" if topic == ACCESS else topic.partition(".")[0]


def service_of(group: str) -> str:
    """The service that a group of consumers belongs to: ``customers`` of ``customers.handover``."""
    return group.partition(".")[0]
