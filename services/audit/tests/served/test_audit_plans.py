"""A rare action of one actor is found by its own index, however much he did else."""

from __future__ import annotations

from typing import Any

import asyncpg

from daicho.audit import repository
from daicho.tenancy import uuid7


async def test_a_rare_action_of_a_busy_actor_reads_its_own_entries_alone(make_database: Any) -> None:
    made = await make_database("audit")
    tenant, actor = uuid7(), uuid7()
    admin = await asyncpg.connect(made.admin_url)
    await admin.execute(
        """
        INSERT INTO entry (tenant_id, sequence, entry_id, time, kind, actor_kind, actor_user_id, actor_service, action,
            resource_type, payload_digest)
        SELECT $1, n, gen_random_uuid(), now() - n * interval '1 second', 1, 1, $2, '',
            CASE WHEN n % 5000 = 4999 THEN 'contact.deleted' ELSE 'contact.open' END, 'contact', '\\x00'
        FROM generate_series(0, 19999) n
        """,
        tenant,
        actor,
    )
    await admin.execute("ANALYZE entry")
    await admin.close()
    service = await asyncpg.connect(made.app_url)
    async with service.transaction():
        await service.execute(f"SET LOCAL app.tenant_id = '{tenant}'")
        rows = await service.fetch(
            "EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) " + repository.FIND_BY_ACTOR_AND_ACTION,
            tenant,
            *(repository.FIRST, repository.LAST, -1, actor, "contact.deleted", None, 50),
        )
    await service.close()
    plan = "\n".join(row[0] for row in rows)
    assert "ix_entry_actor_action" in plan
    assert "Rows Removed by Filter" not in plan
    assert "rows=4.00" in plan or "rows=4 " in plan, plan
