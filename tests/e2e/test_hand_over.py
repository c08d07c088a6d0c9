"""Somebody leaves: their records go to the successor in the other service, and they may come back."""

from __future__ import annotations

from daicho.testkit.company import PASSWORD, Caller
from daicho.testkit.product import Product
from daicho.testkit.waiting import until


async def test_disabled_user_hands_records_over_and_signs_in_again_once_enabled(
    product: Product,
) -> None:
    company = await product.company()
    owner, leaver = company.owner, await company.invite("leaver", "member")
    successor = await company.invite("successor", "member")
    contacts = [(await leaver.post("/v1/contacts", {"family_name": f"引継{n}"}))["id"] for n in range(3)]
    made = await leaver.post("/v1/companies", {"name": "引継商会"})
    places = [*(f"/v1/contacts/{each}" for each in contacts), f"/v1/companies/{made['id']}"]

    gone = await _change(owner, leaver, {"disabled": True, "successor_id": successor.user_id})
    assert (gone["disabled"], gone["successor_id"]) == (True, successor.user_id)

    async def handed_over() -> bool:
        owners = {(await owner.get(place))["owner_id"] for place in places}
        assert owners <= {leaver.user_id, successor.user_id}
        return owners == {successor.user_id}

    await until(handed_over, within=30)

    async def told_as_done() -> bool:
        progress = await owner.get(f"/v1/hand-overs/{leaver.user_id}")
        return (progress["moved"], progress["total"], progress["done_at"] is not None) == (4, 4, True)

    await until(told_as_done, within=30)
    step = (await owner.get(f"{places[0]}/history"))["items"][0]
    assert step["changes"] == {"owner_id": [leaver.user_id, successor.user_id]}
    changed = await successor("PATCH", places[0], {"title": "長"}, if_match='"v2"')
    assert changed.status_code == 200, "they are theirs by every rule"

    sign_in = {"tenant": company.code, "email": leaver.email, "password": PASSWORD}
    assert (await company.client.post("/v1/sessions", json=sign_in)).status_code == 401
    await _change(owner, leaver, {"disabled": False})
    assert (await leaver("GET", "/v1/me")).status_code == 401, "the sessions of before have ended for good"
    back = await company.sign_in(leaver.email, leaver.user_id)
    assert (await back.get("/v1/me"))["user"]["disabled"] is False
    assert await handed_over(), "what was handed over stays where it is"


async def _change(owner: Caller, user: Caller, patch: dict[str, object]) -> dict[str, object]:
    path = f"/v1/users/{user.user_id}"
    changed: dict[str, object] = await owner.patch(path, patch, version=(await owner.get(path))["version"])
    return changed
