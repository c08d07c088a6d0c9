"""Signing events: every message carries the proof of the service that tells it.

A relay draws an Ed25519 key that stays in its memory, and has the service's key in OpenBao certify it for a day
(:class:`Certificate`). It signs the root of a Merkle tree over each batch (:mod:`daicho.events.merkle_tree`) with
that key. A message's proof, in the header ``proof``, is the certificate, the signature, and the path to the root;
:mod:`daicho.events.verification` checks it. The leaf binds topic, partition key and envelope, and with the envelope
the event's id, type, tenant, aggregate and payload.

While the key store is away events are signed until the certificate ends; then they stay in the outbox.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import msgpack
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.events.bus import Message
from daicho.events.merkle_tree import build, leaf_hash
from daicho.faults import Unavailable
from daicho.keyring import Transit, bus_key

log = structlog.get_logger()

PROOF: Final = "proof"
"""The header that holds a message's proof."""
REPLAYED: Final = "replayed"
"""The header in which a consumer's own service vouches for a dead letter that is given to it again."""
CERTIFICATE_SECONDS: Final = 24 * 3_600
_LEAVES: Final = 64
"""Messages in one tree: larger ones make paths longer and save no measurable time."""
MAX_PROOF: Final = 2_048
"""Bytes; a proof of the largest batch that the bus takes is shorter."""
_CERTIFICATE: Final = b"daicho.events certificate 1\x00"
_BATCH: Final = b"daicho.events batch 1\x00"
_REPLAY: Final = b"daicho.events replay 1\x00"


class Unreadable(ValueError):
    """A proof that is not one."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """That ``service`` signs batches with ``public_key`` (32 bytes, Ed25519) between two Unix times.

    ``signature`` is by version ``key_version`` of the service's key in the key store.
    """

    service: str
    public_key: bytes
    not_before: int
    not_after: int
    key_version: int
    signature: bytes

    def statement(self) -> bytes:
        """The bytes that ``signature`` signs."""
        return certificate_statement(self.service, self.public_key, self.not_before, self.not_after)

    def pack(self) -> bytes:
        """The certificate as it travels."""
        packed: bytes = msgpack.packb(
            (
                self.service,
                self.public_key,
                self.not_before,
                self.not_after,
                self.key_version,
                self.signature,
            )
        )
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The inverse of :meth:`pack`; raises :class:`Unreadable`."""
        return cls(*_unpacked(packed, (str, bytes, int, int, int, bytes)))


class Proof(NamedTuple):
    """The proof of one message: leaf ``number`` of ``size``, the path to the root, and the root's signature."""

    certificate: bytes
    signature: bytes
    number: int
    size: int
    path: bytes

    @classmethod
    def unpack(cls, packed: bytes) -> Proof:
        """The proof in a header; raises :class:`Unreadable`."""
        if len(packed) > MAX_PROOF:
            raise Unreadable("longer than any proof")
        return cls(*_unpacked(packed, (bytes, bytes, int, int, bytes)))


def certificate_statement(service: str, public_key: bytes, not_before: int, not_after: int) -> bytes:
    """The text that a service's key signs to certify a relay's key."""
    return _CERTIFICATE + bytes(msgpack.packb((service, public_key, not_before, not_after)))


def batch_statement(root: bytes, size: int) -> bytes:
    """The text that a relay's key signs for each batch."""
    return _BATCH + size.to_bytes(4, "big") + root


def replay_statement(leaf: bytes, group: str) -> bytes:
    """The text that the service of ``group`` signs to receive the dead letter with this leaf again."""
    return _REPLAY + leaf + group.encode()


class _Held(NamedTuple):
    key: Ed25519PrivateKey
    certificate: Certificate
    packed: bytes


class BatchSigner:
    """Signs what one relay publishes, as the service that ``transit`` logs in as."""

    def __init__(
        self, transit: Transit, *, lifetime: int = CERTIFICATE_SECONDS, now: Callable[[], float] = time.time
    ) -> None:
        """``lifetime`` is a certificate's, in seconds; a new one is asked for when half of it is over."""
        self._transit, self._lifetime, self._now = transit, lifetime, now
        self._held: _Held | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def sign(self, messages: Sequence[Message]) -> list[Message]:
        """``messages`` with their proofs. Raises :class:`~daicho.keyring.KeysUnavailable` while there is no certificate."""
        if not messages:
            return []
        held = await self._certified()
        signed: list[Message] = []
        for start in range(0, len(messages), _LEAVES):
            signed += _sign_tree(held, messages[start : start + _LEAVES])
            await asyncio.sleep(0)  # hashing is this process's work: let what waits for a server go on
        return signed

    async def _certified(self) -> _Held:
        now, held = self._now(), self._held
        if held is None or now >= held.certificate.not_after:
            self._held = held = await self._certify()
        elif now >= held.certificate.not_after - self._lifetime / 2 and (
            self._renewing is None or self._renewing.done()
        ):
            self._renewing = asyncio.create_task(self._renew())
        return held

    async def _renew(self) -> None:
        try:
            self._held = await self._certify()
        except Unavailable as error:
            log.warning("bus_certificate_not_renewed", service=self._transit.service, error=error.code)

    async def _certify(self) -> _Held:
        service, begun = self._transit.service, int(self._now())
        key = Ed25519PrivateKey.generate()
        public_key = key.public_key().public_bytes_raw()
        until = begun + self._lifetime
        signature, version = await self._transit.sign(
            bus_key(service), certificate_statement(service, public_key, begun, until)
        )
        certificate = Certificate(service, public_key, begun, until, version, signature)
        return _Held(key, certificate, certificate.pack())


def _sign_tree(held: _Held, messages: Sequence[Message]) -> list[Message]:
    """``messages`` with their proofs: one tree, one signature."""
    root, paths = build([leaf_hash(each.topic, each.key, each.value) for each in messages])
    size = len(messages)
    signature = held.key.sign(batch_statement(root, size))
    return [
        message._replace(
            headers=(*message.headers, (PROOF, msgpack.packb((held.packed, signature, index, size, path))))
        )
        for index, (message, path) in enumerate(zip(messages, paths, strict=True))
    ]


def header_of(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """The one value of a header; None when it is missing or given twice."""
    found = [value for each, value in headers if each == name]
    return found[0] if len(found) == 1 else None


def _unpacked(packed: bytes, kinds: Sequence[type]) -> tuple[Any, ...]:
    try:
        parts = msgpack.unpackb(packed, use_list=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise Unreadable("not msgpack") from error
    if not isinstance(parts, tuple) or [type(part) for part in parts] != list(kinds):
        raise Unreadable("other parts than those of a proof")
    return parts
