"""Places are shared by tenant, then by user, and every one that is taken is given back."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from daicho.faults import TooBusy
from daicho.runtime.concurrency_limit import ACTIVE, Bounds, ConcurrencyLimit, RecentTenants


def limit(
    places: int = 4,
    per_tenant: int = 2,
    waiting: int = 8,
    deadline: float | None = 30,
    per_user: int | None = None,
) -> ConcurrencyLimit:
    return ConcurrencyLimit(
        Bounds(places=places, per_tenant=per_tenant, per_user=per_user, waiting=waiting, deadline=deadline)
    )


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Served:
    """Requests in the order in which they got their place."""

    def __init__(self, of: ConcurrencyLimit) -> None:
        self._limit = of
        self.names: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, name: str, tenant: str, user: str = "") -> None:
        """A request that begins now and keeps its place."""

        async def one() -> None:
            await self._limit.take(tenant, user)
            self.names.append(name)

        self.tasks.append(asyncio.create_task(one()))
        await turns()


async def test_tenant_takes_its_share_and_others_pass_at_once() -> None:
    one = limit(places=4, per_tenant=2)
    served = Served(one)
    for number in range(5):
        await served.ask(f"loud {number}", "loud")
    await served.ask("quiet", "quiet")
    assert served.names == ["loud 0", "loud 1", "quiet"]
    assert (one.taken, one.waiting) == (3, 3)


async def test_free_place_goes_to_the_tenant_that_holds_the_fewest() -> None:
    one = limit(places=2, per_tenant=2)
    served = Served(one)
    for number in range(4):
        await served.ask(f"loud {number}", "loud")
    await served.ask("quiet", "quiet")
    one.give_back("loud")
    await turns()
    assert served.names == ["loud 0", "loud 1", "quiet"]


async def test_waiting_tenants_are_served_in_rotation() -> None:
    one = limit(places=1, per_tenant=1)
    served = Served(one)
    await served.ask("first", "held")
    for tenant in ("a", "b", "c"):
        for number in range(2):
            await served.ask(f"{tenant}{number}", tenant)
    holder = "held"
    for _ in range(6):
        one.give_back(holder)
        await turns()
        holder = served.names[-1][0]
    assert served.names == ["first", "a0", "b0", "c0", "a1", "b1", "c1"]


async def test_users_of_a_tenant_are_served_in_rotation() -> None:
    one = limit(places=1, per_tenant=1)
    served = Served(one)
    await served.ask("first", "t", "loud")
    for number in range(3):
        await served.ask(f"loud {number}", "t", "loud")
    await served.ask("quiet", "t", "quiet")
    for _ in range(2):
        one.give_back("t")
        await turns()
    assert served.names == ["first", "loud 0", "quiet"]


async def test_user_with_a_bound_lets_colleagues_pass() -> None:
    one = limit(places=4, per_tenant=3, per_user=1)
    served = Served(one)
    for number in range(3):
        await served.ask(f"loud {number}", "t", "loud")
    await served.ask("quiet", "t", "quiet")
    assert served.names == ["loud 0", "quiet"]
    one.give_back("t", "quiet")
    await turns()
    assert served.names == ["loud 0", "quiet"]
    one.give_back("t", "loud")
    await turns()
    assert served.names == ["loud 0", "quiet", "loud 1"]
    assert (one.taken, one.waiting) == (1, 1)


async def test_tenant_whose_users_have_their_bound_lets_other_tenants_pass() -> None:
    one = limit(places=3, per_tenant=3, per_user=1)
    served = Served(one)
    await served.ask("theirs", "b", "x")
    await served.ask("also theirs", "b", "y")
    for number in range(2):
        await served.ask(f"loud {number}", "a", "loud")
    await served.ask("third of theirs", "b", "z")
    one.give_back("b", "x")
    await turns()
    assert served.names == ["theirs", "also theirs", "loud 0", "third of theirs"]


async def test_share_is_told_from_a_lack_of_places() -> None:
    one = limit(places=2, per_tenant=1, waiting=0)
    await one.take("a")
    with pytest.raises(TooBusy):
        await one.take("a")
    assert not one.has_share("a")
    await one.take("b")
    with pytest.raises(TooBusy):
        await one.take("c")
    assert one.has_share("c")


async def test_request_without_a_deadline_waits_until_a_place_is_free() -> None:
    one = limit(places=1, per_tenant=1, deadline=None)
    async with one.place("t"):
        waiting = asyncio.create_task(one.take("t"))
        await turns()
        assert not waiting.done()
    await waiting
    assert (one.taken, one.waiting) == (1, 0)


async def test_place_is_given_back_by_a_block_that_fails() -> None:
    one = limit(per_user=1)
    with pytest.raises(LookupError):
        async with one.place("t", "u"):
            raise LookupError
    assert one.taken == 0
    assert one.try_take("t", "u")


class Clock:
    """A time that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shared() -> tuple[Clock, RecentTenants, ConcurrencyLimit]:
    """A limit of four places a tenant alone, and of one beside others."""
    clock = Clock()
    recent = RecentTenants(clock)
    bounds = Bounds(places=8, per_tenant=4, beside=1, waiting=9, deadline=30)
    return clock, recent, ConcurrencyLimit(bounds, recent)


async def test_tenant_has_a_smaller_share_while_others_are_active() -> None:
    clock, recent, one = shared()
    recent.note("loud")
    assert [one.try_take("loud") for _ in range(3)] == [True] * 3
    recent.note("quiet")
    recent.note("loud")
    assert not one.try_take("loud")
    assert one.try_take("quiet")
    clock.now += ACTIVE
    recent.note("loud")
    assert one.try_take("loud")


