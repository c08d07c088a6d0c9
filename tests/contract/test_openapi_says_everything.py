"""Every operation of the API's description says who may call it, what can go wrong, and shows what it takes and answers."""

import json
from collections import Counter
from pathlib import Path

import pytest

from daicho.testkit.description import Description

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "gateway" / "openapi.json").read_text())
DESCRIPTION = Description(DOCUMENT)
OPERATIONS = [
    pytest.param(each, id=f"{each.method} {each.path.lstrip('/')}") for each in DESCRIPTION.operations()
]
PROBLEM = {"$ref": "#/components/schemas/Problem"}


def problems_of(operation) -> set[int]:
    return {int(status) for status in operation.said["responses"] if int(status) >= 400}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_says_who_may_call_it(operation) -> None:
    permission = operation.said["x-permission"]
    if permission == "public":
        assert operation.said["security"] == []
        assert "Public: " in operation.said["description"]
    elif permission == "signed-in":
        assert "Requires a sign-in." in operation.said["description"]
    else:
        for each in permission.split(" or "):
            assert f"`{each}`" in operation.said["description"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_says_what_can_go_wrong(operation) -> None:
    expected = {400, 429, 500, 503}
    if operation.said["x-permission"] != "public":
        expected |= {401}
    if operation.said["x-permission"] not in {"public", "signed-in"}:
        expected |= {403}
    if "{" in operation.path:
        expected |= {404}
    if "requestBody" in operation.said:
        expected |= {413, 415, 422}
    if any(each["in"] == "query" for each in operation.parameters.values()):
        expected |= {422}
    if "If-Match" in operation.parameters:
        expected |= {412, 428}
    if "Idempotency-Key" in operation.parameters:
        expected |= {409, 422}
    assert expected <= problems_of(operation)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_problem_is_the_documents_own_with_an_example_of_each_code(operation) -> None:
    for status in problems_of(operation):
        content = operation.said["responses"][str(status)]["content"]
        assert content.keys() == {"application/problem+json"}
        held = content["application/problem+json"]
        assert held["schema"] == PROBLEM
        assert held["examples"]
        for code, example in held["examples"].items():
            assert (example["value"]["status"], example["value"]["code"]) == (status, code)
            assert DESCRIPTION.errors_of(PROBLEM, example["value"]) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_shows_what_it_takes_and_answers(operation) -> None:
    contents = [*operation.said.get("requestBody", {}).get("content", {}).values()]
    success = [each for status, each in operation.said["responses"].items() if status.startswith("2")]
    assert len(success) == 1
    contents += success[0].get("content", {}).values()
    assert contents or operation.method in {"DELETE", "POST"}, "only these may answer nothing"
    for content in contents:
        assert DESCRIPTION.errors_of(content["schema"], content["example"]) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_its_parameters_are_explained(operation) -> None:
    assert [name for name, each in operation.parameters.items() if not each.get("description")] == []
    assert "Accept-Language" in operation.parameters
    if "text/event-stream" in str(operation.said["responses"]["200"] if operation.method == "GET" else ""):
        assert "Last-Event-ID" in operation.parameters


def test_every_member_of_every_shape_is_explained() -> None:
    silent = [
        f"{name}.{member}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, inner in schema.get("properties", {}).items()
        if not inner.get("description")
    ]
    assert silent == []


def test_operations_have_names_of_their_own() -> None:
    names = Counter(each.said["operationId"] for each in DESCRIPTION.operations())
    assert [name for name, times in names.items() if times > 1] == []
