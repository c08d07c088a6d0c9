"""What a refused person is told: how long, and the way out."""

from __future__ import annotations

import pytest

from daicho.identity.faults import LinkSpent, SignInLocked


@pytest.mark.parametrize(("seconds", "minutes"), [(1, 1), (60, 1), (61, 2), (899, 15), (3_600, 60)])
def test_a_locked_sign_in_says_how_many_minutes_are_left(seconds: int, minutes: int) -> None:
    locked = SignInLocked(retry_after=seconds)
    assert locked.say("ja") == (
        f"サインインの失敗が続いたため、しばらく受け付けられません（あと {minutes} 分）。"
    )
    assert locked.say("en") == (
        f"After several failed sign-ins none is accepted for a while ({minutes} min left)."
    )
    assert locked.params == {"retry_after": seconds}, "programs are told seconds"


def test_a_spent_link_names_both_ways_to_a_new_one() -> None:
    assert LinkSpent().say("ja") == (
        "このリンクは使用済みか、期限が切れています。"
        "もう一度お手続きいただくか、招待した方に再送を依頼してください。"
    )
    assert LinkSpent().say("en") == (
        "This link was used already or has expired. Start again, or ask whoever invited you for a new one."
    )
