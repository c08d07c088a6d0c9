"""OpenBao's Transit engine, spoken to through hvac in threads: tenant keys never leave it.

A service logs in by AppRole; its policy pins the derivation context it may use, so a token of one service
opens nothing that another wrapped. Every call ends within :data:`TIMEOUT`; a store that is sealed, slow or
gone raises :class:`KeysUnavailable`.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import hvac
import requests
import structlog
from hvac import exceptions

from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.tenancy import TenantId

TIMEOUT: Final = 3.0
RENEW_BEFORE: Final = 0.5
"""A token is replaced when this part of its life is over."""

T = TypeVar("T")
log = structlog.get_logger()

_AWAY: Final = (
    requests.RequestException,
    exceptions.VaultDown,
    exceptions.InternalServerError,
    exceptions.BadGateway,
    exceptions.RateLimitExceeded,
)


def context_of(service: str, purpose: str) -> str:
    """The derivation context of a service's data keys, as Transit takes it (base64)."""
    return base64.b64encode(f"{service}/{purpose}".encode()).decode()


def key_name(tenant_id: TenantId) -> str:
    """The name of a tenant's Transit key."""
    return f"tenant-{tenant_id}"


class PublicKey(NamedTuple):
    """PEM for ECDSA, base64 of 32 bytes for Ed25519; and since when the version exists."""

    text: str
    created_at: datetime


