"""What a client may say about itself, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daicho.testkit.gateway import Gateway, Start

FORGED = {
    "x-tenant-id": "b",
    "x-user-id": "b",
    "x-user": "b",
    "x-role": "owner",
    "x-roles": "owner",
    "x-daicho-actor": "b",
    "x-forwarded-host": "evil.example",
    "x-forwarded-port": "1",
    "x-forwarded-user": "b",
    "x-forwarded-client-cert": "By=b",
    "x-original-url": "/v1/users",
    "x-rewrite-url": "/v1/users",
    "x-real-ip": "203.0.113.9",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-http-method-override": "DELETE",
    "forwarded": "for=203.0.113.9;host=evil.example",
    "x_tenant_id": "b",
}


async def test_headers_that_claim_an_identity_or_an_origin_do_not_arrive(gateway: Gateway) -> None:
    await gateway.client.get("/v1/contacts", headers=gateway.bearer() | FORGED)
    arrived = gateway.customers.seen[0].headers
    assert not FORGED.keys() & arrived.keys()
    assert [name for name in arrived if name.startswith("x-envoy")] == []


async def test_the_same_holds_on_doors_that_need_no_token(gateway: Gateway) -> None:
    await gateway.client.post("/v1/sessions", headers=FORGED)
    assert not FORGED.keys() & gateway.identity.seen[0].headers.keys()


async def test_headers_that_services_work_with_arrive(gateway: Gateway) -> None:
    said = {
        "if-match": '"3"',
        "idempotency-key": "k",
        "accept-language": "ja",
        "origin": "http://127.0.0.1",
        "last-event-id": "7",
        "content-encoding": "gzip",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "a=b",
    }
    await gateway.client.get("/v1/contacts", headers=gateway.bearer() | said)
    assert said.items() <= gateway.customers.seen[0].headers.items()


async def test_the_address_is_the_peers_whatever_x_forwarded_for_claims(gateway: Gateway) -> None:
    await gateway.client.get("/v1/contacts", headers=gateway.bearer() | {"x-forwarded-for": "203.0.113.9"})
    assert gateway.customers.seen[0].headers["x-forwarded-for"] == "127.0.0.1"


async def test_behind_one_proxy_of_ours_the_last_entry_is_believed_and_no_other(start_gateway: Start) -> None:
    gateway = await start_gateway(trusted_hops=1)
    claimed = {"x-forwarded-for": "203.0.113.9, 198.51.100.7"}
    await gateway.client.get("/v1/contacts", headers=gateway.bearer() | claimed)
    assert gateway.customers.seen[0].headers["x-forwarded-for"] == "198.51.100.7"


async def test_each_request_gets_an_id_of_our_making(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer() | {"x-request-id": "mine"})
    arrived = gateway.customers.seen[0].headers["x-request-id"]
    assert UUID(arrived)
    assert answer.headers["x-request-id"] == arrived


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/nothing", "/", "/assets/app-1a2b3c.js", "/healthz"])
@pytest.mark.parametrize("signed_in", [True, False])
async def test_every_answer_carries_the_security_headers(
    gateway: Gateway, path: str, *, signed_in: bool
) -> None:
    answer = await gateway.client.get(path, headers=gateway.bearer() if signed_in else {})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["server"] == "daicho"
    assert "strict-transport-security" not in answer.headers
    assert "x-envoy-upstream-service-time" not in answer.headers


async def test_answers_of_the_api_are_not_kept_unless_the_service_says_so(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer())
    assert answer.headers["cache-control"] == "no-store"
    gateway.customers.answer_headers["cache-control"] = "private, max-age=60"
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer())
    assert answer.headers["cache-control"] == "private, max-age=60"


async def test_escaped_slashes_and_dots_do_not_lead_around_the_table(gateway: Gateway) -> None:
    for path in ("/v1/contacts%2f..%2f..%2fv1/users", "/v1/sessions%5c..%5cusers"):
        answer = await gateway.client.get(path)
        assert answer.status_code == 400
        assert answer.json()["code"] == "malformed"
    assert gateway.identity.seen == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /v1/me HTTP/1.0", 426),
        ("POST /v1/sessions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: squeezed", 501),
        ("POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked", 400),
        ("POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2", 400),
        ("GET /v1/me HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket", 403),
        ("GET /v1/me#x HTTP/1.1\r\nhost: x", 400),
        ("GET /v1/me HTTP/1.1", 400),
    ],
    ids=["old", "encoding", "two lengths", "lengths differ", "websocket", "fragment", "no host"],
)
async def test_what_is_no_good_http_is_a_problem_as_well_and_reaches_nobody(
    gateway: Gateway, head: str, status: int
) -> None:
    reading, writing = await asyncio.open_connection("127.0.0.1", gateway.client.base_url.port)
    writing.write(f"{head}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = (await reading.readuntil(b"}")).decode()
    writing.close()
    head_of_answer, _, body = answer.partition("\r\n\r\n")
    assert head_of_answer.startswith(f"HTTP/1.1 {status} ")
    assert "content-type: application/problem+json" in head_of_answer
    problem = json.loads(body)
    assert (problem["status"], bool(problem["code"])) == (status, True)
    assert gateway.identity.seen == []


async def test_with_tls_browsers_are_told_to_stay_with_it(start_gateway: Start, tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate))
    gateway = await start_gateway(trust=trust, tls_certificate=str(certificate), tls_key=str(key))
    answer = await gateway.client.get("/v1/contacts", headers=gateway.bearer())
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert gateway.customers.seen[0].headers["x-forwarded-proto"] == "https"


def _self_signed(folder: Path) -> tuple[Path, Path]:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    files = folder / "gateway.crt", folder / "gateway.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
