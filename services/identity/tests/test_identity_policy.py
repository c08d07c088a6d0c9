"""Identity's rules, as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.identity import permissions, policy
from daicho.identity.permissions import ACTIONS, ALL, NONE, OWN, ROLES
from daicho.tenancy import Scope

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hanako@example.jp", None),
        ("Ｈａｎａｋｏ＠example.jp", None),
        ("花子@例え.jp", None),
        ("", "required"),
        ("no", "invalid_email"),
        ("a@b", "invalid_email"),
        ("a@example.jp\r\nBcc: b@example.jp", "control_character"),
        ("a" * 250 + "@example.jp", "too_long"),
    ],
)
def test_an_email_address_is_judged(text: str, code: str | None) -> None:
    fault = policy.email_fault("/email", text)
    assert (fault and fault.code) == code


def test_one_address_has_one_normal_form() -> None:
    assert policy.normalise_email(" Ｈａｎａｋｏ@Example.JP ") == "hanako@example.jp"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("midori", None),
        ("midori-2", None),
        ("", "required"),
        ("ab", "too_short"),
        ("a" * 41, "too_long"),
        ("2midori", "invalid_code"),
        ("mi--dori", "invalid_code"),
        ("みどり商事", "invalid_code"),
        ("admin", "reserved_code"),
    ],
)
def test_a_companys_code_is_judged(code: str, fault: str | None) -> None:
    found = policy.code_fault("/code", code)
    assert (found and found.code) == fault


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("correct horse battery", None),
        ("ながいパスワードです", None),
        ("short", "too_short"),
        ("x" * 257, "too_long"),
        ("Password123", "password_too_common"),
        ("aaaaaaaaaaaa", "password_too_common"),
        ("hanako.yamada", "password_too_common"),
    ],
)
def test_a_new_password_is_judged(password: str, fault: str | None) -> None:
    found = policy.password_fault("/password", password, personal=("hanako.yamada@example.jp",))
    assert (found and found.code) == fault


def test_the_tenth_failure_locks_and_the_lock_ends() -> None:
    attempts = None
    for second in range(10):
        assert attempts is None or attempts.locked_for(NOW + timedelta(seconds=second)) == 0
        attempts = policy.count_failure(attempts, policy.HERE_LOCKOUT, NOW + timedelta(seconds=second))
    assert attempts is not None
    assert 0 < attempts.locked_for(NOW + timedelta(minutes=10)) <= 900
    assert attempts.locked_for(NOW + timedelta(minutes=16)) == 0


def test_failures_of_a_window_that_has_passed_are_forgiven() -> None:
    attempts = None
    for minute in range(0, 200, 2):
        attempts = policy.count_failure(attempts, policy.HERE_LOCKOUT, NOW + timedelta(minutes=minute))
        assert attempts.locked_until is None


@given(current=st.integers(0, 100), presented=st.integers(0, 101), age=st.integers(0, 60))
def test_only_the_newest_refresh_token_moves_on_and_the_one_before_repeats_for_ten_seconds(
    current: int, presented: int, age: int
) -> None:
    now = NOW + timedelta(seconds=age)
    turn = policy.judge_refresh(presented=presented, current=current, rotated_at=NOW, now=now)
    if presented == current:
        assert turn == "rotate"
    elif presented == current - 1 and age <= 10:
        assert turn == "repeat"
    else:
        assert turn == "reuse"


def test_an_unconfirmed_company_works_for_three_days() -> None:
    def overdue(hours: float, confirmed: datetime | None = None) -> bool:
        now = NOW + timedelta(hours=hours)
        return policy.confirmation_overdue(confirmed_at=confirmed, created_at=NOW, now=now)

    assert not overdue(71.9)
    assert overdue(72)
    assert not overdue(1_000, confirmed=NOW)


def test_only_the_confirmation_leaves_an_unconfirmed_company() -> None:
    leaving = [
        kind
        for kind in ("confirmation", "invitation", "reset")
        if policy.mail_may_leave(kind=kind, tenant_confirmed=False)
    ]
    assert leaving == ["confirmation"]


def test_a_mail_that_fails_waits_longer_each_time_and_is_given_up_in_the_end() -> None:
    pauses = [policy.mail_backoff(failure) for failure in range(1, 10)]
    assert pauses[-1] is None
    kept = [pause for pause in pauses if pause is not None]
    assert kept == sorted(kept)
    assert timedelta(days=1) < sum(kept, timedelta()) < timedelta(days=3)


@pytest.mark.parametrize("caller", ROLES)
@pytest.mark.parametrize("target", ROLES)
@pytest.mark.parametrize("wanted", [*ROLES, None])
def test_nobody_changes_or_makes_a_user_above_themselves(
    caller: str, target: str, wanted: str | None
) -> None:
    rank = ROLES.index(caller)
    allowed = rank <= ROLES.index(target) and (wanted is None or rank <= ROLES.index(wanted))
    assert policy.may_touch_user(caller_role=caller, target_role=target, wanted_role=wanted) is allowed


def test_a_role_that_nobody_knows_may_touch_nobody() -> None:
    assert not policy.may_touch_user(caller_role="", target_role="read_only", wanted_role=None)


@given(
    role=st.sampled_from(ROLES),
    wanted=st.dictionaries(st.sampled_from(ACTIONS), st.sampled_from(list(Scope))),
)
def test_what_a_tenant_changes_is_what_holds_and_no_more_is_stored(
    role: str, wanted: dict[str, Scope]
) -> None:
    now = {**dict.fromkeys(ACTIONS, NONE), **permissions.defaults(role), **wanted}
    stored = permissions.overridden(role, now)
    held = permissions.effective(role, stored)
    if role == permissions.OWNER:
        assert held == permissions.defaults(role)
    else:
        assert {action: held.get(action, NONE) for action in ACTIONS} == now
    assert all(permissions.defaults(role).get(action, NONE) != scope for action, scope in stored.items())


def test_each_role_may_do_what_the_one_below_it_may() -> None:
    for above, below in pairwise(ROLES):
        assert not permissions.exceeds(permissions.defaults(below), permissions.defaults(above))


def test_a_scope_of_its_own_has_only_what_has_an_owner() -> None:
    assert permissions.allows_scope("contacts:read", OWN)
    assert not permissions.allows_scope("users:manage", OWN)
    assert permissions.allows_scope("users:manage", ALL)


def test_an_override_of_an_action_that_is_gone_is_ignored() -> None:
    assert "deals:read" not in permissions.effective("member", {"deals:read": 3})


def test_only_links_may_be_mailed_a_second_time() -> None:
    assert all(policy.mail_may_repeat(kind) for kind in ("confirmation", "invitation", "reset"))
    assert not policy.mail_may_repeat("anything else")
