"""gRPC served: mutual TLS, health, caps, a graceful stop; and a guard before every method."""

from __future__ import annotations

import asyncio
import errno
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import grpc
from grpc_health.v1 import health as health_checking
from grpc_health.v1 import health_pb2, health_pb2_grpc

from daicho.rpc.certificates import CertificateSource, server_credentials
from daicho.rpc.guard import Guard, Method, TokenVerifier
from daicho.rpc.rules import rule_of
from daicho.runtime import Health
from daicho.tenancy import RefusalLog

LARGEST_MESSAGE = 4 * 1024 * 1024

Adder = Callable[[Any, Any], None]
"""A generated ``add_XServicer_to_server``."""

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a shared one
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    # A certificate is looked at when a connection begins: none outlives its certificate by much.
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", 600_000),
)


class Server:
    """The gRPC services of one process on one port.

    ``async with server as port`` serves while the block runs. Entering raises OSError when the port is
    taken; :meth:`add` raises :class:`daicho.rpc.MissingRule` for a method that does not say who may call
    it. At the end calls get ``grace`` seconds to finish while new ones are refused. ``health`` answers the
    gRPC health service, which any certificate of the authority may ask. ``timeout`` and ``stream_timeout``
    end calls that came without a deadline. ``refusals`` hears of every 403, and of every 404 that a user was answered.
    """

    def __init__(
        self,
        certificates: CertificateSource,
        verifier: TokenVerifier,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        health: Health | None = None,
        timeout: float = 2.0,
        stream_timeout: float = 30.0,
        grace: float = 3.0,
        refusals: RefusalLog | None = None,
    ) -> None:
        self._certificates = certificates
        self._verifier = verifier
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._health = _HealthServicer(health or Health())
        self._timeout = timeout
        self._stream_timeout = stream_timeout
        self._grace = grace
        self._refusals = refusals
        self._services: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        self._server: grpc.aio.Server | None = None

    def add(self, add_to_server: Adder, servicer: Any) -> None:
        """Serve ``servicer``, registered by the generated ``add_XServicer_to_server``."""
        add_to_server(servicer, _Registrar(self._take))

    @property
    def methods(self) -> frozenset[str]:
        """The paths that are served, health aside."""
        return frozenset(f"/{service}/{name}" for service, held in self._services.items() for name in held)

    async def __aenter__(self) -> int:
        server = grpc.aio.server(options=_OPTIONS)
        for service, handlers in self._services.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            port = server.add_secure_port(self._address, server_credentials(self._certificates))
        except RuntimeError as error:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {self._address}") from error
        await server.start()
        self._server = server
        return port

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self._grace)
            self._server = None

    def _take(self, service: str, handlers: Mapping[str, Any]) -> None:
        self._services[service] = {
            name: self._guarded(f"/{service}/{name}", handler) for name, handler in handlers.items()
        }

    def _guarded(self, path: str, handler: Any) -> grpc.RpcMethodHandler[Any, Any]:
        """``handler`` behind its guard, which reads the request itself: bytes reach no code before it."""
        if handler.request_streaming:
            raise TypeError(f"{path} streams its request: write it with one request, or teach the guard")
        method: Method = handler.unary_stream if handler.response_streaming else handler.unary_unary
        written = inspect.isasyncgenfunction if handler.response_streaming else inspect.iscoroutinefunction
        if not written(method):
            raise TypeError(f"{path} is not implemented by its servicer, or not with async def")
        guard = Guard(
            path,
            method,
            read=handler.request_deserializer,
            rule=rule_of(path),
            verifier=self._verifier,
            longest=self._stream_timeout if handler.response_streaming else self._timeout,
            refusals=self._refusals,
        )
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                guard.stream, response_serializer=handler.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            guard.unary, response_serializer=handler.response_serializer
        )


class _Registrar:
    """Stands where generated code expects a server, and passes on what it registers."""

    def __init__(self, take: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._take = take

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same methods again, without their names."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """The methods of one service, by name."""
        self._take(service, handlers)


class _HealthServicer(health_checking.aio.HealthServicer):  # type: ignore[misc,name-defined]  # untyped
    """The standard health service over the process's own checks."""

    def __init__(self, health: Health) -> None:
        super().__init__()
        self._health = health
        self._asking = asyncio.Lock()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 the name in the protocol
        """Ask the checks, then answer, and tell those who watch."""
        async with self._asking:
            missing = await self._health.missing()
            serving = (
                health_pb2.HealthCheckResponse.NOT_SERVING
                if missing
                else health_pb2.HealthCheckResponse.SERVING
            )
            await self.set("", serving)
        return await super().Check(request, context)
