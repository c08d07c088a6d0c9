"""A long computation on the event loop lets others run in between."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from time import perf_counter

from daicho.runtime import in_slices
from daicho.runtime.time_slices import SLICE, urgent_work


def spin(seconds: float) -> float:
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass
    return seconds


async def test_results_come_in_the_order_of_the_items() -> None:
    assert await in_slices(lambda number: number * 2, range(1_000)) == list(range(0, 2_000, 2))
    assert await in_slices(str, []) == []


async def test_others_run_while_a_computation_goes_on() -> None:
    rounds = 0
    done = asyncio.Event()

    async def other() -> None:
        nonlocal rounds
        while not done.is_set():
            rounds += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await in_slices(spin, [SLICE / 2] * 40)
    done.set()
    await beside
    assert rounds >= 10


async def test_one_of_several_computations_has_a_slice_in_each_round() -> None:
    began: list[int] = []

    async def compute(number: int) -> None:
        def note(seconds: float) -> float:
            began.append(number)
            return spin(seconds)

        await in_slices(note, [SLICE] * 10)

    rounds = 0
    done = asyncio.Event()

    async def other() -> None:
        nonlocal rounds
        while not done.is_set():
            rounds += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await asyncio.gather(*(compute(number) for number in range(4)))
    done.set()
    await beside
    # The first slice of each is free, 36 are left: were they all in each round, nine rounds would do.
    assert rounds >= 36
    assert set(began[:4]) == set(began[-4:]) == {0, 1, 2, 3}


async def test_computation_pauses_after_each_slice_while_urgent_requests_are_under_way() -> None:
    loop = asyncio.get_running_loop()
    used: list[float] = []

    def note(seconds: float) -> None:
        spin(seconds)
        used.append(loop.time())

    urgent_work().under_way += 1
    await in_slices(note, [SLICE] * 5)
    urgent_work().under_way -= 1
    gaps = [later - earlier for earlier, later in pairwise(used)]
    assert min(gaps) >= 1.5 * SLICE


async def test_failure_ends_a_computation_and_lets_the_next_go_on() -> None:
    def fail(number: int) -> int:
        spin(SLICE)
        if number == 3:
            raise ValueError
        return number

    failed, whole = await asyncio.gather(
        in_slices(fail, range(6)), in_slices(spin, [SLICE] * 6), return_exceptions=True
    )
    assert isinstance(failed, ValueError)
    assert whole == [SLICE] * 6
