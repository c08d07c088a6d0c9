"""Two companies that are strangers to each other, in the whole product behind its gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from daicho.testkit.company import Caller, Company
from daicho.testkit.description import Description
from daicho.testkit.waiting import until

UNKNOWN = "01900000-0000-7000-8000-000000000000"
"""An id of the right form that nobody has."""


@dataclass
class Strangers:
    """Company A, with an owner and somebody who may do nothing; company B, whose things A must never see.

    ``theirs`` holds ids of B's things by the name of the path parameter; ``marks`` are words and ids that
    stand in B's records and nowhere else.
    """

    a: Company
    b: Company
    powerless: Caller
    theirs: dict[str, str]
    marks: list[str]


@pytest.fixture(scope="session")
async def strangers(product) -> AsyncIterator[Strangers]:
    """Made once; tests must leave B as it is. Whatever is asked, the API's description knows the answer."""
    a, b = await product.company(), await product.company()
    description = Description((await a.client.get("/openapi.json")).json())
    for company in (a, b):
        company.client.event_hooks["response"].append(description.watch)
    powerless = await a.invite("nobody", "read_only")
    granted = (await powerless.get("/v1/me"))["permissions"]
    await a.set_role("read_only", **{name.replace(":", "_"): "none" for name in granted})
    theirs, marks = await _fill(b)
    yield Strangers(a, b, powerless, theirs, [*marks, *theirs.values(), b.tenant_id, b.code])
    await a.client.aclose()
    await b.client.aclose()


async def _fill(company: Company) -> tuple[dict[str, str], list[str]]:
    """One of everything; ids by the name of the path parameter that takes them, and words that are in them."""
    owner = company.owner
    marks = ["雲霧仁左衛門", "クモキリ", "kumokiri@secret.example.jp", "雲霧商会", "雲霧の組", "雲霧の欄"]
    contact = await owner.post(
        "/v1/contacts",
        {
            "family_name": marks[0],
            "family_name_kana": marks[1],
            "emails": [{"address": marks[2]}],
            "company_name": marks[3],
        },
    )
    field = await owner.post(
        "/v1/fields", {"resource": "contact", "key": "kumo", "label": marks[5], "type": "text"}
    )
    team = await owner.post("/v1/teams", {"name": marks[4]})
    asked = await owner.post(
        "/v1/invitations", {"invitations": [{"email": "asked@secret.example.jp", "role": "member"}]}
    )
    imported = await owner.upload(
        "姓,メールアドレス\r\n雲霧,k@secret.example.jp\r\n".encode("cp932"), name="a.csv"
    )
    sessions = (await owner.get("/v1/sessions"))["items"]

    async def entries() -> list[dict[str, str]]:
        found: list[dict[str, str]] = (await owner.post("/v1/audit/entries/search", {}))["items"]
        return found

    ids = {
        "contact_id": contact["id"],
        "company_id": contact["company_id"],
        "field_id": field["id"],
        "team_id": team["id"],
        "invitation_id": asked["items"][0]["id"],
        "import_id": imported["id"],
        "session_id": sessions[0]["id"],
        "user_id": owner.user_id,
        "entry_id": (await until(entries))[0]["id"],
    }
    return ids, [*marks, "secret.example.jp"]


def without_chance(answer: httpx.Response) -> tuple[int, str]:
    """What a caller can tell one answer from another by; an incident's number is chance."""
    return answer.status_code, answer.text
