"""Hashing and judging passwords without starving the loop.

Argon2id takes tens of milliseconds of a core and 19 MiB, so it runs in threads of its own, a few at a time.
Those who wait longer than the queue is long are told to come back: a flood of sign-ins must not take the
pages with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from daicho.faults import FieldFault, Unavailable
from daicho.identity.policy import normalise_password, password_fault

_Result = TypeVar("_Result")


class SignInsBusy(Unavailable):
    """More sign-ins wait for a core than are let wait."""

    code = "sign_ins_busy"


class Passwords:
    """Argon2id with at most ``threads`` hashes at once and ``queue`` callers waiting."""

    def __init__(self, *, threads: int = 2, queue: int = 64, hasher: PasswordHasher | None = None) -> None:
        # OWASP's parameters for servers: 19 MiB, three passes, one lane.
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._places = threads + queue
        self._inside = 0
        self._decoy = self._hasher.hash("a password that nobody has")

    def close(self) -> None:
        """Ends the threads; hashes that run finish first."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded hash, salt and parameters included."""
        return await self._run(lambda: self._hasher.hash(normalise_password(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one behind ``stored``. Without a stored hash the answer is no, after
        the same work, so that time tells nobody whether a user exists."""
        matches = await self._run(lambda: self._verify(stored or self._decoy, password))
        return matches and stored is not None

    async def judge(self, pointer: str, password: str, *personal: str) -> FieldFault | None:
        """What is wrong with a new password; see :func:`daicho.identity.policy.password_fault`."""
        return await self._run(lambda: password_fault(pointer, password, personal=personal))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, normalise_password(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._inside >= self._places:
            raise SignInsBusy
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._inside -= 1
