"""Requests that Schemathesis makes up from the API description, right and wrong ones: none ends in an accident, and every
answer is one that the description names."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from daicho.testkit.product import Product

#: They would take the walk's own session or its only user away.
LEFT_OUT = {
    ("DELETE", "/v1/sessions/current"),
    ("DELETE", "/v1/sessions/{session_id}"),
    ("PATCH", "/v1/users/{user_id}"),
}
#: It stays open as long as the token.
STREAM = "/v1/imports/{import_id}/events"
AS_DESCRIBED = [status_code_conformance, content_type_conformance, response_schema_conformance]
"""An answer has a status, a media type and a shape that the description names."""
EXAMPLES = 8
"""Of each operation and kind. The same ones each time; ``schemathesis run`` makes others, by the hour if asked."""


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
async def test_no_made_up_request_ends_in_an_accident(product: Product, mode: GenerationMode) -> None:
    company = await product.company()
    headers = company.owner.bearer
    await company.client.aclose()
    walked = await asyncio.to_thread(_walk, product.url, headers, mode)
    assert walked > 50


def _walk(url: str, headers: dict[str, str], mode: GenerationMode) -> int:
    """Every operation with made-up requests; how many there were. A thread's work: both libraries block."""
    description = schemathesis.openapi.from_url(f"{url}/openapi.json")
    walked = 0
    with httpx.Client(base_url=url, timeout=30) as client:
        for found in description.get_all_operations():
            operation = found.ok()
            if (operation.method.upper(), operation.path) in LEFT_OUT or operation.path == STREAM:
                continue
            _try(operation, client, headers, mode)
            walked += 1
    return walked


def _try(
    operation: APIOperation, client: httpx.Client, headers: dict[str, str], mode: GenerationMode
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=str(client.base_url), headers=headers)
        told = (operation.label, case.as_curl_command(headers={}))
        assert answer.status_code < 500, (told, answer.text[:500])
        case.validate_response(answer, checks=AS_DESCRIBED)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], told
            problem = answer.json()
            assert (problem["status"], bool(problem["code"])) == (answer.status_code, True), told

    ask()
