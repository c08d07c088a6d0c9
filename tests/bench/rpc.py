"""What the guard costs a call: `python tests/bench/rpc.py [calls]`.

Prints the median time of a unary call with token, deadline and faults through Server and Channel, beside the
same call through grpc.aio alone with mutual TLS, for one and for sixteen callers at once, medians of five runs
taken in turns.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import grpc
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daicho.contracts.audit.v1 import audit_pb2, audit_pb2_grpc
from daicho.rpc import Channel, Server
from daicho.tenancy import Actor, TenantId, UserId, uuid7

RUNS = 5
Call = Callable[[], Awaitable[Any]]


class Log(audit_pb2_grpc.LogServiceServicer):
    """Answers at once."""

    async def GetCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 as generated
        return audit_pb2.GetCheckpointResponse(size=1)


class Verifier:
    """Knows one token."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    async def verify(self, token: str) -> Actor:  # noqa: ARG002 there is but one
        return self.actor


class Source:
    """Holds one certificate, made here and signed by itself."""

    def __init__(
        self, authority: ec.EllipticCurvePrivateKey, service: str, root: bytes | None = None
    ) -> None:
        key = authority if root is None else ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(service)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=root is None, path_length=None), critical=True)
        )
        chain = builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.certificate = SimpleNamespace(key=pem, chain=chain, authority=root or chain)

    def current(self) -> Any:
        return self.certificate


@asynccontextmanager
async def guarded(server: Source, client: Source, actor: Actor) -> AsyncIterator[Call]:
    """A call through the lib."""
    request = audit_pb2.GetCheckpointRequest(tenant_id=actor.tenant_id.bytes)
    serving = Server(server, Verifier(actor))
    serving.add(audit_pb2_grpc.add_LogServiceServicer_to_server, Log())
    async with serving as port, Channel(f"127.0.0.1:{port}", client, service="audit") as channel:
        method = channel.stub(audit_pb2_grpc.LogServiceStub).GetCheckpoint
        yield lambda: method(request, actor=actor)


@asynccontextmanager
async def bare(server: Source, client: Source, actor: Actor) -> AsyncIterator[Call]:
    """The same call through grpc.aio alone."""
    request = audit_pb2.GetCheckpointRequest(tenant_id=actor.tenant_id.bytes)
    serving = grpc.aio.server()
    audit_pb2_grpc.add_LogServiceServicer_to_server(Log(), serving)
    held = server.certificate
    port = serving.add_secure_port(
        "127.0.0.1:0",
        grpc.ssl_server_credentials([(held.key, held.chain)], held.authority, require_client_auth=True),
    )
    await serving.start()
    own = client.certificate
    credentials = grpc.ssl_channel_credentials(own.authority, own.key, own.chain)
    options = [("grpc.ssl_target_name_override", "audit")]
    metadata = [("authorization", f"Bearer {actor.token}")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        method = audit_pb2_grpc.LogServiceStub(channel).GetCheckpoint
        yield lambda: method(request, timeout=2, metadata=metadata)
    await serving.stop(0)


async def measure(call: Call, count: int, callers: int) -> float:
    """Microseconds a call."""

    async def some() -> None:
        for _ in range(count // callers):
            await call()

    begun = perf_counter()
    await asyncio.gather(*(some() for _ in range(callers)))
    return (perf_counter() - begun) / count * 1e6


async def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    authority = ec.generate_private_key(ec.SECP256R1())
    root = Source(authority, "bench").certificate.chain
    server, client = Source(authority, "audit", root), Source(authority, "customers", root)
    actor = Actor(tenant_id=TenantId(uuid7()), kind="user", user_id=UserId(uuid7()), token="t" * 600)
    async with guarded(server, client, actor) as ours, bare(server, client, actor) as theirs:
        await measure(ours, 200, 1)
        await measure(theirs, 200, 1)
        for callers in (1, 16):
            pairs = [
                (await measure(ours, count, callers), await measure(theirs, count, callers))
                for _ in range(RUNS)
            ]
            guard, floor = (statistics.median(times) for times in zip(*pairs, strict=True))
            print(
                f"unary call, {callers} at once: {guard:.0f} µs, grpc.aio alone {floor:.0f} µs ({guard / floor:.2f} ×)"
            )


if __name__ == "__main__":
    uvloop.run(main())