class Transit:
    """One service's way to the key store. Safe to use from one event loop; closes with :meth:`close`."""

    def __init__(
        self, address: str, role_id: str, secret_id: str, *, service: str, timeout: float = TIMEOUT
    ) -> None:
        self.service = service
        self._role_id, self._secret_id = role_id, secret_id
        self._client = hvac.Client(url=address, timeout=timeout)
        self._good_until = 0.0
        self._login = asyncio.Lock()

    async def create_tenant_key(self, tenant_id: TenantId) -> None:
        """Create the tenant's key; nothing happens when it exists. Only identity's policy allows it."""
        await self._call(
            lambda client: client.secrets.transit.create_key(
                key_name(tenant_id), derived=True, key_type="aes256-gcm96", exportable=False
            )
        )

    async def rotate_tenant_key(self, tenant_id: TenantId) -> None:
        """Add a version to the tenant's key; what older ones wrapped still opens."""
        await self._call(lambda client: client.secrets.transit.rotate_key(key_name(tenant_id)))

    async def delete_tenant_key(self, tenant_id: TenantId) -> None:
        """Destroy the tenant's key: everything sealed under it is gone, backups included."""

        def delete(client: hvac.Client) -> None:
            client.secrets.transit.update_key_configuration(key_name(tenant_id), deletion_allowed=True)
            client.secrets.transit.delete_key(key_name(tenant_id))

        await self._call(delete)

    async def wrap_new(self, tenant_id: TenantId, purpose: str) -> tuple[bytes, str]:
        """A new 256-bit data key: (key, its wrapped form)."""

        def generate(client: hvac.Client) -> Any:
            return client.secrets.transit.generate_data_key(
                key_name(tenant_id), key_type="plaintext", context=context_of(self.service, purpose), bits=256
            )

        data = (await self._call(generate))["data"]
        return base64.b64decode(data["plaintext"]), data["ciphertext"]

    async def unwrap(self, tenant_id: TenantId, service: str, purpose: str, wrapped: str) -> bytes:
        """The data key that ``service`` had wrapped for ``purpose``.

        One key a call: a policy cannot pin the contexts of a batch. Raises :class:`KeyRefused` when it does
        not open: the tenant's key is gone, or the policy says no.
        """

        def decrypt(client: hvac.Client) -> Any:
            return client.secrets.transit.decrypt_data(
                key_name(tenant_id), ciphertext=wrapped, context=context_of(service, purpose)
            )

        return base64.b64decode((await self._call(decrypt))["data"]["plaintext"])

    async def rewrap(self, tenant_id: TenantId, purpose: str, wrapped: str) -> str:
        """The wrapped form under the newest version of the tenant's key; the data key stays the same."""

        def rewrap(client: hvac.Client) -> Any:
            return client.secrets.transit.rewrap_data(
                key_name(tenant_id), ciphertext=wrapped, context=context_of(self.service, purpose)
            )

        return str((await self._call(rewrap))["data"]["ciphertext"])

    async def refuse_older(self, tenant_id: TenantId, version: int) -> None:
        """Let the tenant's key open nothing that a version before ``version`` wrapped."""
        await self._call(
            lambda client: client.secrets.transit.update_key_configuration(
                key_name(tenant_id), min_decryption_version=version
            )
        )

    async def create_signing_key(self, name: str, kind: str) -> None:
        """Create a signing key (``ecdsa-p256`` or ``ed25519``); nothing happens when it exists."""
        await self._call(lambda client: client.secrets.transit.create_key(name, key_type=kind))

    async def rotate_signing_key(self, name: str) -> None:
        """Sign with a new version from now on; the older ones' public halves stay listed."""
        await self._call(lambda client: client.secrets.transit.rotate_key(name))

    async def sign(
        self, name: str, message: bytes, *, jws: bool = False, version: int | None = None
    ) -> tuple[bytes, int]:
        """(signature, key version), by the newest version unless one is named.

        ``jws``: ECDSA over SHA-256 as the bare r and s that JWS wants (RFC 7518).
        """

        def sign(client: hvac.Client) -> Any:
            return client.secrets.transit.sign_data(
                name,
                hash_input=base64.b64encode(message).decode(),
                key_version=version or 0,
                hash_algorithm="sha2-256",
                marshaling_algorithm="jws" if jws else "asn1",
            )

        text: str = (await self._call(sign))["data"]["signature"]
        _, signed_by, signature = text.split(":", 2)
        if jws:
            return base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)), int(signed_by[1:])
        return base64.b64decode(signature), int(signed_by[1:])

    async def public_keys(self, name: str) -> dict[int, PublicKey]:
        """The public halves of a signing key by version."""
        data = (await self._call(lambda client: client.secrets.transit.read_key(name)))["data"]
        return {
            int(version): PublicKey(key["public_key"], datetime.fromisoformat(key["creation_time"]))
            for version, key in data["keys"].items()
        }

    async def issue_certificate(self, *, hours: int = 24) -> dict[str, Any]:
        """A certificate for this service from the PKI: ``certificate``, ``private_key``, ``issuing_ca`` in PEM."""
        answer = await self._call(
            lambda client: client.secrets.pki.generate_certificate(
                name=self.service, common_name=self.service, extra_params={"ttl": f"{hours}h"}
            )
        )
        return dict(answer["data"])

    async def check(self) -> str | None:
        """None when the store answers and is unsealed; else what is wrong, for readiness."""
        try:
            await self._logged_in()
        except KeysUnavailable:
            return "the key store is sealed or away"
        return None

    def close(self) -> None:
        """Close the connections."""
        self._client.adapter.close()

    async def _call(self, ask: Callable[[hvac.Client], T]) -> T:
        await self._logged_in()
        try:
            return await self._in_thread(ask)
        except exceptions.Forbidden:
            # The token may have been revoked behind our back: one fresh login tells.
            self._good_until = 0.0
            await self._logged_in()
            try:
                return await self._in_thread(ask)
            except exceptions.Forbidden as error:
                raise KeyRefused("the key store's policy refuses") from error

    async def _logged_in(self) -> None:
        if time.monotonic() < self._good_until:
            return
        async with self._login:
            if time.monotonic() < self._good_until:
                return
            answer = await self._in_thread(
                lambda client: client.auth.approle.login(self._role_id, self._secret_id, use_token=False)
            )
            self._client.token = answer["auth"]["client_token"]
            self._good_until = time.monotonic() + answer["auth"]["lease_duration"] * RENEW_BEFORE

    async def _in_thread(self, ask: Callable[[hvac.Client], T]) -> T:
        try:
            return await asyncio.to_thread(ask, self._client)
        except _AWAY as error:
            log.warning("key_store_away", error=type(error).__name__)
            raise KeysUnavailable from error
        except (exceptions.InvalidRequest, exceptions.InvalidPath) as error:
            raise KeyRefused("the key store refuses: the key is gone or is not this one") from error
