"""Numbered slots, shared out among processes by PostgreSQL's advisory locks.

Every member holds a lock of its own, so that the server itself knows who is alive: a lock goes with its
connection. From the sorted list of members each computes the same fair shares, gives up what is not its own and
takes what is. The lock on a slot, held on the connection that does the work, is what makes it safe: shares
only say who should try.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg

S = TypeVar("S")

_MEMBERS = """
    SELECT classid, objid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = ANY($1::bigint[])
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Shares(Generic[S]):
    """One member's share of several pools of slots.

    ``pools`` maps a pool's name to its slots in the order that all members agree on. ``connection`` must
    stay this member's alone; when it breaks, all is lost and another takes over.
    """

    def __init__(self, connection: asyncpg.Connection[Any], pools: Mapping[str, Sequence[S]]) -> None:
        self._connection = connection
        self._me = secrets.randbits(31)
        self._pools = {name: tuple(slots) for name, slots in pools.items()}
        self._member_class = {_class("member", name): name for name in pools}
        self._held: set[S] = set()
        self._leaving: set[S] = set()
        self._joined = False

    @property
    def held(self) -> frozenset[S]:
        """The slots that are locked for this member."""
        return frozenset(self._held)

    @property
    def leaving(self) -> frozenset[S]:
        """Held slots that another waits for: finish what is begun in them and begin nothing new."""
        return frozenset(self._leaving)

    async def balance(self, busy: frozenset[S] = frozenset()) -> frozenset[S]:
        """Give up and take what fairness says; slots in ``busy`` are kept this time. Answers what is held."""
        if not self._joined:
            for number in self._member_class:
                await self._connection.execute("SELECT pg_advisory_lock($1, $2)", number, self._me)
            self._joined = True
        members = await self._members()
        self._leaving.clear()
        for name, slots in self._pools.items():
            await self._balance_pool(name, slots, members[name], busy)
        return self.held

    async def _members(self) -> dict[str, list[int]]:
        rows = await self._connection.fetch(_MEMBERS, [number & 0xFFFFFFFF for number in self._member_class])
        members: dict[str, list[int]] = {name: [] for name in self._pools}
        for row in rows:
            members[self._member_class[_signed(row["classid"])]].append(row["objid"])
        return {name: sorted(ids) for name, ids in members.items()}

    async def _balance_pool(
        self, name: str, slots: Sequence[S], members: Sequence[int], busy: frozenset[S]
    ) -> None:
        number = _class("slot", name)
        rank, turn = members.index(self._me), number % len(members)
        for index, slot in enumerate(slots):
            mine = (index + turn) % len(members) == rank
            if mine and slot not in self._held:
                if await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", number, index):
                    self._held.add(slot)
            elif not mine and slot in self._held:
                if slot in busy:
                    self._leaving.add(slot)
                    continue
                self._held.discard(slot)
                await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", number, index)


async def count_members(connection: asyncpg.Connection[Any], pool: str) -> int:
    """How many members share ``pool`` now."""
    return len(await connection.fetch(_MEMBERS, [_class("member", pool) & 0xFFFFFFFF]))


def _class(kind: str, name: str) -> int:
    """The first half of a lock's number, a signed 32-bit integer."""
    return _signed(zlib.crc32(f"daicho/{kind}/{name}".encode()))


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
