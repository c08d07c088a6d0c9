"""Conditions on sealed custom fields go by the blind index, where it holds the field of every record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from daicho.customers import rewriting
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.finding import finder
from daicho.jobs import Job
from daicho.tenancy import uuid7

CROWD = 2_500
"""More contacts than a page opens and than a look-up glances at; none of them opens."""
_COLUMNS = (
    *("tenant_id", "id", "version", "owner_id", "created_at", "updated_at"),
    *("lifecycle", "has_email", "has_phone", "card"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sealed(ledger, house):
    """Sealed fields of contacts, by key: three that are searchable from the beginning, one that is not."""
    made = {}
    for key, kind, searchable in (
        ("allergy", "text", True),
        ("home", "phone", True),
        ("diary", "long_text", True),
        ("illness", "text", False),
    ):
        body = {"resource": "contact", "key": key, "label": key, "type": kind, "sensitive": True}
        made[key] = await house.admin.make("/v1/fields", **body, searchable=searchable)
    await house.owner.make(
        "/v1/contacts",
        family_name="敏",
        custom={
            "allergy": "そば・落花生",
            "home": "03-1234-5678",
            "diary": "長" * 3_000 + "末尾",
            "illness": "花粉症",
        },
    )
    return made


@pytest_asyncio.fixture
async def crowd(ledger, house, sealed):
    """Many contacts newer than the one that is sought, none of which can be opened; they go again.

    No statistics tell of them, as of those of a tenant that has just imported its ledger."""
    admin = await asyncpg.connect(ledger.made.admin_url)
    now, owner = await admin.fetchval("SELECT now()"), house.owner.user_id
    rows = [(house.tenant_id, uuid7(), 1, owner, now, now, "lead", False, False, b"") for _ in range(CROWD)]
    await admin.copy_records_to_table("contact", records=rows, columns=_COLUMNS)
    yield
    await admin.execute("DELETE FROM contact WHERE tenant_id = $1 AND card = ''", house.tenant_id)
    await admin.close()


async def found(caller: Any, **condition: Any) -> str:
    """The last characters of the family names on the first page."""
    answer = await caller("POST", "/v1/contacts/search", {"filter": condition})
    assert answer.status_code == 200, answer.text
    return "".join(item["family_name"][-1] for item in answer.json()["items"])


CONDITIONS = [
    {"field": "custom.allergy", "op": "eq", "value": "ソバ・落花生"},
    {"field": "custom.allergy", "op": "begins", "value": "そ"},
    {"field": "custom.allergy", "op": "contains", "value": "落花"},
    {"field": "custom.home", "op": "eq", "value": "０３－１２３４－５６７８"},
    {"field": "custom.home", "op": "begins", "value": "03-12"},
]


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_a_condition_on_a_sealed_field_is_looked_up_in_the_index_of_tokens(
    condition, ledger, house, crowd, monkeypatch
) -> None:
    """The index's own count tells that the plan used it; without it the page would open the crowd, and fail."""
    scans = []

    class Watched(finder.Look):
        async def finish(self, *given, **more):
            count = "SELECT pg_stat_get_xact_numscans('ix_contact_tokens'::regclass)"
            scans.append(await self.tx.driver.fetchval(count))
            return await super().finish(*given, **more)

    monkeypatch.setattr(finder, "_Look", Watched)
    assert await found(house.reader, **condition) == "敏"
    assert scans[0] > 0


async def test_a_value_that_nobody_has_is_found_nowhere(house, crowd) -> None:
    assert await found(house.reader, field="custom.allergy", op="eq", value="そば") == ""


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "custom.illness", "op": "eq", "value": "花粉症"},
        {"field": "custom.diary", "op": "contains", "value": "末尾"},
    ],
)
async def test_what_the_index_holds_not_or_in_part_is_found_by_opening(condition, house, sealed) -> None:
    assert await found(house.reader, **condition) == "敏"


async def test_a_field_made_searchable_goes_by_the_index_once_every_record_is_in_it(
    ledger, house, sealed, monkeypatch
) -> None:
    field = await house.admin.make(
        "/v1/fields", resource="contact", key="blood", label="血", type="text", sensitive=True
    )
    await house.owner.make("/v1/contacts", family_name="血甲", custom={"blood": "O型"})
    path, condition = f"/v1/fields/{field['id']}", {"field": "custom.blood", "op": "eq", "value": "Ｏ型"}
    changed = await house.admin("PATCH", path, {"searchable": True}, if_match='"v1"')
    assert changed.status_code == 200, changed.text
    await house.owner.make("/v1/contacts", family_name="血乙", custom={"blood": "O型"})
    assert await found(house.reader, **condition) == "乙甲"
    assert not await is_indexed(ledger, house, field)
    await rewrite(ledger, house, field)
    assert await is_indexed(ledger, house, field)
    assert await found(house.reader, **condition) == "乙甲"
    changed = await house.admin("PATCH", path, {"searchable": False}, if_match='"v2"')
    assert changed.status_code == 200, changed.text
    await house.owner.make("/v1/contacts", family_name="血丙", custom={"blood": "O型"})
    assert await found(house.reader, **condition) == "丙乙甲"
    await rewrite(ledger, house, field)
    assert not await is_indexed(ledger, house, field)
    assert await found(house.reader, **condition) == "丙乙甲"


async def test_a_field_that_changes_while_its_records_are_rewritten_has_them_rewritten_again(
    ledger, house, sealed, monkeypatch
) -> None:
    field = await house.admin.make(
        "/v1/fields", resource="contact", key="blood2", label="血液", type="text", sensitive=True
    )
    path = f"/v1/fields/{field['id']}"
    await house.admin("PATCH", path, {"searchable": True}, if_match='"v1"')
    labels, whole = ["型", "血液型"], rewriting._rewrite_all

    async def disturbed(*given):
        await whole(*given)
        if labels:
            version = 4 - len(labels)
            answer = await house.admin("PATCH", path, {"label": labels.pop()}, if_match=f'"v{version}"')
            assert answer.status_code == 200, answer.text
            assert not await is_indexed(ledger, house, field)

    monkeypatch.setattr(rewriting, "_rewrite_all", disturbed)
    await rewrite(ledger, house, field)
    assert not labels
    assert await is_indexed(ledger, house, field)


async def rewrite(ledger: Any, house: Any, field: dict[str, Any]) -> None:
    """Run the job that a change of ``field`` put down."""
    job = Job("rewrite_records", house.tenant_id, UUID(field["id"]), 0)
    await ledger.parts.jobs["rewrite_records"].handler(job)


async def is_indexed(ledger: Any, house: Any, field: dict[str, Any]) -> bool:
    """Whether filters may go by the index for ``field``."""
    async with ledger.database.reading(house.tenant_id) as tx:
        return field["key"] in await Catalogue().indexed(tx, "contact")
