"""Contacts over HTTP: made, listed, opened, changed, deleted, restored."""

from __future__ import annotations

TANAKA = {
    "family_name": "田中",
    "given_name": "太郎",
    "family_name_kana": "たなか",
    "given_name_kana": "ﾀﾛｳ",
    "emails": [{"kind": "work", "address": "Tanaka@Example.co.jp"}],
    "phones": [{"kind": "mobile", "number": "０９０-1234-5678"}],
    "company_name": "株式会社みどり商事",
    "department": "営業部",
    "address": {"postal_code": "100-0001", "prefecture": "東京都", "city": "千代田区"},
    "birthday": "1980-02-03",
    "notes": "要注意",
    "customer_code": "C-1",
    "tags": ["VIP", "vip", "東京"],
}


async def test_a_contact_is_stored_in_one_form(house):
    made = await house.owner("POST", "/v1/contacts", TANAKA)
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"v1"'
    body = made.json()
    assert body["family_name_kana"] == "タナカ"
    assert body["given_name_kana"] == "タロウ"
    assert body["emails"] == [{"address": "tanaka@example.co.jp", "kind": "work"}]
    assert body["phones"] == [{"number": "+819012345678", "kind": "mobile"}]
    assert body["address"]["postal_code"] == "1000001"
    assert body["tags"] == ["VIP", "東京"]
    assert body["owner_id"] == str(house.owner.user_id)
    opened = await house.reader("GET", f"/v1/contacts/{body['id']}")
    assert opened.json() == body


async def test_a_page_of_contacts_goes_on_where_it_ended(house):
    for number in range(5):
        await house.owner.make("/v1/contacts", family_name=f"頁{number}")
    names, cursor = [], None
    while True:
        answer = await house.reader("GET", "/v1/contacts?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        names += [item["family_name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names[:5] == ["頁4", "頁3", "頁2", "頁1", "頁0"]
    assert len(names) == len(set(names))


async def test_words_find_a_contact_in_any_width_and_script(house):
    made = await house.owner.make("/v1/contacts", family_name="鶴見", family_name_kana="ツルミ")
    for words in ("つる", "ﾂﾙ", "ツルミ", "鶴見"):
        found = await house.reader("POST", "/v1/contacts/search", {"q": words})
        assert found.status_code == 200, found.text
        assert [item["id"] for item in found.json()["items"]] == [made["id"]]


async def test_a_change_needs_the_version_that_was_seen(house):
    made = await house.owner.make("/v1/contacts", family_name="版")
    path = f"/v1/contacts/{made['id']}"
    assert (await house.owner("PATCH", path, {"title": "部長"})).status_code == 428
    stale = await house.owner("PATCH", path, {"title": "部長"}, if_match='"v7"')
    assert (stale.status_code, stale.json()["version"]) == (412, 1)
    changed = await house.owner("PATCH", path, {"title": "部長"}, if_match='"v1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    assert changed.json()["title"] == "部長"


async def test_what_was_deleted_can_be_restored(house):
    made = await house.owner.make("/v1/contacts", family_name="消")
    path = f"/v1/contacts/{made['id']}"
    assert (await house.owner("DELETE", path, if_match='"v1"')).status_code == 204
    listed = (await house.owner("GET", "/v1/contacts?limit=200")).json()["items"]
    assert made["id"] not in {item["id"] for item in listed}
    refused = await house.owner("PATCH", path, {"title": "x"}, if_match='"v2"')
    assert (refused.status_code, refused.json()["code"]) == (409, "record_deleted")
    restored = await house.owner("POST", f"{path}/restore")
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    steps = (await house.owner("GET", f"{path}/history")).json()["items"]
    assert [step["kind"] for step in steps] == ["restored", "deleted", "created"]


async def test_the_history_tells_values_before_and_after(house):
    made = await house.owner.make("/v1/contacts", family_name="佐藤", notes="旧")
    await house.owner("PATCH", f"/v1/contacts/{made['id']}", {"notes": "新"}, if_match='"v1"')
    [step, _] = (await house.owner("GET", f"/v1/contacts/{made['id']}/history")).json()["items"]
    assert step["changes"] == {"notes": ["旧", "新"]}
    assert step["actor_id"] == str(house.owner.user_id)
