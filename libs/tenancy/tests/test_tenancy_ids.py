"""Ids rise within a process, and an actor is one thing at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from daicho.tenancy import Actor, Grants, Scope, uuid7
from daicho.tenancy.ids import _Uuid7
from daicho.testkit import create_actor, create_tenant_id, create_user_id


def test_an_id_is_a_uuid7_of_now():
    at = _Uuid7(lambda: 1_700_000_000_123 * 1_000_000)()
    assert (at.version, at.variant) == (7, "specified in RFC 4122")
    assert at.int >> 80 == 1_700_000_000_123


def test_ids_rise_strictly_and_across_threads_never_repeat():
    ids = [uuid7() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    with ThreadPoolExecutor(8) as pool:
        made = [one for many in pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)) for one in many]
    assert len(set(made)) == len(made)


def test_ids_rise_when_the_clock_steps_back():
    ticks = iter([2_000, 2_000, 1_000, 1_500, 2_001])
    make = _Uuid7(lambda: next(ticks) * 1_000_000)
    ids = [make() for _ in range(5)]
    assert ids == sorted(set(ids))


def test_a_counter_that_runs_over_borrows_the_next_millisecond():
    make = _Uuid7(lambda: 1_000_000)
    first = make()
    make._counter = (1 << 42) - 1
    assert make() > first
    assert make._millisecond == 2


def test_only_a_user_has_a_user_id():
    with pytest.raises(ValueError, match="user_id"):
        Actor(tenant_id=create_tenant_id(), kind="user")
    with pytest.raises(ValueError, match="user_id"):
        Actor(tenant_id=create_tenant_id(), kind="system", user_id=create_user_id())


def test_a_token_is_never_printed():
    assert "secret" not in repr(create_actor(token="secret"))


def test_grants_say_whose_records():
    me, mate, stranger = create_user_id(), create_user_id(), create_user_id()
    grants = Grants(
        scopes={"contacts:read": Scope.TEAM, "contacts:update": Scope.OWN, "tags:read": Scope.ALL},
        user_id=me,
        team_members=frozenset({me, mate}),
    )
    assert grants.covers("contacts:read", mate)
    assert not grants.covers("contacts:read", stranger)
    assert not grants.covers("contacts:read", None)
    assert not grants.covers("contacts:update", mate)
    assert grants.covers("tags:read", None)
    assert not grants.allows("contacts:delete")
    assert grants.owners("contacts:delete") == frozenset()
    assert grants.owners("tags:read") is None
