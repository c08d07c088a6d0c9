"""Row of the threat table: two workers on one import have one effect."""

from __future__ import annotations

import signal

from daicho.testkit.waiting import until
from tests.faults.test_import_killed import (
    BAD,
    ROWS,
    Killing,
    assert_each_record_is_told_once,
    killing,
    pieces,
)

__all__ = ["killing"]
VALID = ROWS - BAD


async def test_worker_that_outlives_its_lease_and_its_successor_enter_each_row_once(killing: Killing) -> None:
    async def within(work):
        async with killing.imports.database.transaction(killing.asking.actor) as tx:
            return (await work(tx)).body

    async def holder() -> object:
        return await killing.value("SELECT queue_manager_id FROM pgqueuer WHERE status = 'picked'")

    view = await killing.imports.upload(killing.asking, pieces(), lambda: ("contact", "k.csv"), within)
    await killing.imports.begin_check(killing.asking, view.id)
    await killing.through(view.id, "checked")
    await killing.imports.begin_run(killing.asking, view.id)
    first = killing.start()
    second = None
    try:
        await killing.until(view.id, f"created > 0 AND created < {VALID}")
        first.send_signal(signal.SIGSTOP)
        before = await holder()
        second = killing.start()

        async def is_taken_over() -> bool:
            return await holder() not in (before, None)

        await until(is_taken_over, within=60)
        first.send_signal(signal.SIGCONT)
        await killing.until(view.id, "status IN ('done', 'failed')")
    finally:
        for worker in (first, second):
            if worker is not None:
                worker.kill()
                worker.wait()
    done = await killing.imports.read(killing.asking, view.id)
    assert (done.status, done.created, done.updated, done.rejected) == ("done", VALID, 0, BAD)
    assert await killing.value("SELECT count(*) FROM contact") == VALID
    assert await killing.value("SELECT count(*) FROM change WHERE resource = 'contact'") == VALID
    await assert_each_record_is_told_once(killing)
