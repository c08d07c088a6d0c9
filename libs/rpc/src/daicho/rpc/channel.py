"""gRPC asked: a channel to one service, whose calls carry actor, deadline and trace, and raise faults."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from opentelemetry.trace import Span

from daicho import faults
from daicho.faults import Fault
from daicho.rpc import calls, carriage, tracing
from daicho.rpc.certificates import CertificateSource, Material, client_credentials, material
from daicho.rpc.guard import ADDRESS, AUTHORIZATION, REQUEST_ID
from daicho.rpc.rules import is_idempotent
from daicho.rpc.server import LARGEST_MESSAGE
from daicho.tenancy import Actor

StubT = TypeVar("StubT")

# The part of the deadline that a hop keeps for its own answer, in seconds.
MARGIN = 0.02
ATTEMPTS = 4
# The longest pause before the second attempt, in seconds; it doubles, and half to all of it is taken.
FIRST_PAUSE = 0.05
# Calls under way on a connection that a renewed certificate replaced may take this long, in seconds.
OUTGOING_GRACE = 60.0

_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class _Inherited:
    """The actor of the call being served, or the service itself when there is none."""


INHERITED = _Inherited()
Given = Actor | None | _Inherited


class Channel:
    """Calls to the service named ``service`` at ``target`` ("host:port").

    The other side must prove by its certificate that it is that service. ``timeout`` is the deadline of a
    call and ``stream_timeout`` of a stream, in seconds, where the call gives none. A renewed certificate is
    used from the next call on; calls under way finish on the old connection.
    """

    def __init__(
        self,
        target: str,
        certificates: CertificateSource,
        *,
        service: str,
        timeout: float = 2.0,
        stream_timeout: float = 30.0,
    ) -> None:
        self._target = target
        self._certificates = certificates
        self._options = (*_OPTIONS, ("grpc.ssl_target_name_override", service))
        self._timeout = timeout
        self._stream_timeout = stream_timeout
        self._connection: _Connection | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    def stub(self, kind: Callable[[Any], StubT]) -> StubT:
        """A stub of the generated class ``kind``.

        Its methods take, beside the request, ``timeout`` (seconds; the deadline around the call still
        holds) and ``actor``: in whose name to call, by default the one whose call is being served. A user's
        token travels with the call; without a user the service calls by itself. They raise the fault that
        the other side raised, :class:`daicho.faults.Unavailable` when it is away, and
        :class:`daicho.rpc.DeadlineExceeded`.
        """
        return kind(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls under way fail."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._connection is not None:
            await self._connection.channel.close(None)
            self._connection = None

    def connection(self) -> _Connection:
        """The connection with the certificate in force."""
        held = material(self._certificates)
        if self._connection is None or self._connection.material != held:
            if self._connection is not None:
                self._retire(self._connection)
            self._connection = _Connection(self._target, held, self._options)
        return self._connection

    def _retire(self, connection: _Connection) -> None:
        task = asyncio.create_task(connection.channel.close(OUTGOING_GRACE))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    # Generated stubs call these. They hand over how to write requests and read answers.

    def unary_unary(
        self, path: str, request_serializer: Any = None, response_deserializer: Any = None, **_private: Any
    ) -> UnaryMethod:
        """A method with one answer."""
        return UnaryMethod(self, path, request_serializer, response_deserializer, self._timeout)

    def unary_stream(
        self, path: str, request_serializer: Any = None, response_deserializer: Any = None, **_private: Any
    ) -> StreamMethod:
        """A method with many answers."""
        return StreamMethod(self, path, request_serializer, response_deserializer, self._stream_timeout)

    def stream_unary(self, path: str, *_writers: Any, **_private: Any) -> Any:
        """Not offered: the server would not serve it."""
        raise TypeError(f"{path} streams its request")

    stream_stream = stream_unary


class _Connection:
    """One gRPC channel under one certificate, and the methods made on it."""

    def __init__(self, target: str, held: Material, options: Any) -> None:
        self.material = held
        self.channel = grpc.aio.secure_channel(target, client_credentials(held), options)
        self._methods: dict[str, Any] = {}

    def method(self, make: str, path: str, writer: Any, reader: Any) -> Any:
        """The callable of ``path``; ``make`` is "unary_unary" or "unary_stream"."""
        found = self._methods.get(path)
        if found is None:
            found = self._methods[path] = getattr(self.channel, make)(path, writer, reader)
        return found


class _Method:
    """The parts that both kinds of method share: identity, deadline, and whether to try again."""

    make: str

    def __init__(self, channel: Channel, path: str, writer: Any, reader: Any, timeout: float) -> None:
        self._channel = channel
        self._path = path
        self._writer = writer
        self._reader = reader
        self._timeout = timeout
        self._attempts = ATTEMPTS if is_idempotent(path) else 1

    def _start(self, request: Any, deadline: float, metadata: list[tuple[str, str]]) -> Any:
        """Begin one attempt that ends at ``deadline`` on the monotonic clock."""
        method = self._channel.connection().method(self.make, self._path, self._writer, self._reader)
        return method(request, timeout=deadline - time.monotonic(), metadata=metadata)

    def _deadline(self, timeout: float | None) -> float:
        """When the whole call ends: what it asks for, within what is left around it, less the margin."""
        asked = self._timeout if timeout is None else timeout
        left = calls.remaining()
        budget = asked if left is None else min(asked, left - MARGIN)
        if budget <= 0:
            raise carriage.DeadlineExceeded
        return time.monotonic() + budget

    async def _pause(self, attempt: int, deadline: float, error: grpc.aio.AioRpcError) -> bool:
        """Wait before the next attempt; False when there is none to come."""
        if error.code() is not grpc.StatusCode.UNAVAILABLE or attempt + 1 >= self._attempts:
            return False
        pause = FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 jitter is no secret
        if deadline - time.monotonic() <= pause:
            return False
        await asyncio.sleep(pause)
        return True


class UnaryMethod(_Method):
    """A method with one answer: ``await method(request)``."""

    make = "unary_unary"

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 it travels to the other side
        actor: Given = INHERITED,
    ) -> Any:
        """The answer; see :meth:`Channel.stub`."""
        deadline = self._deadline(timeout)
        identity = _identity(actor)
        span, carried = tracing.client_span(self._path)
        metadata = [*identity, *carried]
        attempt = 0
        try:
            while True:
                try:
                    return await self._start(request, deadline, metadata)
                except grpc.aio.AioRpcError as error:
                    if not await self._pause(attempt, deadline, error):
                        raise _failed(span, error) from None
                attempt += 1
        finally:
            span.end()


class StreamMethod(_Method):
    """A method with many answers: ``async for answer in method(request)``."""

    make = "unary_stream"

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 it travels to the other side
        actor: Given = INHERITED,
    ) -> AsyncIterator[Any]:
        """The answers; see :meth:`Channel.stub`. It is tried again before its first answer alone."""
        deadline = self._deadline(timeout)
        identity = _identity(actor)
        span, carried = tracing.client_span(self._path)
        metadata = [*identity, *carried]
        attempt, begun = 0, False
        try:
            while True:
                call = self._start(request, deadline, metadata)
                try:
                    async for answer in call:
                        begun = True
                        yield answer
                except grpc.aio.AioRpcError as error:
                    if begun or not await self._pause(attempt, deadline, error):
                        raise _failed(span, error) from None
                else:
                    return
                finally:
                    call.cancel()  # whoever stops listening stops the other side's work
                attempt += 1
        finally:
            span.end()


def _failed(span: Span, error: grpc.aio.AioRpcError) -> Fault:
    """The fault of a failed call, noted on its span."""
    tracing.say_status(span, error.code().name, failed=True)
    return carriage.fault_of(error)


def _identity(given: Given) -> list[tuple[str, str]]:
    """The metadata that says for whom a call is made.

    Raises :class:`daicho.faults.Unauthenticated` for a user without a token: nobody can speak for them.
    """
    actor = calls.inherited_actor() if isinstance(given, _Inherited) else given
    if actor is None:
        return []
    metadata = []
    if actor.kind == "user":
        if actor.token is None:
            raise faults.Unauthenticated
        metadata.append((AUTHORIZATION, f"Bearer {actor.token}"))
    if actor.address is not None:
        metadata.append((ADDRESS, actor.address))
    if actor.request_id is not None:
        metadata.append((REQUEST_ID, actor.request_id))
    return metadata
