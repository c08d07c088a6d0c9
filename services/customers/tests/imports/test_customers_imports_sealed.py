"""Nothing of a file stands in plain where it is kept, and a file that was changed is not believed."""

from __future__ import annotations

import asyncpg

CANARY, NUMBER = "金糸雀カナリア", "090-7654-3210"
ROWS = "\r\n".join(
    ["顧客番号,姓,名,セイ,携帯電話,備考,メールアドレス"]
    + [f"Z-{n},{CANARY},{n},カナリア,{NUMBER},{CANARY}の覚書,canary{n}@secret-canary.jp" for n in range(5)]
    + [f"Z-9,{CANARY},,カナリア,{CANARY},,", ""]
)
PLAIN = [
    CANARY.encode("cp932"),
    CANARY.encode(),
    CANARY.encode("utf-16-le"),
    b"secret-canary",
    b"7654-3210",
    b"76543210",
    "カナリア".encode(),
]


async def rows_of(url: str) -> list[str]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r'"
        )
        found = []
        for table in tables:
            rows = await connection.fetch(f'SELECT t::text AS line FROM "{table["relname"]}" t')  # noqa: S608
            found += [row["line"] for row in rows]
        return found
    finally:
        await connection.close()


def assert_sealed(lines: list[str]) -> None:
    for line in lines:
        for canary in PLAIN:
            assert canary.hex() not in line
            assert canary.decode("utf-8", "replace") not in line


async def test_no_cell_stands_in_plain_while_it_is_staged_nor_after(imports, owner) -> None:
    made = await imports.upload(owner, f"{CANARY}.csv", ROWS.encode("cp932"))
    checked = await imports.check(owner, made["id"])
    assert (checked["valid"], checked["rejected"]) == (5, 1)
    files = [path for path in imports.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not any(canary in path.read_bytes() for canary in PLAIN)
    assert_sealed(await rows_of(imports.ledger.made.admin_url))
    await imports.run(owner, made["id"])
    assert_sealed(await rows_of(imports.ledger.made.admin_url))
    assert not [path for path in files if path.exists()], "a file goes once its rows are in"


async def test_a_file_that_was_changed_fails_the_import_and_reaches_no_ledger(imports, owner) -> None:
    made = await imports.upload(owner, "t.csv", ROWS.encode("cp932"))
    (path,) = [each for each in imports.folder.rglob("*") if made["id"] in each.name]
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(bytes(data))
    found = await imports.check(owner, made["id"])
    assert (found["status"], found["failure"]) == ("failed", "file_unreadable")
    assert await imports.all_of(owner, "contacts") == []


async def test_another_tenants_record_is_as_unknown_as_none(imports, owner) -> None:
    stranger = (await imports.ledger.create_house()).owner
    theirs = (await stranger.make("/v1/companies", name="よその会社"))["id"]
    own = (await owner.make("/v1/companies", name="うちの会社"))["id"]
    await owner.make(
        "/v1/fields", resource="contact", key="parent", type="link", label="親会社", link_resource="company"
    )
    nobody = "019f0000-0000-7000-8000-000000000000"
    text = "\r\n".join(["顧客番号,姓,親会社", f"L-1,林,{theirs}", f"L-2,森,{nobody}", f"L-3,原,{own}", ""])
    found = await imports.whole(owner, "l.csv", text.encode())
    errors = await imports.errors(owner, found["id"])
    assert [(each["row"], each["code"], each["detail"]) for each in errors] == [
        (1, "unknown_record", errors[0]["detail"]),
        (2, "unknown_record", errors[0]["detail"]),
    ]
    assert found["created"] == 1


async def test_importer_limited_to_own_records_owns_the_imported_ones(imports, owner) -> None:
    house = owner.house
    from daicho.identity import permissions as roles
    from daicho.tenancy import Scope

    scopes = {**roles.defaults("member"), "contacts:import": Scope.OWN}
    await imports.ledger.set_role(house.tenant_id, "member", scopes)
    imports.users.by_name = {"mate": [house.mate.user_id], "me": [house.member.user_id]}
    text = "顧客番号,姓,担当\r\nW-1,林,mate\r\nW-2,森,me\r\nW-3,原,\r\n"
    found = await imports.whole(house.member, "w.csv", text.encode())
    errors = [(each["row"], each["code"]) for each in await imports.errors(house.member, found["id"])]
    assert errors == [(1, "not_permitted")]
    owners = {each["owner_id"] for each in await imports.all_of(owner, "contacts")}
    assert owners == {str(house.member.user_id)}


async def test_import_changes_no_record_that_the_importer_may_not_see(imports, owner) -> None:
    house = owner.house
    from daicho.identity import permissions as roles
    from daicho.tenancy import Scope

    mail = {"kind": "work", "address": "x@example.jp"}
    held = await owner.make("/v1/contacts", family_name="秘密", emails=[mail])
    scopes = {
        **roles.defaults("member"),
        "contacts:import": Scope.OWN,
        "contacts:read": Scope.OWN,
        "contacts:update": Scope.ALL,
    }
    await imports.ledger.set_role(house.tenant_id, "member", scopes)
    text = "姓,メールアドレス\r\n林,x@example.jp\r\n"
    found = await imports.whole(house.member, "s.csv", text.encode(), match_on="email", on_match="update")
    assert (found["created"], found["updated"], found["rejected"]) == (1, 0, 0)
    assert (await owner("GET", f"/v1/contacts/{held['id']}")).json()["family_name"] == "秘密"
