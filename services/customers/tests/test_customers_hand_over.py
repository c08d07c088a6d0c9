"""How far the records of a user who left have come to their successor."""

from __future__ import annotations

from uuid import uuid4

import pytest

from daicho.contracts.identity.events.v1 import events_pb2 as identity_events
from daicho.customers.handover import service
from daicho.customers.handover.service import on_user_changed
from daicho.jobs import Job
from daicho.tenancy import Scope


@pytest.fixture
async def leaver(ledger, house):
    user = await ledger.create_user(house.tenant_id, "member")
    for n in range(5):
        await user.make("/v1/contacts", family_name=f"引継{n}")
    await user.make("/v1/companies", name=f"引継商会{uuid4().hex[:6]}")
    return user


async def tell(ledger, house, leaver, successor, *, disabled: bool = True) -> None:
    event = identity_events.UserChanged(
        user_id=leaver.user_id.bytes, role="member", disabled=disabled, successor_id=successor.user_id.bytes
    )
    async with ledger.database.transaction(house.tenant_id) as tx:
        await on_user_changed(tx, event, None)


async def work(ledger, house, leaver) -> None:
    await ledger.parts.jobs["hand_over"].handler(Job("hand_over", house.tenant_id, leaver.user_id, 0))


async def seen(house, leaver):
    answer = await house.owner("GET", f"/v1/hand-overs/{leaver.user_id}")
    return answer.status_code, answer.json()


def progress(body) -> tuple[int, int | None, bool]:
    return body["moved"], body["total"], body["done_at"] is not None


async def test_a_hand_over_is_waiting_then_done_and_stays_to_be_read(ledger, house, leaver) -> None:
    assert (await seen(house, leaver))[0] == 404
    await tell(ledger, house, leaver, house.manager)
    status, waiting = await seen(house, leaver)
    assert (status, progress(waiting)) == (200, (0, None, False))
    assert waiting["successor_id"] == str(house.manager.user_id)
    await work(ledger, house, leaver)
    assert progress((await seen(house, leaver))[1]) == (6, 6, True)


async def test_a_hand_over_that_stops_in_its_middle_says_how_far_it_is_and_goes_on(
    ledger, house, leaver, monkeypatch
) -> None:
    """A process ends between two batches: what it moved is counted, and the next one counts on."""
    monkeypatch.setattr(service, "BATCH", 2)
    await tell(ledger, house, leaver, house.manager)
    keys = ledger.keyring
    opened = 0

    class Stops:
        async def open(self, tenant_id):
            nonlocal opened
            opened += 1
            if opened == 3:
                raise ConnectionError
            return await keys.open(tenant_id)

    job = Job("hand_over", house.tenant_id, leaver.user_id, 0)
    with pytest.raises(ConnectionError):
        await service.hand_all_over(ledger.database, Stops(), ledger.rails.clock, job)
    assert progress((await seen(house, leaver))[1]) == (4, 6, False)
    await work(ledger, house, leaver)
    assert progress((await seen(house, leaver))[1]) == (6, 6, True)


async def test_what_else_changes_of_the_user_does_not_begin_it_anew_but_another_successor_does(
    ledger, house, leaver
) -> None:
    await tell(ledger, house, leaver, house.manager)
    await work(ledger, house, leaver)
    await tell(ledger, house, leaver, house.manager)
    assert progress((await seen(house, leaver))[1]) == (6, 6, True)
    await tell(ledger, house, leaver, house.owner)
    assert progress((await seen(house, leaver))[1]) == (0, None, False)
    await work(ledger, house, leaver)
    assert progress((await seen(house, leaver))[1]) == (0, 0, True)


async def test_who_is_enabled_again_has_no_hand_over(ledger, house, leaver) -> None:
    await tell(ledger, house, leaver, house.manager)
    await tell(ledger, house, leaver, house.manager, disabled=False)
    assert (await seen(house, leaver))[0] == 404


async def test_what_was_in_the_bin_is_the_successors_once_it_is_restored(ledger, house, leaver) -> None:
    """They may have left as well by then."""
    made = await leaver.make("/v1/contacts", family_name="箱")
    path = f"/v1/contacts/{made['id']}"
    assert (await leaver("DELETE", path, if_match='"v1"')).status_code == 204
    left_too = await ledger.create_user(house.tenant_id, "member")
    for each, successor in ((leaver, left_too), (left_too, house.manager)):
        await tell(ledger, house, each, successor)
        await work(ledger, house, each)
    back = await house.owner("POST", f"{path}/restore")
    assert back.status_code == 200, back.text
    assert back.json()["owner_id"] == str(house.manager.user_id)
    assert (await house.owner("GET", path)).json()["owner_id"] == str(house.manager.user_id)
    step = (await house.owner("GET", f"{path}/history")).json()["items"][0]
    owners = [str(leaver.user_id), str(house.manager.user_id)]
    assert (step["kind"], step["changes"]) == ("restored", {"owner_id": owners})


async def test_a_restored_record_stays_with_an_owner_who_is_still_here_or_again(
    ledger, house, leaver
) -> None:
    made = await leaver.make("/v1/contacts", family_name="戻")
    path = f"/v1/contacts/{made['id']}"
    assert (await leaver("DELETE", path, if_match='"v1"')).status_code == 204
    await tell(ledger, house, leaver, house.manager)
    await tell(ledger, house, leaver, house.manager, disabled=False)
    back = await house.owner("POST", f"{path}/restore")
    assert back.json()["owner_id"] == str(leaver.user_id)


async def test_the_four_callers(ledger, house, neighbour, leaver) -> None:
    await tell(ledger, house, leaver, house.manager)
    path = f"/v1/hand-overs/{leaver.user_id}"
    await ledger.set_role(house.tenant_id, "nothing", {"contacts:read": Scope.ALL})
    stranger = await ledger.create_user(house.tenant_id, "nothing")
    assert (await ledger.anonymous()("GET", path)).status_code == 401
    assert (await stranger("GET", path)).status_code == 403
    theirs, nobodys = (
        await neighbour.owner("GET", path),
        await neighbour.owner("GET", f"/v1/hand-overs/{uuid4()}"),
    )
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()
    assert (await house.owner("GET", path)).status_code == 200