async def test_tenant_with_the_smaller_share_gets_no_place_that_is_given_back() -> None:
    _, recent, one = shared()
    recent.note("loud")
    served = Served(one)
    for number in range(5):
        await served.ask(str(number), "loud")
    recent.note("quiet")
    one.give_back("loud")
    await turns()
    assert (one.taken, one.waiting) == (3, 1)


async def test_waiting_request_is_admitted_when_the_others_have_become_silent(monkeypatch) -> None:
    monkeypatch.setattr("daicho.runtime.concurrency_limit.ACTIVE", 0.01)
    recent = RecentTenants()
    one = ConcurrencyLimit(Bounds(places=8, per_tenant=4, beside=1, waiting=9, deadline=30), recent)
    recent.note("quiet")
    recent.note("loud")
    await one.take("loud")
    await asyncio.wait_for(one.take("loud"), 10)
    assert one.taken == 2


def test_recent_tenants_are_told_apart_whatever_their_order() -> None:
    clock = Clock()
    recent = RecentTenants(clock)
    assert recent.is_alone("a")
    recent.note("a")
    recent.note("a")
    assert recent.is_alone("a")
    assert not recent.is_alone("b")
    recent.note("b")
    clock.now += ACTIVE - 1
    recent.note("a")
    assert not recent.is_alone("a")
    clock.now += 1
    assert recent.is_alone("a")
    assert not recent.is_alone("b")


async def test_full_queue_refuses_and_says_when_to_retry() -> None:
    one = limit(per_tenant=1, waiting=2)
    served = Served(one)
    for number in range(3):
        await served.ask(str(number), "t")
    with pytest.raises(TooBusy) as refused:
        await one.take("t", "")
    assert int(refused.value.params["retry_after"]) > 0
    await one.take("another", "")


async def test_a_user_who_fills_the_queue_gives_way_to_their_colleagues() -> None:
    one = limit(per_tenant=1, waiting=3)
    served = Served(one)
    for number in range(4):
        await served.ask(f"loud {number}", "t", "loud")
    await served.ask("colleague 0", "t", "colleague")
    assert one.waiting == 3
    assert isinstance(served.tasks[3].exception(), TooBusy)
    with pytest.raises(TooBusy):
        await one.take("t", "colleague")  # they would have as many as the other
    for user in ("loud", "loud", "colleague", "loud"):
        one.give_back("t", user)
        await turns()
    assert served.names == ["loud 0", "loud 1", "colleague 0", "loud 2"]
    assert (one.taken, one.waiting) == (0, 0)


async def test_deadline_refuses_and_leaves_nothing_behind() -> None:
    one = limit(per_tenant=1, deadline=0.01)
    await one.take("t", "")
    with pytest.raises(TooBusy):
        await one.take("t", "")
    assert (one.taken, one.waiting) == (1, 0)


@pytest.mark.parametrize(
    "has_its_place", [False, True], ids=["while it waits", "with a place it has not used"]
)
async def test_request_that_gives_up_leaves_its_place_to_the_next(has_its_place: bool) -> None:
    one = limit(per_tenant=1)
    served = Served(one)
    for number in range(3):
        await served.ask(str(number), "t")
    if has_its_place:
        one.give_back("t")
        served.tasks[1].cancel()  # it has its place, and has not run yet
    else:
        served.tasks[1].cancel()
        one.give_back("t")  # before the cancelled one has run
    await turns()
    assert served.names == ["0", "2"]
    assert (one.taken, one.waiting) == (1, 0)


async def test_request_that_returns_is_neither_refused_nor_timed_out() -> None:
    one = limit(per_tenant=1, waiting=0, deadline=0)
    await one.take("t", "")
    again = asyncio.create_task(one.take_again("t", ""))
    await asyncio.sleep(0.01)
    one.give_back("t")
    await again
    assert one.taken == 1


@pytest.mark.parametrize("per_user", [None, 1])
async def test_no_place_is_lost_and_no_bound_is_passed_whatever_requests_do(per_user: int | None) -> None:
    dice = random.Random(28)
    one = limit(places=5, per_tenant=2, waiting=50, per_user=per_user)
    held: Counter[int] = Counter()
    held_by_user: Counter[tuple[int, int]] = Counter()

    async def request() -> None:
        tenant, user = dice.randrange(6), dice.randrange(3)
        await one.take(tenant, user)
        held[tenant] += 1
        held_by_user[tenant, user] += 1
        assert held[tenant] <= 2
        assert held_by_user[tenant, user] <= (per_user or 2)
        assert held.total() <= 5
        try:
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
        finally:
            held[tenant] -= 1
            held_by_user[tenant, user] -= 1
            one.give_back(tenant, user)

    tasks = []
    for _ in range(2_000):
        tasks.append(asyncio.create_task(request()))
        if dice.random() < 0.3:
            dice.choice(tasks).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    unexpected = [each for each in found if isinstance(each, AssertionError | KeyError)]
    assert unexpected == []
    assert (one.taken, one.waiting) == (0, 0)
    assert one.try_take("anybody")


def test_settings_resize_the_places() -> None:
    bounds = Bounds(places=1, per_tenant=1, waiting=7, deadline=3).resized("8/4")
    assert bounds == Bounds(places=8, per_tenant=4, waiting=7, deadline=3)


def test_share_beside_others_is_half_of_the_resized_one() -> None:
    bounds = Bounds(places=1, per_tenant=1, beside=1, waiting=7, deadline=3)
    assert [bounds.resized(text).beside for text in ("16/8", "4/2", "1/1")] == [4, 1, 1]


@pytest.mark.parametrize("text", ["", "8", "4/8", "8/0", "x/y", "0/0"])
def test_settings_that_make_no_sense_are_refused(text) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Bounds(places=1, per_tenant=1, waiting=7, deadline=3).resized(text)
