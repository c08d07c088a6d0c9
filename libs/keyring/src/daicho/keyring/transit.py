"""OpenBao's Transit engine, spoken to through hvac in threads: tenant keys never leave it.

A service logs in by AppRole; its policy pins the derivation context it may use, so a token of one service
opens nothing that another wrapped. A store that is sealed, slow or gone raises :class:`KeysUnavailable`, within
twice the time-out of one request; a store that says no raises :class:`KeyRefused`.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import hvac
import requests
import structlog
from hvac import exceptions
from requests.adapters import HTTPAdapter

from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.tenancy import TenantId

TIMEOUT: Final = 3.0
"""Seconds for one request."""
RENEW_AFTER: Final = 0.5
"""A token is replaced when this part of its life is over."""
FRESH: Final = 5.0
"""Seconds for which a refusal is believed: the login is too young to have been revoked."""
AT_ONCE: Final = 8
ANSWERS_WITHIN: Final = 2.0
"""Seconds in which a store that is there says so."""

T = TypeVar("T")
log = structlog.get_logger()

_REFUSED: Final = (exceptions.InvalidRequest, exceptions.InvalidPath)
_AWAY: Final = (requests.RequestException, exceptions.VaultError)


def context_of(service: str, purpose: str) -> str:
    """The derivation context of a service's data keys, as Transit takes it (base64)."""
    return base64.b64encode(f"{service}/{purpose}".encode()).decode()


def key_name(tenant_id: TenantId) -> str:
    """The name of a tenant's Transit key."""
    return f"tenant-{tenant_id}"


def bus_key(service: str) -> str:
    """The name of the key that certifies who tells events as ``service``."""
    return f"bus-{service}"


class PublicKey(NamedTuple):
    """PEM for ECDSA, base64 of 32 bytes for Ed25519; and since when the version exists."""

    text: str
    created_at: datetime


class Transit:
    """One service's way to the key store. Safe to use from one event loop; closes with :meth:`close`."""

    def __init__(
        self,
        address: str,
        role_id: str,
        secret_id: str,
        *,
        service: str,
        timeout: float = TIMEOUT,
        authority: str | None = None,
    ) -> None:
        """``timeout`` is for one request; ``authority`` a file of certificates to trust beside the usual ones."""
        self.service = service
        self._role_id, self._secret_id = role_id, secret_id
        self._deadline = 2 * timeout
        self._client = hvac.Client(url=address, token="", timeout=timeout, session=_session(authority))
        # Threads of its own: a burst of password hashes in the loop's must not keep keys waiting.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="key-store")
        self._since, self._good_until = 0.0, 0.0
        self._login = asyncio.Lock()

    async def create_tenant_key(self, tenant_id: TenantId) -> None:
        """Create the tenant's key; nothing happens when it exists. Only identity's policy allows it."""
        await self._call(
            lambda client: client.secrets.transit.create_key(
                key_name(tenant_id), derived=True, key_type="aes256-gcm96"
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

    async def rewrap(self, tenant_id: TenantId, service: str, purpose: str, wrapped: str) -> str:
        """The wrapped form under the newest version of the tenant's key; the data key stays the same.

        Allowed for what :meth:`unwrap` is allowed for.
        """

        def rewrap(client: hvac.Client) -> Any:
            return client.secrets.transit.rewrap_data(
                key_name(tenant_id), ciphertext=wrapped, context=context_of(service, purpose)
            )

        return str((await self._call(rewrap))["data"]["ciphertext"])

    async def refuse_older(self, tenant_id: TenantId, version: int) -> None:
        """Let the tenant's key open nothing that a version before ``version`` wrapped."""
        await self._call(
            lambda client: client.secrets.transit.update_key_configuration(
                key_name(tenant_id), min_decryption_version=version
            )
        )

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

    async def call(self, ask: Callable[[hvac.Client], T]) -> T:
        """What ``ask`` answers of the logged-in client, in a thread. For the other engines of the store.

        Raises :class:`KeyRefused` and :class:`KeysUnavailable`; exceptions of ``ask`` itself pass through.
        """
        return await self._call(ask)

    async def check(self) -> str | None:
        """None when this service is logged in; else what is wrong, for readiness.

        A store that goes away later does not make it unready: reads go on with what is in memory.
        """
        try:
            await self._logged_in()
        except KeysUnavailable:
            return "the key store is sealed or away"
        return None

    async def greet(self) -> None:
        """Return when the store answers, unsealed and active. Raises :class:`KeysUnavailable`, soon.

        A store in standby counts as away: it forwards while there is an active one, and says nothing about it.
        """
        asking = self._threads.submit(_health, self._client)
        answered = asyncio.wrap_future(asking)
        answered.add_done_callback(lambda each: each.cancelled() or each.exception())
        try:
            await asyncio.wait([answered], timeout=ANSWERS_WITHIN)
            # Asks the thread: on a loop that was busy for so long the time is over before the answer is noticed.
            if not asking.done():
                log.warning("key_store_slow")
                raise KeysUnavailable
        finally:
            answered.cancel()
        try:
            status = asking.result()
        except _AWAY as error:
            log.warning("key_store_away", error=type(error).__name__)
            raise KeysUnavailable from error
        if status != requests.codes.ok:
            log.warning("key_store_away", status=status)
            raise KeysUnavailable

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.adapter.close()

    async def _call(self, ask: Callable[[hvac.Client], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                await self._logged_in()
                try:
                    return await self._in_thread(ask)
                except exceptions.Forbidden:
                    if time.monotonic() - self._since < FRESH:
                        raise
                # The token may have been revoked behind our back: one fresh login tells.
                self._good_until = 0.0
                await self._logged_in()
                return await self._in_thread(ask)
        except exceptions.Forbidden as error:
            raise KeyRefused("the key store's policy refuses") from error
        except TimeoutError as error:
            log.warning("key_store_slow")
            raise KeysUnavailable from error

    async def _logged_in(self) -> None:
        if time.monotonic() < self._good_until:
            return
        async with self._login:
            if time.monotonic() < self._good_until:
                return
            try:
                answer = await self._in_thread(
                    lambda client: client.auth.approle.login(self._role_id, self._secret_id, use_token=False)
                )
            except (KeyRefused, exceptions.Forbidden) as error:
                log.error("key_store_login_refused", service=self.service)  # noqa: TRY400 - the trace says no more
                raise KeysUnavailable from error
            self._client.token = answer["auth"]["client_token"]
            self._since = time.monotonic()
            self._good_until = self._since + answer["auth"]["lease_duration"] * RENEW_AFTER

    async def _in_thread(self, ask: Callable[[hvac.Client], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask, self._client)
        except exceptions.Forbidden:
            raise
        except _REFUSED as error:
            raise KeyRefused("the key store refuses: the key is gone or is not this one") from error
        except _AWAY as error:
            log.warning("key_store_away", error=type(error).__name__)
            raise KeysUnavailable from error


def _health(client: hvac.Client) -> int:
    """The status that says how the store is: 200 for unsealed and active alone."""
    answer: requests.Response = client.session.get(f"{client.url}/v1/sys/health", timeout=ANSWERS_WITHIN)
    return answer.status_code


def _session(authority: str | None) -> requests.Session:
    """Connections that heed no proxy of the environment: keys go to the store and to nobody else."""
    session = requests.Session()
    session.trust_env = False
    session.verify = authority or True
    adapter = HTTPAdapter(pool_maxsize=AT_ONCE)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
