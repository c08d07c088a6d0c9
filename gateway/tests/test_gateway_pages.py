"""The console, the documentation, and one OpenAPI document."""

from __future__ import annotations

import re

import pytest

from daicho.gateway import merge
from daicho.gateway.openapi import ComponentClash
from daicho.testkit.gateway import Gateway


@pytest.mark.parametrize(
    "path", ["/", "/contacts", "/contacts/0199-abc/history", "/index.html", "/imports?step=2"]
)
async def test_every_address_of_the_console_is_its_page(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "<p>console 100%</p>" in answer.text


async def test_a_page_allows_only_its_own_scripts_and_styles_with_its_nonce(gateway: Gateway) -> None:
    first, second = [await gateway.client.get("/contacts") for _ in range(2)]
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    nonce = re.search(r'nonce="([^"]+)"', first.text)
    assert nonce is not None
    assert f"style-src 'self' 'nonce-{nonce[1]}'" in policy
    assert nonce[1] not in second.text


async def test_a_nonce_cannot_be_chosen_from_outside(gateway: Gateway) -> None:
    answer = await gateway.client.get("/", headers={"x-request-id": "'; script-src *"})
    assert "script-src *" not in answer.headers["content-security-policy"]


async def test_built_files_are_kept_for_good_and_arrive_squeezed(gateway: Gateway) -> None:
    answer = await gateway.client.get("/assets/app-1a2b3c.js", headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.startswith("let ledger")
    answer = await gateway.client.get("/assets/app-1a2b3c.js", headers={"accept-encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "br"


async def test_files_beside_the_page_are_served_and_not_kept(gateway: Gateway) -> None:
    answer = await gateway.client.get("/favicon.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_file_that_is_not_there_is_not_the_page(gateway: Gateway) -> None:
    for path in ("/assets/gone-000000.js", "/gone.png"):
        answer = await gateway.client.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/docs/../secret.txt", "/../secret.txt"],
)
async def test_nothing_outside_the_built_folders_is_served(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.get(path)
    assert "outside" not in answer.text


async def test_a_page_cannot_be_posted_to(gateway: Gateway) -> None:
    answer = await gateway.client.post("/contacts")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_documentation_needs_no_token(gateway: Gateway) -> None:
    for path in ("/docs", "/docs/"):
        answer = await gateway.client.get(path)
        assert "<p>docs 100%</p>" in answer.text
    assert (await gateway.client.get("/docs/docs.js")).text == "let page = 0;\n"
    assert (await gateway.client.get("/openapi.json")).json() == {"openapi": "3.1.0", "paths": {}}


def _document(path: str, component: object) -> dict[str, object]:
    reference = {"schema": {"$ref": "#/components/schemas/Page"}}
    return {
        "paths": {path: {"get": {"responses": {"200": reference}}}, "/healthz": {"get": {}}},
        "components": {"schemas": {"Page": component}},
    }


def test_one_openapi_document_holds_what_each_service_owns() -> None:
    merged = merge(
        {
            "identity": _document("/v1/users", {"type": "object"}),
            "audit": _document("/v1/audit/checkpoint", {"type": "object"}),
            "customers": _document("/v1/users", {"type": "object"}),
        }
    )
    assert list(merged["paths"]) == ["/v1/audit/checkpoint", "/v1/users"]
    assert merged["paths"]["/v1/users"]["get"]["tags"] == ["identity"]
    assert list(merged["components"]["schemas"]) == ["Page"]


def test_a_name_that_two_services_use_differently_is_told_apart_with_its_references() -> None:
    merged = merge(
        {
            "identity": _document("/v1/users", {"type": "object"}),
            "customers": _document("/v1/contacts", {"type": "array"}),
        }
    )
    assert merged["components"]["schemas"] == {"Page": {"type": "object"}, "CustomersPage": {"type": "array"}}
    answer = merged["paths"]["/v1/contacts"]["get"]["responses"]["200"]
    assert answer == {"schema": {"$ref": "#/components/schemas/CustomersPage"}}


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    both = {"schemas": {"Page": {"type": "array"}, "CustomersPage": {"type": "string"}}}
    with pytest.raises(ComponentClash):
        merge(
            {
                "identity": _document("/v1/users", {"type": "object"}),
                "customers": {"paths": {}, "components": both},
            }
        )
