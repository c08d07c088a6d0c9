"""A Kafka of a test's own that lets nobody in without TLS and a password or certificate, with ACLs.

Needs Java and a folder of Kafka's jars: ``KAFKA_LIBS``, else the newest ``kafka-*`` in ``DAICHO_CACHE`` (where
``kafka.sh`` of the CI's tools keeps them).
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daicho.local.servers import free_port

_ADMIN: Final = "admin"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required"
_STARTED_WITHIN: Final = 120.0
_PROPERTIES: Final = Path(__file__).resolve().parents[5] / "infra" / "kafka" / "server.properties"


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """A running broker; ``scram_port`` takes passwords, ``mtls_port`` client certificates."""

    folder: Path
    scram_port: int
    mtls_port: int
    passwords: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def url(self, user: str) -> str:
        """The bus's address for ``user``, who has a password."""
        return f"kafkas://{user}:{self.passwords[user]}@localhost:{self.scram_port}?ca={self.folder}/ca.pem"

    def certificate_url(self, user: str) -> str:
        """The bus's address for ``user``, who has a certificate."""
        files = f"cert={self.folder}/{user}.crt&key={self.folder}/{user}.key"
        return f"kafkas://localhost:{self.mtls_port}?ca={self.folder}/ca.pem&{files}"


@contextmanager
def secured_kafka(folder: Path, users: Sequence[str], rules: str) -> Iterator[SecuredKafka]:
    """Run a broker while the block does; ``users`` may log in, and ``rules`` is a script of kafka-acls.sh commands."""
    jars = _jars()
    passwords = {user: uuid.uuid4().hex for user in (*users, _ADMIN)}
    ports = [free_port() for _ in range(3)]
    _make_certificates(folder, ("broker", *users))
    conf = folder / "server.properties"
    conf.write_text(_configuration(folder, ports))
    java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[:22]
    scram = [f"SCRAM-SHA-512=[name={user},password={word}]" for user, word in passwords.items()]
    _run(
        [
            *java,
            "kafka.tools.StorageTool",
            "format",
            "-c",
            str(conf),
            "-t",
            cluster,
            *_each("--add-scram", scram),
        ]
    )
    with (folder / "kafka.log").open("wb") as log:
        process = subprocess.Popen([*java, "-Xmx384m", "kafka.Kafka", str(conf)], stdout=log, stderr=log)
    try:
        _wait(process, ports[0], folder / "kafka.log")
        running = SecuredKafka(folder, ports[0], ports[1], passwords, process)
        _apply(running, java, rules)
        yield running
    finally:
        process.kill()
        process.wait()


def _jars() -> str:
    given = os.environ.get("KAFKA_LIBS")
    cache = Path(os.environ.get("DAICHO_CACHE") or Path.home() / ".cache" / "daicho")
    found = [given] if given else [str(path) for path in sorted(cache.glob("kafka-*")) if path.is_dir()]
    if not found or shutil.which("java") is None:
        pytest.fail("LACKING: Java and Kafka's jars: set KAFKA_LIBS to their folder", pytrace=False)
    return found[-1]


def _configuration(folder: Path, ports: Sequence[int]) -> str:
    """The product's own settings, with the places of this broker."""
    scram, mtls, controller = ports
    return (
        _PROPERTIES.read_text(encoding="utf-8")
        + f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=SASL_SSL://localhost:{scram},SSL://localhost:{mtls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://localhost:{scram},SSL://localhost:{mtls}
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SSL
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={_SCRAM};
super.users=User:ANONYMOUS;User:broker;User:{_ADMIN}
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""
    )


def _apply(kafka: SecuredKafka, java: Sequence[str], rules: str) -> None:
    """Run ``rules`` with a ``kafka-acls.sh`` like the one that Kafka ships."""
    tool = kafka.folder / "kafka-acls.sh"
    command = " ".join(f"'{word}'" for word in (*java, "org.apache.kafka.tools.AclCommand"))
    tool.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    tool.chmod(0o755)
    login = kafka.folder / "admin.properties"
    login.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={kafka.folder}/ca.pem\n"
        f'sasl.jaas.config={_SCRAM} username="{_ADMIN}" password="{kafka.passwords[_ADMIN]}";\n'
    )
    script = kafka.folder / "acls.sh"
    script.write_text(rules)
    environ = {
        "PATH": f"{kafka.folder}:{os.environ['PATH']}",
        "KAFKA_BOOTSTRAP": f"localhost:{kafka.scram_port}",
        "KAFKA_ADMIN": str(login),
    }
    _run(["sh", str(script)], environ)


def _run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {(done.stderr or done.stdout)[-2_000:]}")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the broker did not start: {log.read_text(errors='replace')[-3_000:]}")
        time.sleep(0.2)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _make_certificates(folder: Path, names: Sequence[str]) -> None:
    """An authority, and a certificate for each of ``names``: PEM files."""
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("test authority", "test authority", authority, authority, is_authority=True)
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, "test authority", key, authority, is_authority=False)
        certificate = made.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.crt").write_bytes(certificate)
        (folder / f"{name}.key").write_bytes(private)
        (folder / f"{name}.pem").write_bytes(private + certificate)


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(authority, hashes.SHA256())
    )
