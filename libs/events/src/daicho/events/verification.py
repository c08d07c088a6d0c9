"""Verify the signatures of events.

Public keys are cached, so consumers continue while the key store is away; they wait for a key that is not cached yet. A
record is refused (:class:`Forged`) when it is unsigned, when its signature does not match these bytes on this
topic, or when its signer may not publish to the topic. The consumer sends a refused record to the dead letters;
:class:`EventVerifier` logs it, counts it, and calls the alarm.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from opentelemetry import metrics

from daicho.events.bus import Record
from daicho.events.dead import FOR, Rejected
from daicho.events.merkle_tree import leaf_hash, root_of
from daicho.events.public_keys import PublicKeys
from daicho.events.signatures import (
    PROOF,
    REPLAYED,
    Certificate,
    Proof,
    Unreadable,
    batch_statement,
    header_of,
    replay_statement,
)
from daicho.events.topics import owner_of
from daicho.keyring import Transit
from daicho.keyring.provision import SERVICES

log = structlog.get_logger()
_forged = metrics.get_meter("daicho.events").create_counter("daicho.events.forged", unit="{event}")

CLOCK_SECONDS: Final = 300
"""How far the clocks of a relay and of the bus may be apart."""
_MOST_CERTIFICATES: Final = 256
_MOST_ROOTS: Final = 4_096

K = TypeVar("K")
V = TypeVar("V")
Alarm = Callable[[Record, str], Awaitable[None]]
"""``async def on_forged(record, reason)``: tells somebody about a record that was refused."""


class Forged(Rejected):
    """The record's service did not sign it for its topic; ``reason`` says what is wrong."""


class EventVerifier:
    """Verifies records in one process, with the key store's public keys.

    ``transit`` is this service's own. ``services`` are those that may tell on the topic of all.
    """

    def __init__(
        self, transit: Transit, *, services: Collection[str] = SERVICES, on_forged: Alarm | None = None
    ) -> None:
        self._own, self._services, self._on_forged = transit.service, frozenset(services), on_forged
        self._keys = PublicKeys(transit)
        self._certificates: OrderedDict[bytes, Certificate] = OrderedDict()
        self._roots: OrderedDict[tuple[bytes, bytes, int], bytes] = OrderedDict()

    async def check(self, record: Record, *, topic: str | None = None) -> None:
        """Return when ``record`` is genuine, told on ``topic`` (its own unless said otherwise: for dead letters).

        Raises :class:`Forged`, once log, metric and alarm know; :class:`~daicho.faults.Unavailable` while a key that
        is needed cannot be had.
        """
        try:
            await self._check(record, topic or record.topic)
        except Forged as error:
            log.error(  # noqa: TRY400 - the reason says it all
                "event_forged",
                topic=record.topic,
                partition=record.partition,
                position=record.position,
                reason=error.reason,
            )
            _forged.add(1, {"topic": record.topic, "reason": error.reason})
            if self._on_forged is not None:
                await self._on_forged(record, error.reason)
            raise

    async def _check(self, record: Record, topic: str) -> None:
        if record.predates_signatures:
            return
        if (group := header_of(record.headers, FOR)) is not None and topic == record.topic:
            await self._check_replay(record, group)
            return
        packed = header_of(record.headers, PROOF)
        if packed is None:
            raise Forged("unsigned")
        try:
            proof = Proof.unpack(packed)
            certificate = await self._certificate(proof.certificate)
        except Unreadable as error:
            raise Forged("signature_unreadable") from error
        if certificate.service != (owner_of(topic) or certificate.service):
            raise Forged("signed_by_another_service")
        if not _in_time(certificate, record, replayed=topic != record.topic):
            raise Forged("signed_with_an_old_key")
        root = root_of(leaf_hash(topic, record.key, record.value), proof.number, proof.size, proof.path)
        if root is None or not self._signed(certificate, proof, root):
            raise Forged("signature_invalid")

    async def _check_replay(self, record: Record, group: bytes) -> None:
        """A dead letter that is given again: the service that hears it has vouched for it itself."""
        signature = header_of(record.headers, REPLAYED)
        if signature is None or len(signature) < 3:
            raise Forged("replay_unsigned")
        statement = replay_statement(
            leaf_hash(record.topic, record.key, record.value), group.decode(errors="replace")
        )
        version, signature = int.from_bytes(signature[:2], "big"), signature[2:]
        key = await self._keys.get(self._own, version)
        if key is None or not _verifies(key, signature, statement):
            raise Forged("replay_invalid")

    async def _certificate(self, packed: bytes) -> Certificate:
        """The certificate in ``packed``, once the key store's key has been found to have signed it."""
        known = self._certificates.get(packed)
        certificate = known or Certificate.unpack(packed)
        if certificate.service not in self._services:
            raise Forged("signed_by_nobody_known")
        key = await self._keys.get(certificate.service, certificate.key_version)
        if key is None:  # also of a certificate that was good until the store stopped listing its key
            raise Forged("signed_with_an_unknown_key")
        if known is not None:
            return known
        if not _verifies(key, certificate.signature, certificate.statement()):
            raise Forged("certificate_invalid")
        _remember(self._certificates, packed, certificate, _MOST_CERTIFICATES)
        return certificate

    def _signed(self, certificate: Certificate, proof: Proof, root: bytes) -> bool:
        name = (proof.certificate, proof.signature, proof.size)
        known = self._roots.get(name)
        if known is not None:
            return known == root
        if not 0 < proof.size < 1 << 32 or len(certificate.public_key) != 32:
            return False
        key = Ed25519PublicKey.from_public_bytes(certificate.public_key)
        if not _verifies(key, proof.signature, batch_statement(root, proof.size)):
            return False
        _remember(self._roots, name, root, _MOST_ROOTS)
        return True


def _in_time(certificate: Certificate, record: Record, *, replayed: bool) -> bool:
    """Whether the relay's key was good when the bus took the record: the bus sets that time, never a publisher.

    A dead letter came to its topic after the record that it was, so only the beginning is compared.
    """
    moment = record.time.timestamp()
    began = certificate.not_before - CLOCK_SECONDS <= moment
    return began and (replayed or moment <= certificate.not_after + CLOCK_SECONDS)


def _verifies(key: Ed25519PublicKey, signature: bytes, statement: bytes) -> bool:
    try:
        key.verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def _remember(held: OrderedDict[K, V], name: K, value: V, most: int) -> None:
    held[name] = value
    if len(held) > most:
        held.popitem(last=False)
