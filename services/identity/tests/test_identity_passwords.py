"""Hashing is slow on purpose, and must not take the loop or the machine with it."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher

from daicho.identity.passwords import Passwords, SignInsBusy


@pytest.fixture
def passwords():
    made = Passwords(threads=1, queue=2)
    yield made
    made.close()


async def test_a_password_verifies_and_another_does_not(passwords: Passwords) -> None:
    stored = await passwords.hash("ながいパスワード1")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "ながいパスワード１")
    assert not await passwords.verify(stored, "ながいパスワード2")


async def test_without_a_stored_hash_the_answer_is_no_even_for_the_decoys_own_password(
    passwords: Passwords,
) -> None:
    assert not await passwords.verify(None, "a password that nobody has")


async def test_the_loop_goes_on_while_hashes_are_made(passwords: Passwords) -> None:
    work = asyncio.create_task(passwords.hash("correct horse battery"))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3


async def test_who_finds_the_queue_full_is_told_to_come_back(passwords: Passwords) -> None:
    results = await asyncio.gather(
        *(passwords.hash("correct horse battery") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, SignInsBusy) for each in results) == 5
    assert await passwords.hash("correct horse battery")


async def test_a_hash_of_weaker_parameters_is_due_for_renewal(passwords: Passwords) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("correct horse battery")
    assert passwords.outdated(weak)
    assert not passwords.outdated(await passwords.hash("correct horse battery"))
