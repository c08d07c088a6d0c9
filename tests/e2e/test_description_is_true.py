"""What the API's description says happens: its examples are sent as they stand, its headers do what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from daicho.testkit.company import Company
from daicho.testkit.description import Description, Operation

UNKNOWN = "019abf4e-0000-7000-8000-000000000000"
#: They end the owner's session, or ask for what a test of their own has.
ELSEWHERE = {"/v1/sessions/current", "/v1/tenants"}


@pytest.fixture(scope="module")
async def company(product) -> AsyncIterator[Company]:
    company = await product.company()
    yield company
    await company.client.aclose()


@pytest.fixture(scope="module")
async def description(company) -> Description:
    description = Description((await company.client.get("/openapi.json")).json())
    company.client.event_hooks["response"].append(description.watch)
    return description


def url_of(operation: Operation) -> str:
    """The operation's path with ids that nobody has; for other names the examples."""

    def value(found: re.Match[str]) -> str:
        parameter = operation.parameters[found[1]]
        return UNKNOWN if parameter["schema"].get("format") == "uuid" else str(parameter["example"])

    return re.sub(r"\{(\w+)\}", value, operation.path)


async def post(company: Company, operation: Operation, *, key: str) -> httpx.Response:
    """The example as it stands, under an Idempotency-Key; a file for what takes one."""
    if "multipart/form-data" not in operation.said.get("requestBody", {}).get("content", {}):
        return await company.owner("POST", operation.path, operation.body, idempotency_key=key)
    return await company.client.post(
        operation.path,
        files={"file": ("a.csv", "姓\r\n田中\r\n".encode())},
        data={"resource": "contact"},
        headers=company.owner.bearer | {"idempotency-key": key},
    )


async def test_a_change_without_if_match_is_428_where_it_is_demanded_and_nowhere_else(
    company, description
) -> None:
    demanded = 0
    for operation in description.operations():
        if operation.method in {"PATCH", "DELETE"} and operation.path not in ELSEWHERE:
            answer = await company.owner(operation.method, url_of(operation), operation.body)
            is_demanded = "If-Match" in operation.parameters
            assert (answer.status_code == 428) == is_demanded, f"{operation.path}: {answer.text}"
            demanded += is_demanded
    assert demanded >= 8


async def test_the_examples_are_taken_and_a_repeated_key_repeats_the_answer_where_it_is_said(
    company, description
) -> None:
    said = 0
    for operation in description.operations():
        if operation.method != "POST" or operation.path in ELSEWHERE or "{" in operation.path:
            continue
        answers = [await post(company, operation, key=f"the-{said}-th") for _ in range(2)]
        repeats = answers[1].headers.get("idempotency-replayed") == "true"
        assert repeats == ("Idempotency-Key" in operation.parameters), f"{operation.path}: {answers[1].text}"
        if repeats:
            said += 1
            assert answers[0].status_code == 201, f"{operation.path}: {answers[0].text}"
            assert answers[1].content == answers[0].content
    assert said >= 5


async def test_every_read_answers_as_described(company, description) -> None:
    """The hook checks the answers; what is asked for here are the lists, and an unknown id of each kind."""
    for operation in description.operations():
        if operation.method == "GET":
            query = {
                name: each["example"]
                for name, each in operation.parameters.items()
                if each["in"] == "query" and each.get("required")
            }
            address = url_of(operation) + (
                "?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else ""
            )
            answer = await company.owner("GET", address)
            expected = 404 if "_id}" in operation.path or "user_id" in query else 200
            assert answer.status_code == expected, f"{operation.path}: {answer.text}"


async def test_an_answer_that_is_not_described_does_not_pass(company, description) -> None:
    """The check can fail: a member too many, a status that nobody told of, another type."""
    answer = await company.owner("GET", "/v1/me")
    description.check(answer)
    for wrong in ({"status_code": 418}, {"json": {**answer.json(), "more": 1}}, {"text": "hello"}):
        changed = type(answer)(
            **{"status_code": 200, "json": answer.json()} | wrong
            if "text" not in wrong
            else {"status_code": 200, **wrong}
        )
        changed.request = answer.request
        with pytest.raises(AssertionError):
            description.check(changed)
