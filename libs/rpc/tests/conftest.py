"""What the tests of rpc share: an authority, a small service made at test time, servers and channels."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daicho import faults
from daicho.rpc import Channel, Server
from daicho.tenancy import Actor, SessionId, TenantId, UserId, uuid7

PROTO = Path(__file__).resolve().parents[3] / "proto"

SERVICE = """
syntax = "proto3";
package daicho.rpctest.v1;
import "daicho/rpc/v1/access.proto";

service EchoService {
  rpc Echo(EchoRequest) returns (EchoResponse) {
    option (daicho.rpc.v1.access) = { callers: ["customers"] party: PARTY_USER };
  }
  rpc Read(EchoRequest) returns (EchoResponse) {
    option (daicho.rpc.v1.access) = { callers: ["customers"] party: PARTY_EITHER };
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Write(EchoRequest) returns (EchoResponse) {
    option (daicho.rpc.v1.access) = { callers: ["customers"] party: PARTY_EITHER };
  }
  rpc Own(EchoRequest) returns (EchoResponse) {
    option (daicho.rpc.v1.access) = { callers: ["customers"] party: PARTY_SERVICE };
  }
  rpc Tell(EchoRequest) returns (stream EchoResponse) {
    option (daicho.rpc.v1.access) = { callers: ["customers"] party: PARTY_EITHER };
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}

service LooseService {
  rpc Anything(EchoRequest) returns (EchoResponse);
}

message EchoRequest {
  bytes tenant_id = 1;
  string text = 2;
  uint32 times = 3;
}

message EchoResponse {
  string text = 1;
}
"""


@dataclass(frozen=True)
class IssuedCertificate:
    key: bytes
    chain: bytes
    authority: bytes


class Authority:
    """A certificate authority in memory."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, service: str, *, lifetime: timedelta = timedelta(hours=1)) -> IssuedCertificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service)])
        leaf = (
            self._builder(name, key, lifetime)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(service)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return IssuedCertificate(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            leaf.public_bytes(serialization.Encoding.PEM),
            self.certificate.public_bytes(serialization.Encoding.PEM),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta = timedelta(hours=1)
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=2))
            .not_valid_after(now + lifetime)
        )


class Held:
    """A certificate source whose certificate a test exchanges."""

    def __init__(self, certificate: IssuedCertificate) -> None:
        self.certificate = certificate

    def current(self) -> IssuedCertificate:
        return self.certificate


class Verifier:
    """Knows the tokens that a test made."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {}
        self.seen: list[str] = []

    def sign_in(self) -> Actor:
        token = f"token-{uuid7()}"
        actor = Actor(
            tenant_id=TenantId(uuid7()),
            kind="user",
            user_id=UserId(uuid7()),
            session_id=SessionId(uuid7()),
            token=token,
        )
        self.actors[token] = actor
        return actor

    async def verify(self, token: str) -> Actor:
        self.seen.append(token)
        if token not in self.actors:
            raise faults.Unauthenticated
        return self.actors[token]


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def verifier() -> Verifier:
    return Verifier()


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The modules generated of SERVICE: ``echo.pb`` and ``echo.grpc``."""
    folder = tmp_path_factory.mktemp("echo")
    (folder / "rpctest_echo.proto").write_text(SERVICE)
    well_known = resources.files("grpc_tools") / "_proto"
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{PROTO}", f"-I{well_known}"),
            *(f"--python_out={folder}", f"--grpc_python_out={folder}", "rpctest_echo.proto"),
        ],
        check=True,
    )
    module = folder / "rpctest_echo_pb2.py"
    module.write_text(module.read_text().replace("from daicho.rpc.v1", "from daicho.contracts.rpc.v1"))
    sys.path.insert(0, str(folder))
    try:
        pb: ModuleType = importlib.import_module("rpctest_echo_pb2")
        stubs: ModuleType = importlib.import_module("rpctest_echo_pb2_grpc")
        yield SimpleNamespace(pb=pb, grpc=stubs)
    finally:
        sys.path.remove(str(folder))


class Bench:
    """A server of the echo service and channels to it, for one test."""

    def __init__(self, echo: SimpleNamespace, authority: Authority, verifier: Verifier) -> None:
        self.echo = echo
        self.authority = authority
        self.verifier = verifier
        self.port = 0
        self._stack = AsyncExitStack()

    async def serve(self, _servicer: type | None = None, **methods: Callable[..., Any]) -> int:
        """Serve ``methods`` (name=async function of request and context); the others echo."""
        server = self.server()
        server.add(self.echo.grpc.add_EchoServiceServicer_to_server, self.servicer(**methods))
        self.port = await self._stack.enter_async_context(server)
        return self.port

    def server(self, **options: Any) -> Server:
        return Server(Held(self.authority.issue("identity")), self.verifier, **options)

    def servicer(self, **methods: Callable[..., Any]) -> Any:
        response = self.echo.pb.EchoResponse

        async def echo_back(self: Any, request: Any, context: Any) -> Any:
            return response(text=request.text)

        async def tell(self: Any, request: Any, context: Any) -> AsyncIterator[Any]:
            for number in range(request.times):
                yield response(text=f"{request.text}{number}")

        bodies = dict.fromkeys(("Echo", "Read", "Write", "Own"), echo_back) | {"Tell": tell}
        bodies |= {name: _as_method(function) for name, function in methods.items()}
        return type("Servicer", (self.echo.grpc.EchoServiceServicer,), bodies)()

    def hold(self, certificate: IssuedCertificate) -> Held:
        """A source of ``certificate``, which a test may exchange."""
        return Held(certificate)

    async def keep(self, context: Any) -> Any:
        """Enter ``context`` until the test ends."""
        return await self._stack.enter_async_context(context)

    async def channel(self, service: str = "customers", *, to: str = "identity", **options: Any) -> Channel:
        channel = Channel(
            f"127.0.0.1:{options.pop('port', self.port)}",
            options.pop("source", None) or Held(self.authority.issue(service)),
            service=to,
            **options,
        )
        return await self._stack.enter_async_context(channel)

    async def stub(self, service: str = "customers", **options: Any) -> Any:
        return (await self.channel(service, **options)).stub(self.echo.grpc.EchoServiceStub)

    @asynccontextmanager
    async def raw(self, certificate: IssuedCertificate | None = None) -> AsyncIterator[grpc.aio.Channel]:
        """A channel of grpc itself, to send what ours would not."""
        held = certificate or self.authority.issue("customers")
        credentials = grpc.ssl_channel_credentials(held.authority, held.key, held.chain)
        options = [("grpc.ssl_target_name_override", "identity")]
        async with grpc.aio.secure_channel(f"127.0.0.1:{self.port}", credentials, options) as channel:
            yield channel

    async def close(self) -> None:
        await self._stack.aclose()


def _as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(request, context)`` as a method; what kind of function it is stays visible."""
    import inspect

    if inspect.isasyncgenfunction(function):

        async def stream(self: Any, request: Any, context: Any) -> AsyncIterator[Any]:
            async for answer in function(request, context):
                yield answer

        return stream

    async def unary(self: Any, request: Any, context: Any) -> Any:
        return await function(request, context)

    return unary


@pytest.fixture
async def bench(echo: SimpleNamespace, authority: Authority, verifier: Verifier) -> AsyncIterator[Bench]:
    made = Bench(echo, authority, verifier)
    try:
        yield made
    finally:
        await made.close()
