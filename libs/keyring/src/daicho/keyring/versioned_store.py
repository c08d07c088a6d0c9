"""Small values in the key store's KV engine (version 2), replaced by check-and-set.

An attacker who controls a service's database cannot reach these values. The engine refuses writes without
check-and-set, and a service's policy says which mount it may read and write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import hvac
from hvac import exceptions

from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.keyring.transit import Transit

KEPT_VERSIONS: Final = 20
"""Earlier versions of each value that the engine keeps."""
_STALE: Final = "check-and-set"

T = TypeVar("T")


class Versioned(NamedTuple):
    """A value and its version. ``value`` is None where there is none: never written (version 0) or deleted."""

    value: dict[str, Any] | None
    version: int


class StaleVersion(Exception):
    """Somebody else replaced the value since it was read."""


class VersionedStore:
    """The values of one mount, as the service behind ``transit`` may use them."""

    def __init__(self, transit: Transit, mount: str) -> None:
        self._transit, self._mount = transit, mount

    async def read(self, path: str) -> Versioned:
        """The newest version of the value at ``path``. Raises :class:`KeysUnavailable`, also when refused."""

        def read(client: hvac.Client) -> Versioned:
            try:
                answer = client.secrets.kv.v2.read_secret_version(
                    path, mount_point=self._mount, raise_on_deleted_version=False
                )
            except exceptions.InvalidPath:
                return Versioned(None, 0)
            data = answer["data"]
            return Versioned(data["data"], int(data["metadata"]["version"]))

        return await self._ask(read)

    async def write(self, path: str, value: dict[str, Any], *, replacing: int) -> int:
        """Write ``value`` in the place of version ``replacing`` (0: it is the first); answers its version.

        Raises :class:`StaleVersion`, and :class:`KeysUnavailable`, after which the value may have been written.
        """

        def write(client: hvac.Client) -> int:
            try:
                answer = client.secrets.kv.v2.create_or_update_secret(
                    path, value, cas=replacing, mount_point=self._mount
                )
            except exceptions.InvalidRequest as error:
                if _STALE in str(error):
                    raise StaleVersion from error
                raise
            return int(answer["data"]["version"])

        return await self._ask(write)

    async def _ask(self, ask: Callable[[hvac.Client], T]) -> T:
        try:
            return await self._transit.call(ask)
        except KeyRefused as error:
            raise KeysUnavailable from error
