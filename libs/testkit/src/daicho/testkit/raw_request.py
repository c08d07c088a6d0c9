"""A request as the server hands it over, message by message: what no HTTP client sends on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

DISCONNECT: Mapping[str, Any] = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    """A part of the body."""
    return {"type": "http.request", "body": body, "more_body": more}


@dataclass
class Outcome:
    """What the application sent, and how many messages of the request it read."""

    sent: list[Any] = field(default_factory=list)
    read: int = 0

    @property
    def status(self) -> int | None:
        """The status of the answer; None when there was none."""
        return next((each["status"] for each in self.sent if each["type"] == "http.response.start"), None)


async def send(
    app: Any, path: str, messages: Iterable[Mapping[str, Any]], headers: Mapping[str, str] | None = None
) -> Outcome:
    """POST ``messages`` to ``path``; behind the last of them the client is gone."""
    outcome = Outcome()
    coming = iter(messages)

    async def receive() -> Any:
        outcome.read += 1
        return next(coming, DISCONNECT)

    async def sending(message: Any) -> None:
        outcome.sent.append(message)

    named = {"content-type": "application/json", "authorization": "Bearer good", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("203.0.113.9", 4000),
        "server": ("ledger.example", 80),
        "state": {},
        "app": app,
    }
    await app(scope, receive, sending)
    return outcome
