"""What somebody who manages users may give, take and hand over, by the scope at which they reach records."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from daicho.identity.permissions import ALL, NONE, OWN, ROLES, TEAM, defaults
from daicho.identity.users.authority import Authority, Standing
from daicho.tenancy import Grants, Scope, TeamId, UserId

ME, MATE, STRANGER, OTHER = (UserId(uuid4()) for _ in range(4))
MINE, THEIRS = TeamId(uuid4()), TeamId(uuid4())


def authority(scope: Scope = TEAM, *, role: str = "admin", team_id: UUID | None = MINE) -> Authority:
    """Somebody who manages users, and reads and changes records at ``scope``."""
    roles = {name: defaults(name) for name in ROLES}
    for action in roles[role]:
        if action.split(":")[1] in ("read", "update", "delete") and action.split(":")[0] in (
            "contacts",
            "companies",
        ):
            roles[role][action] = scope
    # Whoever narrows the administrators narrows those below them.
    for below in ("manager", "member", "read_only"):
        roles[below] = {
            action: min(held, roles[role].get(action, NONE)) for action, held in roles[below].items()
        }
    return Authority(
        Grants(
            scopes=roles[role],
            role=role,
            user_id=ME,
            team_id=TeamId(team_id) if team_id else None,
            team_members=frozenset({ME, MATE}) if team_id else frozenset(),
        ),
        roles,
    )


def somebody(user_id: UserId = STRANGER, role: str = "member", team_id: UUID | None = THEIRS) -> Standing:
    return Standing(user_id, role, team_id, disabled=False, successor_id=None)


def faults(caller: Authority, before: Standing, **changes: object) -> list[tuple[str, str]]:
    found = caller.faults_of_change(before, replace(before, **changes))  # type: ignore[arg-type]  # a change's members
    return [(fault.pointer, fault.code) for fault in found]


OUT_OF_REACH = [("/successor_id", "records_out_of_reach")]
BEYOND_TEAM = [("/team_id", "beyond_own_team")]


@pytest.mark.parametrize("successor", [ME, MATE, OTHER], ids=["oneself", "a colleague", "a stranger"])
@pytest.mark.parametrize("disabled", [True, False], ids=["at once", "for later"])
def test_records_out_of_reach_are_handed_to_nobody(successor: UserId, disabled: bool) -> None:
    changes = {"successor_id": successor, "disabled": disabled}
    assert faults(authority(), somebody(), **changes) == OUT_OF_REACH
    assert faults(authority(OWN), somebody(MATE, team_id=MINE), **changes) == OUT_OF_REACH
    assert faults(authority(ALL), somebody(), **changes) == []


def test_a_teams_records_are_handed_over_within_the_team() -> None:
    leaver = somebody(MATE, team_id=MINE)
    assert faults(authority(), leaver, disabled=True, successor_id=ME) == []
    assert faults(authority(), leaver, disabled=True, successor_id=STRANGER) == OUT_OF_REACH


def test_disabling_hands_over_to_a_successor_who_was_named_before() -> None:
    """Named by somebody who reached the records, and used by somebody who does not."""
    before = replace(somebody(), successor_id=ME)
    assert faults(authority(), before, disabled=True) == OUT_OF_REACH
    assert faults(authority(), before, disabled=True, successor_id=None) == []
    assert faults(authority(ALL), before, disabled=True) == []


def test_disabling_alone_needs_no_reach() -> None:
    assert faults(authority(OWN), somebody(), disabled=True) == []


@pytest.mark.parametrize(
    "missing", ["contacts:read", "contacts:update", "companies:read", "companies:update"]
)
def test_handing_over_needs_reading_and_changing_every_kind_of_record(missing: str) -> None:
    caller = authority(ALL)
    scopes = {**caller.grants.scopes, missing: OWN}
    narrower = replace(caller, grants=replace(caller.grants, scopes=scopes))
    assert faults(narrower, somebody(), disabled=True, successor_id=ME) == OUT_OF_REACH


@pytest.mark.parametrize("scope", [OWN, TEAM, ALL])
def test_nobody_but_an_owner_changes_their_own_team_or_role(scope: Scope) -> None:
    me = somebody(ME, "admin", MINE)
    for team in (THEIRS, None):
        assert ("/team_id", "own_rights") in faults(authority(scope), me, team_id=team)
    assert ("/role", "own_rights") in faults(authority(scope), me, role="manager")
    owner = authority(ALL, role="owner")
    assert faults(owner, somebody(ME, "owner", MINE), team_id=THEIRS) == []
    assert faults(owner, somebody(ME, "owner", MINE), role="member") == []


def test_nobody_is_moved_into_a_team_that_would_then_reach_records_beyond_the_caller() -> None:
    """Neither into the caller's own team, whose members gain the records, nor into a third one."""
    for team in (MINE, uuid4()):
        assert faults(authority(), somebody(), team_id=team) == BEYOND_TEAM
        assert faults(authority(OWN), somebody(), team_id=team) == []  # no role reaches by team
        assert faults(authority(ALL), somebody(), team_id=team) == []


def test_a_role_at_scope_team_is_not_moved_to_where_it_reaches_further_than_the_caller() -> None:
    mate = somebody(MATE, "manager", MINE)
    assert faults(authority(), mate, team_id=THEIRS) == BEYOND_TEAM
    reader = replace(mate, role="read_only")
    narrow = authority()
    roles = {**narrow.roles, "read_only": {"contacts:read": OWN}}
    assert faults(replace(narrow, roles=roles), reader, team_id=THEIRS) == []


def test_leaving_a_team_takes_records_away_and_gives_none() -> None:
    assert faults(authority(), somebody(), team_id=None) == []
    assert faults(authority(), somebody(MATE, team_id=MINE), team_id=None) == []


def test_a_role_is_given_where_the_caller_reaches_as_far() -> None:
    assert faults(authority(), somebody(MATE, team_id=MINE), role="manager") == []
    assert faults(authority(), somebody(), role="manager") == BEYOND_TEAM
    assert faults(authority(OWN), somebody(MATE, team_id=MINE), role="admin") == []
    above = authority(OWN)
    wider = replace(above, roles={**above.roles, "manager": {"contacts:read": TEAM}})
    assert ("/role", "beyond_own") in faults(wider, somebody(MATE, team_id=MINE), role="manager")


def test_enabling_somebody_gives_what_their_role_may() -> None:
    caller = authority(OWN)
    wider = replace(caller, roles={**caller.roles, "manager": {"contacts:read": ALL}})
    gone = replace(somebody(role="manager"), disabled=True)
    assert faults(wider, gone, disabled=False) == [("/role", "beyond_own")]
    assert faults(wider, somebody(role="manager"), disabled=True) == []


def test_a_role_is_widened_to_every_team_by_somebody_who_reaches_all_alone() -> None:
    now = {"contacts:read": OWN, "contacts:update": ALL}
    wanted = {"contacts:read": TEAM, "contacts:update": TEAM}
    assert authority(TEAM).widens(now, wanted) == ["contacts:read"]
    assert authority(ALL).widens(now, wanted) == []
