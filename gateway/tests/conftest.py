"""The real Envoy between a client and three small upstream servers that tell what reached them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from daicho.gateway import Settings
from daicho.local.servers import free_port
from daicho.local.servers.envoy import EnvoyServer
from daicho.runtime import serve_http
from daicho.testkit.gateway import Gateway, SigningKey, Start, Upstream


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the console's and the documentation's builds leave behind."""
    root = tmp_path_factory.mktemp("built")
    page = '<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__"><p>{} 100%</p>'
    for name in ("console", "docs"):
        (root / name).mkdir()
        (root / name / "index.html").write_text(page.format(name), encoding="utf-8")
    (root / "console" / "assets").mkdir()
    (root / "console" / "assets" / "app-1a2b3c.js").write_text("let ledger = 0;\n" * 500, encoding="utf-8")
    (root / "console" / "favicon.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8"
    )
    (root / "secret.txt").write_text("outside", encoding="utf-8")
    (root / "docs" / "docs.js").write_text("let page = 0;\n", encoding="utf-8")
    (root / "openapi.json").write_text(json.dumps({"openapi": "3.1.0", "paths": {}}), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
async def start_gateway(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Start]:
    """Start a gateway with upstreams of its own; keywords are settings."""
    async with AsyncExitStack() as stack:

        async def start(
            *, ready: bool = True, trust: ssl.SSLContext | None = None, **overrides: Any
        ) -> Gateway:
            key = SigningKey()
            upstreams = {name: Upstream(name, key) for name in ("identity", "customers", "audit")}
            addresses = {
                name: f"127.0.0.1:{await stack.enter_async_context(serve_http(upstream, '127.0.0.1', 0))}"
                for name, upstream in upstreams.items()
            }
            pages = {
                "console_dir": str(built / "console"),
                "docs_dir": str(built / "docs"),
                "openapi_file": str(built / "openapi.json"),
            }
            settings = Settings(**{**addresses, **pages, "port": free_port(), **overrides})
            server = EnvoyServer(tmp_path_factory.mktemp("gateway") / "envoy", settings, threads=1)
            server.start()
            stack.callback(server.stop)
            await asyncio.to_thread(server.wait_until_ready)
            base = f"{'https' if settings.tls else 'http'}://127.0.0.1:{settings.port}"
            client = httpx.AsyncClient(base_url=base, verify=trust or True, timeout=20)
            gateway = Gateway(await stack.enter_async_context(client), settings, key, **upstreams)
            if ready:
                await gateway.wait_until_ready()
            return gateway

        yield start


@pytest.fixture(scope="session")
async def shared_gateway(start_gateway: Start) -> Gateway:
    return await start_gateway()


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """One gateway with the limits that ship, whose upstreams have seen nothing yet."""
    for upstream in shared_gateway.upstreams:
        upstream.seen.clear()
        upstream.first_piece.clear()
        upstream.answer_headers.clear()
    shared_gateway.client.cookies.clear()
    return shared_gateway
