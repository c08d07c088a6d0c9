"""An SMTP server that delivers nowhere, and a page to read what it got.

Mail is kept in memory alone: it names people, and this machine's disk is not where they are kept. The page
listens on loopback; everything a message holds is shown as text.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import parse_qs

from aiosmtpd.smtp import SMTP, Envelope

from daicho.local.servers.process import ServerFailed, both
from daicho.runtime import serve_http

KEPT: Final = 500
LARGEST: Final = 10 * 1024 * 1024
GREETS_WITHIN: Final = 10.0
"""Seconds."""
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it arrived; ``number`` counts from 1."""

    number: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """What the JSON API tells."""
        return {
            "id": self.number,
            "received_at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.recipients),
            "subject": self.subject,
            "text": self.text,
            "links": _LINK.findall(self.text),
        }


# Without slots: aiosmtpd reads every attribute, and Python 3.11.0 to 3.11.2 fail at __weakref__ of a class with slots.
@dataclass
class MailSink:
    """Keeps the last :data:`KEPT` messages. It is an SMTP handler and an ASGI application.

    ``GET /`` lists, ``/mails/{id}`` shows one; ``GET /api/mails?to=ADDRESS`` and ``/api/mails/{id}`` tell the same
    as JSON, newest first.
    """

    mails: deque[Mail] = field(default_factory=lambda: deque(maxlen=KEPT))
    arrived: int = 0
    page_port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep a message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, policy=policy.default)
        self.arrived += 1
        recipients = tuple(envelope.rcpt_tos)
        sender = envelope.mail_from or ""
        subject = str(message.get("subject", ""))
        self.mails.appendleft(
            Mail(self.arrived, datetime.now(UTC), sender, recipients, subject, _text(message))
        )
        return "250 OK"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        status, kind, body = self._answer(
            scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        )
        headers = {
            "content-type": kind,
            "content-security-policy": _POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": body.encode()})

    def _answer(self, method: str, path: str, query: str) -> tuple[int, str, str]:
        wanted = parse_qs(query).get("to")
        shown = [mail for mail in self.mails if wanted is None or set(wanted) & set(mail.recipients)]
        place, _, number = path.rpartition("/")
        mail = next((mail for mail in self.mails if str(mail.number) == number), None)
        page, data = "text/html; charset=utf-8", "application/json"
        if method not in ("GET", "HEAD"):
            return 405, data, "{}"
        if path == "/":
            return 200, page, _list(shown)
        if path == "/api/mails":
            return 200, data, json.dumps([mail.as_json() for mail in shown], ensure_ascii=False)
        if mail is not None and place == "/mails":
            return 200, page, _one(mail)
        if mail is not None and place == "/api/mails":
            return 200, data, json.dumps(mail.as_json(), ensure_ascii=False)
        return 404, data, "{}"


@asynccontextmanager
async def run_mail_sink(host: str, smtp_port: int, page_port: int) -> AsyncIterator[MailSink]:
    """Take mail and show it while the block runs. OSError when the SMTP port is taken, ServerFailed when nobody is greeted there.

    The page is at ``page_port``, or at a free port when that one is taken: :attr:`MailSink.page_port` says.
    """
    sink = MailSink()
    loop = asyncio.get_running_loop()

    def speak() -> SMTP:
        return SMTP(sink, hostname="daicho", data_size_limit=LARGEST, enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(speak, host, smtp_port)
    try:
        await _expect_greeting(host, smtp_port)
        async with AsyncExitStack() as stack:
            try:
                sink.page_port = await stack.enter_async_context(serve_http(sink, host, page_port))
            except OSError:
                sink.page_port = await stack.enter_async_context(serve_http(sink, host, 0))
            yield sink
    finally:
        server.close()
        await server.wait_closed()


async def _expect_greeting(host: str, port: int) -> None:
    """Return when the server at ``host``:``port`` greets as RFC 5321 says (4.2, 4.3.1); raises ServerFailed."""
    greeting = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(GREETS_WITHIN):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                greeting = await reader.readline()
            finally:
                writer.close()
    if not greeting.startswith(b"220"):
        raise ServerFailed(
            both("メールの受信サーバーが応答しません。", f"the mail server at {host}:{port} does not answer.")
        )


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):
        return "(読み取れない文字コードです / unreadable encoding)"


def _list(mails: list[Mail]) -> str:
    rows = "".join(
        f"<tr><td>{mail.at.astimezone():%m/%d %H:%M:%S}</td><td>{html.escape(', '.join(mail.recipients))}</td>"
        f'<td><a href="/mails/{mail.number}">{html.escape(mail.subject) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    empty = "" if mails else "<p>まだ届いていません / Nothing has arrived yet.</p>"
    return _page("メール / Mail", f"<table>{rows}</table>{empty}")


def _one(mail: Mail) -> str:
    head = html.escape(
        f"{mail.sender} → {', '.join(mail.recipients)} · {mail.at.astimezone():%Y-%m-%d %H:%M:%S}"
    )
    return _page(
        html.escape(mail.subject),
        f'<p><a href="/">← 一覧 / All</a></p><p>{head}</p><pre>{_linked(mail.text)}</pre>',
    )


def _linked(text: str) -> str:
    """The text, escaped, with its web addresses as links."""
    pieces: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        pieces += [
            html.escape(text[end : found.start()]),
            f'<a href="{address}" rel="noreferrer">{address}</a>',
        ]
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])


def _page(title: str, body: str) -> str:
    style = (
        "body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;"
        "background:#fff}table{width:100%;border-collapse:collapse}td{padding:.4rem;border-bottom:1px solid #ddd}"
        "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;border:1px solid #ddd;padding:1rem}"
    )
    return (
        f'<!doctype html><html lang="ja"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style><h1>{title}</h1>{body}</html>'
    )
