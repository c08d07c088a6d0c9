"""What a caller may do follows identity: within a second while the line stands, and never beyond what identity says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from daicho.access import Directory, Permissions, TokenVerifier, copy, permissions, schema
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.contracts.identity.v1 import identity_pb2
from daicho.events import Heartbeats, broadcast
from daicho.events import schema as events_schema
from daicho.faults import NotFound, Unauthenticated, Unavailable
from daicho.tenancy import Actor, Scope, SessionId, UserId, uuid7
from daicho.testkit import create_actor, create_tenant_id, create_user_id
from daicho.testkit.events import EventsWorld, events_world
from daicho.testkit.gateway import SigningKey

READ, WRITE = "contacts:read", "contacts:update"
ISSUER = "http://127.0.0.1"


class Identity:
    """Stands in the place of identity's channel: what identity knows, and what it was asked."""

    def __init__(self) -> None:
        self.tenant_id = create_tenant_id()
        self.roles = {"manager": {READ: Scope.ALL, WRITE: Scope.TEAM}, "member": {READ: Scope.OWN}}
        self.users: dict[UUID, tuple[str, UUID | None]] = {}
        self.disabled: set[UUID] = set()
        self.ended: set[bytes] = set()
        self.asked: list[str] = []
        self.away = False

    def stub(self, _kind: Any) -> Identity:
        return self

    def hire(self, role: str, team_id: UUID | None = None) -> UserId:
        user_id = create_user_id()
        self.users[user_id] = (role, team_id)
        return user_id

    async def GetGrants(self, request: Any, actor: Actor) -> Any:  # noqa: N802, ARG002 gRPC's
        self._hear("GetGrants")
        user_id = UUID(bytes=request.user_id)
        if user_id not in self.users or user_id in self.disabled:
            raise NotFound
        role, team_id = self.users[user_id]
        return identity_pb2.GetGrantsResponse(
            role=role,
            permissions=self._permissions(role),
            team_id=team_id.bytes if team_id else b"",
            team_member_ids=[each.bytes for each, (_, of) in self.users.items() if team_id and of == team_id],
        )

    async def CheckSession(self, request: Any, actor: Actor) -> Any:  # noqa: N802, ARG002 gRPC's
        self._hear("CheckSession")
        return identity_pb2.CheckSessionResponse(active=request.session_id not in self.ended)

    async def SnapshotPermissions(self, request: Any, actor: None) -> Any:  # noqa: N802, ARG002 gRPC's
        self._hear("SnapshotPermissions")
        tenant = events_pb2.TenantChanged(
            tenant_id=self.tenant_id.bytes, status=events_pb2.TenantChanged.STATUS_ACTIVE
        )
        part = identity_pb2.SnapshotPermissionsResponse(
            tenant_id=self.tenant_id.bytes, tenant=tenant, tenant_version=1
        )
        for user_id, (role, team_id) in self.users.items():
            part.users.add(
                user_id=user_id.bytes,
                role=role,
                team_id=team_id.bytes if team_id else b"",
                disabled=user_id in self.disabled,
                version=1,
            )
        for role in self.roles:
            part.roles.add(role=role, permissions=self._permissions(role), version=1)
        yield part
        yield identity_pb2.SnapshotPermissionsResponse(revocation_sequence=1)

    def _hear(self, question: str) -> None:
        self.asked.append(question)
        if self.away:
            raise Unavailable

    def _permissions(self, role: str) -> list[events_pb2.Permission]:
        return [
            events_pb2.Permission(action=action, scope=int(scope))
            for action, scope in self.roles[role].items()
        ]


