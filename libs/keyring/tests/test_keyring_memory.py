"""What stays in memory: not longer than it may, not more than it may, and made once."""

import asyncio
import statistics
import time
from uuid import UUID

import pytest

from daicho.keyring import BlindIndex, KeyMaterial, TenantKeys
from daicho.keyring.blind_index import TokenMemory
from daicho.keyring.kept import Kept
from daicho.tenancy import TenantId

MATERIAL = KeyMaterial(TenantId(UUID(int=7)), {1: b"k" * 32}, current=1, index=(b"i" * 32,), unique=b"u" * 32)


TOKENS = [-7178597717236334282, -619455195658394055]


async def test_what_many_ask_for_at_once_is_made_once() -> None:
    made, gate = [], asyncio.Event()

    async def make() -> object:
        await gate.wait()
        made.append(object())
        return made[-1]

    kept: Kept[str, object] = Kept(300, time.monotonic)
    asking = [asyncio.create_task(kept.make("tenant", make)) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [made[0]] * 9
    assert kept.get("tenant") is made[0]


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered() -> None:
    async def fail() -> object:
        raise ConnectionError

    async def succeed() -> object:
        return "keys"

    kept: Kept[str, object] = Kept(300, time.monotonic)
    answers = await asyncio.gather(*(kept.make("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    assert await kept.make("a", succeed) == "keys"


async def test_what_is_forgotten_while_it_is_made_is_not_kept() -> None:
    gate = asyncio.Event()

    async def make() -> str:
        await gate.wait()
        return "old"

    kept: Kept[str, str] = Kept(300, time.monotonic)
    task = asyncio.create_task(kept.make("a", make))
    await asyncio.sleep(0)
    kept.forget("a")
    gate.set()
    assert await task == "old"
    assert kept.get("a") is None


async def test_keys_leave_memory_in_time_though_nobody_asks() -> None:
    async def make() -> str:
        return "keys"

    kept: Kept[str, str] = Kept(0.01, lambda: 0.0)
    await kept.make("a", make)
    assert kept.get("a") == "keys"
    ended = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, ended.set)  # after the timer that ends it
    await ended.wait()
    assert kept.get("a") is None


def test_tokens_of_many_tenants_stay_within_the_bound() -> None:
    memory = TokenMemory(1_000)
    indexes = [BlindIndex([bytes([number]) * 32], memory) for number in range(40)]
    for index in indexes:
        before = index.tokens("name", (str(term) for term in range(300)))
        assert before == index.tokens("name", (str(term) for term in range(300)))
    held = sum(len(known) for index in indexes for sets in index._classes.values() for known in sets)
    assert held <= 2_000


def test_a_token_is_a_signed_64_bit_number_and_the_same_in_every_process() -> None:
    assert BlindIndex([b"i" * 32]).tokens("kana", ["2タナ", "1タ", "2タナ"]) == TOKENS
    assert TenantKeys.of_material(MATERIAL).index.sought("kana", ["1タ", "2タナ"]) == TOKENS


def test_a_child_process_tells_no_events() -> None:
    with pytest.raises(RuntimeError):
        _ = TenantKeys.of_material(MATERIAL).events


def test_a_page_of_fifty_cards_opens_in_a_fraction_of_a_millisecond() -> None:
    keys, rows = TenantKeys.of_material(MATERIAL), [UUID(int=number) for number in range(50)]
    sealed = [keys.seal("contact", row, "card", b"x" * 300) for row in rows]

    def once() -> float:
        begun = time.perf_counter()
        for row, blob in zip(rows, sealed, strict=True):
            keys.unseal("contact", row, "card", blob)
        return time.perf_counter() - begun

    taken = statistics.median(once() for _ in range(50))
    assert taken < 0.002, f"{taken * 1000:.2f} ms"
