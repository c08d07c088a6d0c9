"""Companies, hand-over, the access log, what is told, and that nothing sealed stands in the open."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID, uuid4

import asyncpg
import pytest
from service_world import outbox

from daicho.contracts.audit.events.v1 import events_pb2 as audit_events
from daicho.contracts.customers.events.v1 import events_pb2
from daicho.contracts.customers.v1 import customers_pb2
from daicho.contracts.identity.events.v1 import events_pb2 as identity_events
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.handover.service import on_user_changed
from daicho.customers.rpc import LedgerServicer
from daicho.jobs import Job
from daicho.rpc.calls import acting
from daicho.tenancy import Actor, UserId
from daicho.testkit import create_actor

CORPORATE = "7000012050002"


async def test_a_company_is_checked_and_stored_in_one_form(house):
    body = {
        "name": "株式会社検査",
        "name_kana": "けんさ",
        "corporate_number": "7-0000-1205-0002",
        "registration_number": "ｔ7000012050002",
        "phone": "03-1234-5678",
        "url": "https://example.jp",
        "capital": {"amount": 10_000_000},
        "closing_month": 3,
        "founded_on": "1980-04-01",
        "address": {"prefecture": "東京都", "postal_code": "1000001"},
    }
    made = await house.owner.make("/v1/companies", **body)
    assert (made["name_kana"], made["corporate_number"], made["phone"]) == (
        "ケンサ",
        CORPORATE,
        "+81312345678",
    )
    assert made["registration_number"] == f"T{CORPORATE}"
    assert made["capital"] == {"amount": 10_000_000, "currency": "JPY"}
    wrong = {"name": " ", "corporate_number": "1234567890123", "url": "ftp://x", "phone": "abc"}
    answer = await house.owner("POST", "/v1/companies", wrong)
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        ("/name", "required"),
        ("/corporate_number", "invalid_corporate_number"),
        ("/url", "invalid_url"),
        ("/phone", "invalid_phone"),
    }
    taken = await house.owner("POST", "/v1/companies", {"name": "二番", "corporate_number": CORPORATE})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (422, "/corporate_number")


async def test_companies_are_listed_by_name_and_found_by_words(house):
    for name in ("え商店", "う商店", "あ商店"):
        await house.owner.make("/v1/companies", name=name)
    listed = (await house.reader("GET", "/v1/companies?sort=name&limit=2")).json()
    rest = (
        await house.reader("GET", f"/v1/companies?sort=name&limit=200&cursor={listed['next_cursor']}")
    ).json()
    names = [item["name"] for item in listed["items"] + rest["items"]]
    assert [name for name in names if name.endswith("商店")] == ["あ商店", "う商店", "え商店"]
    found = (await house.reader("POST", "/v1/companies/search", {"q": "ウ商"})).json()["items"]
    assert [item["name"] for item in found] == ["う商店"]
    tree = {"field": "name", "op": "begins", "value": "え"}
    filtered = (await house.reader("POST", "/v1/companies/search", {"filter": tree})).json()["items"]
    assert [item["name"] for item in filtered] == ["え商店"]


async def test_two_contacts_that_name_a_new_company_at_once_make_one(house):
    made = await asyncio.gather(
        *(
            house.owner.make("/v1/contacts", family_name=f"同{n}", company_name="同時株式会社")
            for n in range(6)
        )
    )
    assert len({contact["company_id"] for contact in made}) == 1


async def test_of_two_editors_one_is_told_of_the_other(house):
    made = await house.owner.make("/v1/contacts", family_name="競")
    path = f"/v1/contacts/{made['id']}"
    answers = await asyncio.gather(
        *(house.owner("PATCH", path, {"title": f"役{n}"}, if_match='"v1"') for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_a_company_in_the_bin_does_not_keep_its_contacts_from_change(house):
    made = await house.owner.make("/v1/contacts", family_name="残", company_name="解散株式会社")
    assert (
        await house.owner("DELETE", f"/v1/companies/{made['company_id']}", if_match='"v1"')
    ).status_code == 204
    changed = await house.owner("PATCH", f"/v1/contacts/{made['id']}", {"title": "元"}, if_match='"v1"')
    assert (changed.status_code, changed.json()["company_name"]) == (200, "解散株式会社")


async def test_every_read_is_entered_before_its_answer_leaves(ledger, house):
    made = await house.owner.make("/v1/contacts", family_name="閲覧秘")
    before = len(await outbox(ledger, "access_outbox"))
    await house.reader("GET", "/v1/contacts?limit=1")
    await house.reader("POST", "/v1/contacts/search", {"q": "閲覧秘"})
    await house.reader("GET", f"/v1/contacts/{made['id']}")
    await house.reader("GET", f"/v1/contacts/{made['id']}/history")
    await house.reader("GET", "/v1/companies")
    entries = [
        audit_events.Accessed.FromString(each.payload)
        for each in (await outbox(ledger, "access_outbox"))[before:]
    ]
    actions = [each.action for each in entries]
    assert actions == ["contact.list", "contact.search", "contact.open", "contact.history", "company.list"]
    assert all(list(each.ids) == [UUID(made["id"]).bytes] for each in entries[:4])
    keys = await ledger.keyring.open(house.tenant_id)
    assert "閲覧秘".encode() not in entries[1].sealed_query
    assert "閲覧秘".encode() in keys.events.unseal(entries[1].sealed_query, field="Accessed.sealed_query")


async def test_a_change_is_told_with_its_card_sealed(ledger, house):
    made = await house.owner.make("/v1/contacts", family_name="告知秘")
    told = [each for each in await outbox(ledger) if each.type.endswith("ContactChanged")]
    event = events_pb2.ContactChanged.FromString(told[-1].payload)
    assert event.contact_id == UUID(made["id"]).bytes
    assert event.change == events_pb2.CHANGE_CREATED
    assert "告知秘".encode() not in told[-1].payload
    opened = (await ledger.keyring.open(house.tenant_id)).events.unseal(
        event.sealed_card, field="ContactChanged.sealed_card", subject=UUID(made["id"])
    )
    assert "告知秘".encode() in opened


async def test_records_of_a_user_who_left_go_to_the_successor(ledger, house):
    leaver = await ledger.create_user(house.tenant_id, "member")
    kept = [await leaver.make("/v1/contacts", family_name=f"引継{n}") for n in range(3)]
    company = await leaver.make("/v1/companies", name="引継商会")
    event = identity_events.UserChanged(
        user_id=leaver.user_id.bytes, role="member", disabled=True, successor_id=house.manager.user_id.bytes
    )
    async with ledger.database.transaction(house.tenant_id) as tx:
        await on_user_changed(tx, event, None)
    job = Job("hand_over", house.tenant_id, leaver.user_id, 0)
    await ledger.parts.jobs["hand_over"].handler(job)
    await ledger.parts.jobs["hand_over"].handler(job)  # a job may run again after a crash
    for path in (*(f"/v1/contacts/{each['id']}" for each in kept), f"/v1/companies/{company['id']}"):
        record = (await house.owner("GET", path)).json()
        assert (record["owner_id"], record["version"]) == (str(house.manager.user_id), 2)
        step = (await house.owner("GET", f"{path}/history")).json()["items"][0]
        assert step["kind"] == "handed_over"
        assert step["changes"] == {"owner_id": [str(leaver.user_id), str(house.manager.user_id)]}


async def test_a_user_who_is_enabled_again_keeps_what_was_not_yet_handed_over(ledger, house):
    leaver = await ledger.create_user(house.tenant_id, "member")
    kept = await leaver.make("/v1/contacts", family_name="復帰")
    successor = house.manager.user_id.bytes
    for disabled in (True, False):
        event = identity_events.UserChanged(
            user_id=leaver.user_id.bytes, role="member", disabled=disabled, successor_id=successor
        )
        async with ledger.database.transaction(house.tenant_id) as tx:
            await on_user_changed(tx, event, None)
    await ledger.parts.jobs["hand_over"].handler(Job("hand_over", house.tenant_id, leaver.user_id, 0))
    record = (await house.owner("GET", f"/v1/contacts/{kept['id']}")).json()
    assert (record["owner_id"], record["version"]) == (str(leaver.user_id), 1)


async def test_another_service_gets_names_that_the_user_may_read(ledger, house, neighbour):
    made = await house.owner.make("/v1/contacts", family_name="照会", company_name="照会商会")
    theirs = await neighbour.owner.make("/v1/contacts", family_name="隣照会")
    ids = [UUID(each["id"]).bytes for each in (made, theirs)]
    actor = create_actor(tenant_id=house.tenant_id, user_id=UserId(house.reader.user_id))
    with acting(actor):
        answer = await LedgerServicer(ledger.rails, Catalogue()).GetContacts(
            customers_pb2.GetContactsRequest(contact_ids=[*ids, uuid4().bytes]), None
        )
    assert [(each.family_name, each.company_name) for each in answer.contacts] == [("照会", "照会商会")]


SECRETS = {
    "family_name": "鸚鵡",
    "given_name": "鶺鴒",
    "family_name_kana": "オウムビミツ",
    "given_name_kana": "セキレイビミツ",
    "emails": [{"address": "canary-secret@example.jp"}],
    "phones": [{"number": "090-9753-1086"}],
    "notes": "籠鳥雲を恋う",
    "birthday": "1971-07-17",
    "address": {"city": "極秘市", "street": "秘密町9-7-5", "building": "秘匿楼", "postal_code": "1530064"},
    "custom": {"canary": "黄色い秘密"},
}
TRACES = (
    *(
        "鸚鵡",
        "鶺鴒",
        "オウムビミツ",
        "セキレイビミツ",
        "canary-secret",
        "9097531086",
        "9753-1086",
        "籠鳥雲",
        "1971-07-17",
    ),
    *("極秘市", "秘密町", "秘匿楼", "1530064", "黄色い秘密"),
)


async def test_nothing_sealed_stands_in_any_table(ledger, house):
    field = {"resource": "contact", "key": "canary", "label": "鳥", "type": "text", "sensitive": True}
    await house.admin.make("/v1/fields", **field, searchable=True, unique=True)
    answer = await house.owner("POST", "/v1/contacts", SECRETS, idempotency_key="canary")
    assert answer.status_code == 201, answer.text
    path = f"/v1/contacts/{answer.json()['id']}"
    await house.owner("PATCH", path, {"given_name": "鶺鴒鶺鴒", "notes": "籠鳥雲を恋う。"}, if_match='"v1"')
    assert (await house.owner("POST", "/v1/contacts/search", {"q": "鸚鵡"})).json()["items"] != []
    admin = await asyncpg.connect(ledger.made.admin_url)
    try:
        tables = await admin.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for table in tables:
            rows = await admin.fetch(f"SELECT t::text AS text FROM {table['name']} t")  # noqa: S608 from the catalogue
            held = "\n".join(row["text"] for row in rows)
            # A bytea's text is hexadecimal: an UTF-8 plaintext inside would show as its own digits.
            traces = [trace for trace in TRACES if trace in held or trace.encode().hex() in held]
            assert traces == [], table["name"]
        assert re.search("contact", str(tables))
    finally:
        await admin.close()


@pytest.mark.parametrize("blob", ["card", "rest"])
async def test_a_blob_copied_to_another_row_does_not_open(blob, ledger, house):
    one = await house.owner.make("/v1/contacts", family_name="元", notes="一")
    two = await house.owner.make("/v1/contacts", family_name="先", notes="二")
    async with ledger.database.transaction(Actor.system(house.tenant_id)) as tx:
        await tx.driver.execute(
            f"UPDATE contact SET {blob} = (SELECT {blob} FROM contact WHERE id = $1) WHERE id = $2",  # noqa: S608 a column of ours
            UUID(one["id"]),
            UUID(two["id"]),
        )
    answer = await house.owner("GET", f"/v1/contacts/{two['id']}")
    assert answer.status_code == 500
    assert "元" not in answer.text