class House:
    """A service with its copy, the line to identity, and callers with real tokens."""

    def __init__(self, world: EventsWorld, identity: Identity) -> None:
        self.world, self.identity, self.key = world, identity, SigningKey()
        self.clock_ahead = 0.0

        async def keys() -> dict[str, Any]:
            return {"keys": [self.key.public()]}

        self.verifier = TokenVerifier(keys, issuer=ISSUER)
        self.permissions = Permissions(
            world.database,
            world.bus,
            Directory(identity),
            self.verifier,
            event_verifier=world.verifier,
            clock=lambda: time.monotonic() + self.clock_ahead,
        )
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        await self._stack.enter_async_context(self.world.relaying(service="identity"))
        beats = Heartbeats(
            self.world.database,
            permissions.TOPIC,
            lambda sequence: events_pb2.Heartbeat(sequence=sequence),
            seconds=0.05,
        )
        self._heart = self._start(beats.run())
        self._line = self._start(self.permissions.run())
        await self.until(lambda: self.permissions._ready.is_set())

    async def close(self) -> None:
        await self._stack.aclose()

    async def stop_heart(self) -> None:
        await _end(self._heart)

    async def caller(self, user_id: UserId, *, session_id: UUID | None = None, age: int = 0) -> Actor:
        now = int(time.time()) - age
        token = self.key.token(
            tenant=self.identity.tenant_id,
            sub=str(user_id),
            sid=str(session_id or uuid7()),
            iat=now,
            nbf=now,
        )
        return await self.verifier.verify(token)

    async def newcomer(self, user_id: UserId) -> Actor:
        """A caller whose token is so much younger than this process that nobody need vouch for it."""
        self.permissions._whole_since = time.time() - 600
        return await self.caller(user_id)

    async def revoke(self, **named: Any) -> None:
        """Tell as identity does, and wait until it was heard."""
        async with self.world.database.transaction(create_actor(tenant_id=self.identity.tenant_id)) as tx:
            number = await broadcast(
                tx,
                permissions.TOPIC,
                lambda sequence: events_pb2.Revoked(
                    sequence=sequence, tenant_id=self.identity.tenant_id.bytes, **named
                ),
            )
        await self.until(lambda: self.permissions._line._sequence == number)

    async def hold(self, user_id: UserId, version: int) -> None:
        """Let the copy catch up with what identity knows of ``user_id``, as the consumer does."""
        role, team_id = self.identity.users[user_id]
        event = events_pb2.UserChanged(
            user_id=user_id.bytes,
            role=role,
            team_id=team_id.bytes if team_id else b"",
            disabled=user_id in self.identity.disabled,
        )
        async with self.world.database.transaction(self.identity.tenant_id) as tx:
            await copy.write_user(tx, event, version)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - another task's state, which nobody announces
                await asyncio.sleep(0.01)

    def _start(self, main: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(main)
        self._stack.push_async_callback(_end, task)
        return task


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def create_tables(op: Any) -> None:
    events_schema.create_newest(op)
    schema.create(op)


@pytest_asyncio.fixture
async def house(make_database, openbao_server, openbao_roles) -> AsyncIterator[House]:
    service = await make_database("customers", create=create_tables)
    async with events_world(service, make_database, openbao_server, openbao_roles) as world:
        made = House(world, Identity())
        made.manager = made.identity.hire("manager", UUID(int=7))
        made.member = made.identity.hire("member", UUID(int=7))
        await made.open()
        try:
            yield made
        finally:
            await made.close()


async def test_the_copy_answers_without_asking_identity(house: House) -> None:
    actor = await house.newcomer(house.manager)
    house.identity.asked.clear()
    found = await house.permissions.grants(actor)
    assert (found[READ], found[WRITE], found["contacts:delete"]) == (Scope.ALL, Scope.TEAM, Scope.NONE)
    assert found.owners(READ) is None
    assert found.owners(WRITE) == {house.manager, house.member}
    assert (await house.permissions.grants(await house.newcomer(house.member))).owners(READ) == {house.member}
    assert house.identity.asked == []


async def test_somebody_who_joined_a_moment_ago_is_asked_after(house: House) -> None:
    newcomer = house.identity.hire("member")
    assert (await house.permissions.grants(await house.newcomer(newcomer)))[READ] == Scope.OWN
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(await house.newcomer(create_user_id()))


async def test_nobody_but_a_user_holds_grants(house: House) -> None:
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(Actor.system(house.identity.tenant_id))


async def test_it_is_ready_only_once_a_snapshot_is_held(make_database, openbao_server, openbao_roles) -> None:
    service = await make_database("customers", create=create_tables)
    async with events_world(service, make_database, openbao_server, openbao_roles) as world:
        house = House(world, Identity())
        house.identity.away = True
        opening = asyncio.create_task(house.open())
        try:
            await house.until(lambda: house.identity.asked)
            assert await house.permissions.check() is not None
            house.identity.away = False
            await opening
            assert await house.permissions.check() is None
        finally:
            await house.close()


async def test_a_demoted_user_is_held_to_it_until_the_copy_has_caught_up(house: House) -> None:
    actor = await house.newcomer(house.manager)
    assert (await house.permissions.grants(actor))[WRITE] == Scope.TEAM
    house.identity.users[house.manager] = ("member", UUID(int=7))
    await house.revoke(user_id=house.manager.bytes, grants_changed=True)
    assert (await house.permissions.grants(actor))[WRITE] == Scope.NONE
    # However long the copy lags behind: time alone gives nothing back.
    house.clock_ahead = 2.0
    for _ in range(3):
        assert (await house.permissions.grants(actor))[WRITE] == Scope.NONE
    await house.hold(house.manager, 2)
    assert (await house.permissions.grants(actor))[WRITE] == Scope.NONE
    house.identity.asked.clear()
    assert (await house.permissions.grants(actor))[WRITE] == Scope.NONE
    assert house.identity.asked == []


async def test_leaving_team_revokes_teammates_access(house: House) -> None:
    actor = await house.newcomer(house.manager)
    assert house.member in (await house.permissions.grants(actor)).owners(WRITE)
    house.identity.users[house.member] = ("member", None)
    await house.revoke(user_id=house.member.bytes, grants_changed=True)
    assert (await house.permissions.grants(actor)).owners(WRITE) == {house.manager}


async def test_a_disabled_user_is_refused_at_the_next_request(house: House) -> None:
    actor = await house.newcomer(house.member)
    await house.permissions.grants(actor)
    house.identity.disabled.add(house.member)
    await house.revoke(user_id=house.member.bytes, grants_changed=True, before=int((time.time() + 1) * 1000))
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(actor)


async def test_an_ended_session_is_refused_and_the_users_others_go_on(house: House) -> None:
    ended, other = await house.newcomer(house.member), await house.newcomer(house.member)
    await house.revoke(user_id=house.member.bytes, session_id=ended.session_id.bytes)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(ended)
    assert (await house.permissions.grants(other))[READ] == Scope.OWN


async def test_a_session_begun_after_the_others_were_ended_is_good_within_the_same_second(
    house: House,
) -> None:
    old = await house.newcomer(house.member)
    await house.permissions.grants(old)
    await asyncio.sleep(0.005)
    await house.revoke(user_id=house.member.bytes, before=int(time.time() * 1000))
    await asyncio.sleep(0.005)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(old)
    assert (await house.permissions.grants(await house.newcomer(house.member)))[READ] == Scope.OWN


async def test_an_older_revocation_that_comes_late_takes_nothing_back(house: House) -> None:
    actor = await house.newcomer(house.member)
    soon = int((time.time() + 1) * 1000)
    await house.revoke(user_id=house.member.bytes, before=soon)
    await house.revoke(user_id=house.member.bytes, before=soon - 60_000)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(actor)


async def test_a_session_that_ended_before_this_process_started_is_refused(house: House) -> None:
    ended, standing = SessionId(uuid7()), SessionId(uuid7())
    house.identity.ended.add(ended.bytes)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(await house.caller(house.member, session_id=ended, age=60))
    actor = await house.caller(house.member, session_id=standing, age=60)
    await house.permissions.grants(actor)
    house.identity.asked.clear()
    await house.permissions.grants(actor)
    assert house.identity.asked == []


async def test_after_a_gap_in_the_line_identity_vouches_for_every_older_session(house: House) -> None:
    actor = await house.newcomer(house.member)
    await house.permissions.grants(actor)
    house.identity.ended.add(actor.session_id.bytes)
    house.permissions._line._sequence = 999
    await house.until(lambda: house.permissions._line._sequence != 999)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(actor)


async def test_without_a_heartbeat_identity_is_asked_and_when_it_is_away_nobody_passes(house: House) -> None:
    actor = await house.newcomer(house.manager)
    await house.permissions.grants(actor)
    await house.stop_heart()
    house.clock_ahead = permissions.SILENCE + 1
    house.identity.asked.clear()
    assert (await house.permissions.grants(actor))[READ] == Scope.ALL
    assert house.identity.asked == ["CheckSession", "GetGrants"]
    house.identity.away = True
    with pytest.raises(Unavailable):
        await house.permissions.grants(actor)
    house.identity.away = False
    house.identity.ended.add(actor.session_id.bytes)
    with pytest.raises(Unauthenticated):
        await house.permissions.grants(actor)


async def test_an_older_version_changes_nothing_in_the_copy(house: House) -> None:
    house.identity.users[house.member] = ("manager", None)
    await house.hold(house.member, 5)
    house.identity.users[house.member] = ("member", None)
    await house.hold(house.member, 4)
    async with house.world.database.reading(house.identity.tenant_id) as tx:
        assert (await copy.read_grants(tx, house.member)).role == "manager"
