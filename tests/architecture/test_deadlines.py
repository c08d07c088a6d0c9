"""Limits of time that stand behind each other: whoever asks gets the answer of the service, not the gateway's 504."""

from __future__ import annotations

import msgspec

from daicho.gateway.settings import Settings
from daicho.tenancy import REQUESTS, database, pool

ANSWER_WITHIN = next(
    each.default for each in msgspec.structs.fields(Settings) if each.name == "answer_within"
)


def test_longest_statement_of_a_request_ends_before_the_gateway_gives_up() -> None:
    wait = pool._WAIT_SECONDS
    given_up = max(REQUESTS) + pool._GRACE_SECONDS + database._ROLLBACK_SECONDS
    assert wait + given_up < ANSWER_WITHIN
    begin = pool._CONNECT_SECONDS + pool._BEGIN_SECONDS
    assert wait + begin < ANSWER_WITHIN
