"""Children with limits: what they answer, how their end is told apart, what they leave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import child_tasks
import psutil
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from daicho.runtime.child_pool import (
    MEBIBYTE,
    ChildCrashed,
    ChildKilled,
    ChildLimits,
    ChildPool,
    ChildTask,
)

LIMITS = ChildLimits(memory=64 * MEBIBYTE, cpu=5, wall=10)


def task(name: str, answer: Any = Any) -> ChildTask[Any]:
    """A task of :mod:`child_tasks`."""
    return ChildTask(f"child_tasks:{name}", answer, faults=(child_tasks.Refused,))


@pytest_asyncio.fixture(loop_scope="session")
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChildPool]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("DAICHO_VAULT_SECRET_ID", "secret")
    made = ChildPool()
    yield made
    made.close()


async def answers(
    pool: ChildPool, name: str, *inputs: Any, argument: Any = 0, limits: ChildLimits = LIMITS
) -> list[Any]:
    """All answers of a task."""
    return [each async for each in pool.run(task(name), argument, limits, inputs)]


async def test_child_answers_in_order(pool: ChildPool) -> None:
    assert await answers(pool, "echo", b"a", b"b", argument={"c": 1}) == [{"c": 1}, b"a", b"b"]
    large = [os.urandom(1_000_000) for _ in range(20)]
    assert await answers(pool, "echo", *large) == [0, *large]


async def test_child_may_leave_inputs_unread(pool: ChildPool) -> None:
    assert await answers(pool, "first", *[b"x" * 500_000] * 50) == [500_000]


async def test_inputs_and_answers_alternate(pool: ChildPool) -> None:
    async with pool.child(task("echo"), "argument", LIMITS) as child:
        assert await child.receive() == "argument"
        for number in range(3):
            await child.send(number)
            assert await child.receive() == number
        await child.end()
        assert await child.receive() is None


async def test_child_beyond_its_memory_is_killed_for_memory(pool: ChildPool) -> None:
    with pytest.raises(ChildKilled) as caught:
        await answers(pool, "fill_memory")
    assert caught.value.reason == "memory"
    assert await answers(pool, "hold", argument=40 * MEBIBYTE) == [40 * MEBIBYTE]


async def test_child_beyond_its_time_is_killed_for_time(pool: ChildPool) -> None:
    for name, limits in (
        ("work_for_ever", ChildLimits(cpu=1, wall=600)),
        ("sleep_for_ever", ChildLimits(cpu=600, wall=0.5)),
    ):
        async with asyncio.timeout(60):
            with pytest.raises(ChildKilled) as caught:
                await answers(pool, name, limits=limits)
        assert caught.value.reason == "time"


async def test_child_whose_answer_is_too_large_is_killed_for_memory(pool: ChildPool) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(ChildKilled) as caught:
            await answers(pool, "answer_too_much", limits=ChildLimits(memory=512 * MEBIBYTE))
    assert caught.value.reason == "memory"


async def test_everybody_who_waits_for_a_killed_child_hears_the_same_and_the_log_once_a_warning(
    pool: ChildPool,
) -> None:
    """A second who asked was told of a crash, an error of ours, since the status comes once."""
    with capture_logs() as logs:
        async with pool.child(task("fill_memory"), 0, LIMITS) as child:
            for _ in range(3):
                with pytest.raises(ChildKilled):
                    await child.receive()
    assert [(each["event"], each["log_level"]) for each in logs] == [("child_killed", "warning")]


async def test_waiting_for_its_parent_is_not_a_childs_time(pool: ChildPool) -> None:
    async with pool.child(task("echo"), 0, ChildLimits(cpu=60, wall=0.5)) as child:
        for number in range(3):
            assert await child.receive() == number
            await asyncio.sleep(0.4)
            await child.send(number + 1)


async def test_time_for_each_input_begins_anew(pool: ChildPool) -> None:
    each = ChildLimits(cpu=60, wall=1.0, is_wall_per_input=True)
    assert await answers(pool, "sleep", 0.4, 0.4, 0.4, 0.4, limits=each) == [0.4] * 4
    with pytest.raises(ChildKilled):
        await answers(pool, "sleep", 0.4, 5.0, limits=each)
    with pytest.raises(ChildKilled):
        await answers(pool, "sleep", 0.4, 0.4, 0.4, 0.4, limits=ChildLimits(cpu=60, wall=1.0))


async def test_fault_of_a_task_is_raised_as_that_fault(pool: ChildPool) -> None:
    with pytest.raises(child_tasks.Refused) as caught:
        await answers(pool, "refuse")
    assert caught.value.params == {"limit": 7}


@pytest.mark.parametrize("name", ["fail", "crash", "be_killed", "missing"])
async def test_other_ends_are_errors_of_ours_and_logged_without_the_input(pool: ChildPool, name: str) -> None:
    with capture_logs() as logs, pytest.raises(ChildCrashed):
        await answers(pool, name, argument="customer data")
    assert len(logs) == 1
    assert "customer data" not in str(logs)
    if name == "fail":
        assert any("child_tasks.py" in place for place in logs[0]["places"])


async def test_answer_of_another_type_is_refused(pool: ChildPool) -> None:
    with pytest.raises(ChildCrashed):
        [each async for each in pool.run(task("lie", int), 0, LIMITS, [])]


async def test_child_knows_no_secret_and_writes_no_file(pool: ChildPool) -> None:
    seen = (await answers(pool, "look_around"))[0]
    assert set(seen["environment"]) <= {"LANG", "PYTHONPATH", "TZ", "LC_CTYPE"}
    assert seen["files"][:3] == [0, 1, 2]
    assert len(seen["files"]) <= 4  # the fourth is the folder that is listed
    assert (seen["core"], seen["writes"]) == ([0, 0], False)
    assert seen["nice"] > os.nice(0)


async def test_each_task_has_a_process_of_its_own(pool: ChildPool) -> None:
    seen = [(await answers(pool, "look_around"))[0] for _ in range(3)]
    assert len({each["process"] for each in seen}) == 3
    assert len({each["server"] for each in seen}) == 1


async def test_what_inputs_raise_ends_the_child(pool: ChildPool) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        [each async for each in pool.run(task("echo"), 0, LIMITS, broken())]
    assert await children_of(pool) == []


async def test_abandoned_child_is_killed(pool: ChildPool) -> None:
    async with contextlib.aclosing(pool.run(task("work_for_ever"), 0, LIMITS, [])) as running:
        async for _ in running:
            break
    assert await children_of(pool) == []


async def test_another_server_is_started_when_one_has_died(pool: ChildPool) -> None:
    assert await answers(pool, "echo") == [0]
    assert pool._server is not None
    pool._server.kill()
    assert await answers(pool, "echo") == [0]


async def test_server_and_children_end_with_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import asyncio, os\n"
        "from daicho.runtime.child_pool import ChildLimits, ChildPool, ChildTask\n"
        "async def main():\n"
        "    pool = ChildPool()\n"
        "    task = ChildTask('child_tasks:work_for_ever', int)\n"
        "    async for _ in pool.run(task, 0, ChildLimits(cpu=60, wall=60), []):\n"
        "        print('working', flush=True)\n"
        "asyncio.run(main())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parent = run(script)
    assert parent.stdout is not None
    assert await asyncio.to_thread(parent.stdout.readline) == "working\n"
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert alive == []


async def test_memory_is_given_back_after_a_series(pool: ChildPool) -> None:
    for _ in range(5):
        await answers(pool, "hold", argument=50 * MEBIBYTE)
    assert pool._server is not None
    server = psutil.Process(pool._server.pid)
    assert await children_of(pool) == []
    assert server.memory_info().rss < 60 * MEBIBYTE


def run(script: str) -> subprocess.Popen[str]:
    """A Python of its own."""
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


async def children_of(pool: ChildPool) -> list[psutil.Process]:
    """Children that are alive, after those that end had a moment."""
    assert pool._server is not None
    found = psutil.Process(pool._server.pid).children()
    _, alive = await asyncio.to_thread(psutil.wait_procs, found, 5)
    return alive
