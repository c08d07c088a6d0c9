"""The list of sealed columns is what the service seals."""

from daicho.customers.sealed import SEALED
from daicho.keyring import Keyring, reseal
from daicho.keyring.blob import version_of


async def test_after_a_rotation_every_record_is_sealed_anew_and_says_the_same(ledger, house) -> None:
    field = {"resource": "company", "key": "secret", "label": "秘", "type": "text", "sensitive": True}
    assert (await house.owner("POST", "/v1/fields", field)).status_code == 201
    made = [
        ("contacts", await house.owner.make("/v1/contacts", family_name="鍵替", notes="秘密の覚書")),
        ("companies", await house.owner.make("/v1/companies", name="鍵替商事", custom={"secret": "秘密"})),
    ]
    eager = Keyring(ledger.rails.transit, ledger.database, settle=0)
    await eager.rotate(house.tenant_id)
    done = [await reseal(ledger.database, eager, house.tenant_id, column) for column in SEALED]
    assert min(done) >= 1
    async with ledger.database.reading(house.tenant_id) as tx:
        blobs = await tx.driver.fetch(
            "SELECT card AS sealed FROM contact UNION ALL SELECT rest FROM contact UNION ALL SELECT rest FROM company"
        )
    assert {version_of(row["sealed"]) for row in blobs if row["sealed"] is not None} == {2}
    ledger.keyring.forget(house.tenant_id)
    for resource, record in made:
        answer = await house.owner("GET", f"/v1/{resource}/{record['id']}")
        assert answer.json() == record
        assert answer.headers["etag"] == '"v1"'
