"""What others call stays: the routes, members, values and types that the product promised by name.

The tables below are the promise, word by word; the description in ``gateway/openapi.json`` (which the services are
held to by ``test_openapi_snapshot``, and their answers by ``tests/e2e/test_description_is_true``) is looked up in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "gateway" / "openapi.json").read_text())

ROUTES = [
    "",
    "POST /v1/tenants",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "DELETE /v1/sessions/current",
    "POST /v1/email-confirmations",
    "POST /v1/password-resets",
    "POST /v1/password-resets/complete",
    "GET /v1/me",
    "GET /v1/users",
    "PATCH /v1/users/{}",
    "POST /v1/invitations",
    "POST /v1/invitations/accept",
    "GET /v1/roles",
    "GET /v1/teams",
    "GET /v1/fields",
    "POST /v1/fields",
    "POST /v1/companies",
    "GET /v1/companies",
    "GET /v1/companies/{}",
    "PATCH /v1/companies/{}",
    "DELETE /v1/companies/{}",
    "POST /v1/companies/search",
    "GET /v1/companies/{}/history",
    "POST /v1/companies/{}/restore",
    "POST /v1/contacts",
    "GET /v1/contacts",
    "GET /v1/contacts/{}",
    "PATCH /v1/contacts/{}",
    "DELETE /v1/contacts/{}",
    "POST /v1/contacts/search",
    "GET /v1/contacts/{}/history",
    "POST /v1/contacts/{}/restore",
    "POST /v1/imports",
    "GET /v1/imports/{}",
    "PATCH /v1/imports/{}",
    "POST /v1/imports/{}/check",
    "POST /v1/imports/{}/run",
    "GET /v1/imports/{}/errors",
    "GET /v1/imports/{}/rejected",
    "GET /v1/imports/{}/events",
    "POST /v1/audit/entries/search",
    "GET /v1/audit/entries/{}/proof",
    "GET /v1/audit/checkpoint",
    "",
][1:-1]

CONTACT = """
family_name given_name family_name_kana given_name_kana emails[].kind emails[].address phones[].kind phones[].number
company_id company_name department title address.postal_code address.prefecture address.city address.street
address.building birthday notes customer_code lifecycle owner_id tags custom
"""
TAKEN = {
    "POST /v1/tenants": "code company_name admin.email admin.display_name admin.password",
    "POST /v1/sessions": "tenant email password",
    "POST /v1/email-confirmations": "token",
    "POST /v1/password-resets": "tenant email",
    "POST /v1/password-resets/complete": "token password",
    "PATCH /v1/users/{}": "role team_id disabled",
    "POST /v1/invitations": "invitations[].email invitations[].role invitations[].team_id",
    "POST /v1/invitations/accept": "token display_name password",
    "POST /v1/fields": """
        resource key label type options[].value options[].label required unique sensitive default searchable sortable
        read_roles write_roles
    """,
    "POST /v1/contacts": CONTACT,
    "PATCH /v1/contacts/{}": CONTACT,
    "POST /v1/contacts/search": "filter q sort limit cursor",
    "POST /v1/companies/search": "filter q sort limit cursor",
    "POST /v1/imports": "file resource",
    "PATCH /v1/imports/{}": "encoding delimiter header_row mapping[].column mapping[].field match_on on_match",
}
"""Operation → the members that its body may have."""

IMPORT = "id status rows valid rejected created updated skipped"
ANSWERED = {
    "POST /v1/sessions": "access_token refresh_token token_type expires_in",
    "POST /v1/sessions/refresh": "access_token refresh_token token_type expires_in",
    "GET /v1/contacts/{}": CONTACT,
    "GET /v1/contacts": "items next_cursor",
    "POST /v1/contacts/search": "items next_cursor",
    "GET /v1/companies": "items next_cursor",
    "POST /v1/companies/search": "items next_cursor",
    "POST /v1/imports": """
        id status encoding delimiter header_row columns[].index columns[].name columns[].samples
        columns[].suggested_field
    """,
    "GET /v1/imports/{}": IMPORT,
    "GET /v1/imports/{}/errors": """
        items[].row items[].line items[].column items[].code items[].detail next_cursor
    """,
}
"""Operation → the members that its success answer has."""

VALUES = {
    ("POST /v1/fields", "taken", "type"): """
        text long_text integer decimal money date datetime boolean select multi_select url email phone user link
    """,
    ("POST /v1/fields", "taken", "resource"): "contact company",
    ("POST /v1/contacts", "taken", "lifecycle"): "lead prospect customer former other",
    ("PATCH /v1/imports/{}", "taken", "on_match"): "create update skip",
    ("GET /v1/imports/{}", "answered", "status"): "mapping checking checked running done failed",
}
"""A member → every value that it has: no fewer, and none that nobody was told of."""


def plain(path: str) -> str:
    """``path`` with its parameters nameless."""
    return "/".join("{}" if step.startswith("{") else step for step in path.split("/"))


OPERATIONS = {
    f"{method.upper()} {plain(path)}": said
    for path, methods in DOCUMENT["paths"].items()
    for method, said in methods.items()
}


def followed(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas that ``schema`` stands for: its reference and alternatives followed, without null."""
    if "$ref" in schema:
        return followed(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found = [inner for each in schema.get("oneOf", ()) for inner in followed(each)]
    return [each for each in found or [schema] if each.get("type") != "null"]


def member(schema: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """What ``emails[].kind`` leads to in ``schema``; nothing where there is no such member."""
    found = followed(schema)
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [
            inner
            for each in found
            if name in each.get("properties", {})
            for inner in followed(each["properties"][name])
        ]
        if step.endswith("[]"):
            found = [inner for each in found for inner in followed(each.get("items", {}))]
    return found


def taken(operation: str) -> dict[str, Any]:
    """The schema of an operation's body."""
    content = OPERATIONS[operation]["requestBody"]["content"]
    return next(iter(content.values()))["schema"]


def answered(operation: str) -> dict[str, Any]:
    """The schema of an operation's success answer."""
    (answer,) = (
        each for status, each in OPERATIONS[operation]["responses"].items() if status.startswith("2")
    )
    return next(iter(answer["content"].values()))["schema"]


def lacking(schema: dict[str, Any], names: str) -> list[str]:
    """Those of ``names`` that ``schema`` does not have."""
    return [name for name in names.split() if not member(schema, name)]


@pytest.mark.parametrize("route", ROUTES)
def test_the_route_is_there(route) -> None:
    assert route in OPERATIONS


@pytest.mark.parametrize("operation", TAKEN)
def test_it_takes_the_members(operation) -> None:
    assert lacking(taken(operation), TAKEN[operation]) == []


@pytest.mark.parametrize("operation", ANSWERED)
def test_it_answers_the_members(operation) -> None:
    assert lacking(answered(operation), ANSWERED[operation]) == []


@pytest.mark.parametrize("place", VALUES, ids="-".join)
def test_a_member_has_the_values(place) -> None:
    operation, way, path = place
    (schema,) = member({"taken": taken, "answered": answered}[way](operation), path)
    assert set(schema["enum"]) == set(VALUES[place].split())


def test_a_tenant_is_created_with_201() -> None:
    assert "201" in OPERATIONS["POST /v1/tenants"]["responses"]


@pytest.mark.parametrize("operation", ["POST /v1/tenants", "POST /v1/sessions", "POST /v1/invitations"])
def test_what_must_be_sent_is_no_more_than_was_said(operation) -> None:
    said = {name.partition(".")[0].removesuffix("[]") for name in TAKEN[operation].split()}
    (schema,) = followed(taken(operation))
    assert set(schema["required"]) <= said


def test_money_is_whole_minor_units_and_a_currency() -> None:
    money = DOCUMENT["components"]["schemas"]["Money"]["properties"]
    assert (money["amount"]["type"], money["currency"]["type"]) == ("integer", "string")


def test_an_upload_is_multipart_and_progress_a_stream_of_events() -> None:
    assert OPERATIONS["POST /v1/imports"]["requestBody"]["content"].keys() == {"multipart/form-data"}
    assert OPERATIONS["GET /v1/imports/{}/events"]["responses"]["200"]["content"].keys() == {
        "text/event-stream"
    }


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ("emails[].kind address.city custom", []),
        (
            "emails[].sort address.country nickname tags.x",
            ["emails[].sort", "address.country", "nickname", "tags.x"],
        ),
    ],
)
def test_a_name_that_is_not_there_is_seen(names, missing) -> None:
    """The look-up can fail: through a list, through an object that may be null, at the top."""
    assert lacking(taken("POST /v1/contacts"), names) == missing
