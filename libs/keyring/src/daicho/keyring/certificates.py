"""mTLS certificates from the key store's PKI, in memory only, replaced before they end."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

import structlog

from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.keyring.transit import Transit

HOURS: Final = 24
RENEW_AFTER: Final = HOURS * 3600 / 2
RETRY_AFTER: Final = 30

log = structlog.get_logger()


class Issued(NamedTuple):
    """PEM of a key, its certificate and the authority that both sides trust."""

    key: bytes
    chain: bytes
    authority: bytes


class Certificates:
    """The certificate of one service; :meth:`start` before use, then :meth:`run` keeps it fresh."""

    def __init__(self, transit: Transit) -> None:
        self._transit = transit
        self._issued: Issued | None = None

    async def start(self) -> None:
        """Get the first certificate. Raises :class:`KeysUnavailable`."""
        data = await self._transit.issue_certificate(hours=HOURS)
        authority = data["issuing_ca"].encode()
        self._issued = Issued(data["private_key"].encode(), data["certificate"].encode() + b"\n", authority)

    async def run(self) -> None:
        """Replace the certificate at half of its life until cancelled."""
        pause: float = RENEW_AFTER
        while True:
            await asyncio.sleep(pause)
            try:
                await self.start()
                pause = RENEW_AFTER
            except (KeysUnavailable, KeyRefused):
                log.warning("certificate_not_renewed")
                pause = RETRY_AFTER

    def current(self) -> Issued:
        """The certificate in force."""
        if self._issued is None:
            raise RuntimeError("start() comes first")
        return self._issued
