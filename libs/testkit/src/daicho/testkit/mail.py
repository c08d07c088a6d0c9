"""An SMTP server that keeps what it gets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from daicho.local.servers import free_port


@dataclass(slots=True)
class MailSink:
    """``url`` for SMTP_URL; ``messages`` in the order of their arrival."""

    url: str
    messages: list[Message] = field(default_factory=list)

    def sent_to(self, address: str) -> list[Message]:
        """The messages whose envelope names ``address``."""
        return [message for message in self.messages if address in (message["X-RcptTo"] or "").split(", ")]

    async def link_to(self, address: str, page: str, *, within: float = 60) -> str:
        """The token in the newest link to the console's ``page`` that was sent to ``address``, once there is one."""
        mark = re.compile(rf"{page}#token=(\S+)")
        async with asyncio.timeout(within):
            while True:
                for message in reversed(self.sent_to(address)):
                    body = message.get_payload(decode=True)
                    if isinstance(body, bytes) and (found := mark.search(body.decode())):
                        return found[1]
                await asyncio.sleep(0.02)


class _Keep(MessageHandler):
    def __init__(self, sink: MailSink) -> None:
        super().__init__()
        self._sink = sink

    def handle_message(self, message: Message) -> None:
        self._sink.messages.append(message)


@contextmanager
def running_smtp() -> Iterator[MailSink]:
    """A server on a free loopback port, in a thread of its own."""
    port = free_port()
    sink = MailSink(f"smtp://127.0.0.1:{port}")
    controller = Controller(_Keep(sink), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
