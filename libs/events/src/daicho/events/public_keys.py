"""The public halves of services' signing keys, as the key store lists them, kept in memory."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Transit, bus_key

log = structlog.get_logger()

FRESH_SECONDS: Final = 3_600.0
"""Older lists are read again: a version that the store no longer lists stops counting."""
RETRY_SECONDS: Final = 30.0


class SigningKeyUnavailable(Unavailable):
    """The key store refuses to list a service's signing key: it was not provisioned, or a policy is wrong."""

    code = "signing_key_unavailable"


class PublicKeys:
    """Answers keys by service and version, asking ``transit`` for what is not known yet."""

    def __init__(self, transit: Transit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._transit, self._clock = transit, clock
        self._held: dict[str, Mapping[int, Ed25519PublicKey]] = {}
        self._due: dict[str, float] = {}
        self._asking = asyncio.Lock()

    async def get(self, service: str, version: int) -> Ed25519PublicKey | None:
        """The key, None when the store lists no such version.

        A store that is away does no harm to keys that are held. Raises :class:`~daicho.faults.Unavailable` when
        the key is not held and cannot be asked for.
        """
        if self._clock() < self._due.get(service, 0.0) and version in self._held[service]:
            return self._held[service][version]
        async with self._asking:
            if version not in self._held.get(service, {}):
                await self._fetch(service)
            elif self._clock() >= self._due[service]:
                await self._refresh(service)
        return self._held[service].get(version)

    async def _refresh(self, service: str) -> None:
        try:
            await self._fetch(service)
        except Unavailable as error:
            log.warning("bus_keys_not_refreshed", service=service, error=error.code)
            self._due[service] = self._clock() + RETRY_SECONDS

    async def _fetch(self, service: str) -> None:
        try:
            listed = await self._transit.public_keys(bus_key(service))
        except KeyRefused as error:
            log.error("bus_key_refused", service=service)  # noqa: TRY400 - the trace says no more
            raise SigningKeyUnavailable from error
        self._held[service] = {
            number: Ed25519PublicKey.from_public_bytes(base64.b64decode(key.text))
            for number, key in listed.items()
        }
        self._due[service] = self._clock() + FRESH_SECONDS
