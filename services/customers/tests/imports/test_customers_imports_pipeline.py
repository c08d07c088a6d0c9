"""A file from its upload to the ledger, over REST, on real servers."""

from __future__ import annotations

from typing import Any

from import_samples import CONTACT_NAMES, expected, plain, sample


def flat(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact as the API shows it, by the names of the sample's answers."""
    values = {**contact, **{f"custom.{key}": value for key, value in contact["custom"].items()}}
    values |= {f"address.{key}": value for key, value in contact["address"].items()}
    values["email"] = contact["emails"][0]["address"] if contact["emails"] else None
    for name, kind in (("phone", "work"), ("mobile", "mobile")):
        values[name] = next((each["number"] for each in contact["phones"] if each["kind"] == kind), None)
    return values


async def test_the_small_sample_becomes_contacts_with_exactly_the_expected_values(imports, owner) -> None:
    answer = expected("contacts-small.expected.json")
    found = await imports.whole(owner, "contacts-small.csv", sample("contacts-small.csv").read_bytes())
    assert (found["rows"], found["created"], found["rejected"]) == (300, 268, 32)
    wanted_errors = [
        (row["row"], row["line"], error["column"], error["code"])
        for row in answer["rows"]
        for error in row.get("errors", [])
    ]
    errors = await imports.errors(owner, found["id"], limit=7)
    assert [(e["row"], e["line"], e["column"], e["code"]) for e in errors] == wanted_errors
    assert all(error["detail"] for error in errors)
    contacts = {each["customer_code"]: each for each in await imports.all_of(owner, "contacts")}
    accepted = [row["values"] for row in answer["rows"] if row["outcome"] == "accepted"]
    assert len(contacts) == len(accepted) == 268
    for values in accepted:
        got = flat(contacts[values["customer_code"]])
        for name, value in values.items():
            if not name.startswith("company_"):
                assert plain(got.get(CONTACT_NAMES.get(name, name))) == value, (values["customer_code"], name)
