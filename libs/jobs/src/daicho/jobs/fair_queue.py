"""Claiming jobs in turns by tenant, on PgQueuer's tables.

PgQueuer claims the oldest job first, so a tenant with a thousand jobs makes everybody wait for all of them. Here
a free place goes to the tenant with the fewest jobs in progress, then to the one whose last turn was longest
ago, and no tenant holds more than a job type's share of the places. ADR 32 has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from alembic.operations import Operations
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain import models
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

_CLAIM: Final = "SELECT * FROM claim_jobs($1::text[], $2::int[], $3::int[], $4::uuid, $5::interval, $6::int)"

_OBJECTS: Final = (
    # The first half of a job's payload (daicho.jobs.Job.encode).
    """
    CREATE FUNCTION job_tenant(payload bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substring(payload FROM 1 FOR 16)
    """,
    """
    CREATE TABLE job_turn (
        entrypoint text NOT NULL,
        tenant bytea NOT NULL,
        served_at timestamptz NOT NULL,
        PRIMARY KEY (entrypoint, tenant)
    )
    """,
    "CREATE INDEX pgqueuer_tenant ON pgqueuer (entrypoint, job_tenant(payload), priority DESC, id) WHERE status = 'queued'",
    """
    CREATE FUNCTION claim_jobs(
        wanted text[], places int[], tenant_places int[], manager uuid, lease interval, most int
    ) RETURNS SETOF pgqueuer LANGUAGE plpgsql AS $$
    DECLARE
        moment timestamptz;
        claimed pgqueuer;
        total int := 0;
        free int;
    BEGIN
        -- One claim at a time, so that the counts below are exact. Later statements see what earlier claims wrote.
        PERFORM pg_advisory_xact_lock(hashtextextended('daicho.jobs.claim', 0));
        moment := clock_timestamp();
        -- Jobs whose worker died keep the places they have.
        FOR claimed IN
            UPDATE pgqueuer SET heartbeat = moment, updated = moment, queue_manager_id = manager
            WHERE id IN (
                SELECT stale.id FROM pgqueuer stale
                WHERE stale.status = 'picked' AND stale.entrypoint = ANY(wanted)
                    AND stale.heartbeat < moment - lease AND stale.execute_after <= moment
                ORDER BY stale.id LIMIT most FOR UPDATE SKIP LOCKED
            ) RETURNING *
        LOOP
            total := total + 1;
            RETURN NEXT claimed;
        END LOOP;
        FOR place IN 1 .. cardinality(wanted) LOOP
            free := places[place] - (
                SELECT count(*) FROM pgqueuer WHERE entrypoint = wanted[place] AND status = 'picked'
            );
            WHILE free > 0 AND total < most LOOP
                WITH RECURSIVE
                held AS (
                    SELECT job_tenant(payload) AS tenant, count(*) AS jobs
                    FROM pgqueuer WHERE entrypoint = wanted[place] AND status = 'picked' GROUP BY 1
                ),
                -- Each tenant that has queued jobs, one index look-up a tenant.
                waiting AS (
                    (SELECT job_tenant(payload) AS tenant FROM pgqueuer
                     WHERE entrypoint = wanted[place] AND status = 'queued' ORDER BY 1 LIMIT 1)
                    UNION ALL
                    SELECT (
                        SELECT job_tenant(payload) FROM pgqueuer
                        WHERE entrypoint = wanted[place] AND status = 'queued' AND job_tenant(payload) > waiting.tenant
                        ORDER BY 1 LIMIT 1
                    ) FROM waiting WHERE waiting.tenant IS NOT NULL
                ),
                next AS (
                    SELECT head.id
                    FROM waiting
                    LEFT JOIN held USING (tenant)
                    LEFT JOIN job_turn turn ON turn.entrypoint = wanted[place] AND turn.tenant = waiting.tenant
                    CROSS JOIN LATERAL (
                        SELECT first.id FROM pgqueuer first
                        WHERE first.entrypoint = wanted[place] AND first.status = 'queued'
                            AND job_tenant(first.payload) = waiting.tenant
                            AND first.execute_after <= moment
                        ORDER BY first.priority DESC, first.id LIMIT 1
                    ) head
                    WHERE waiting.tenant IS NOT NULL AND coalesce(held.jobs, 0) < tenant_places[place]
                    ORDER BY coalesce(held.jobs, 0), turn.served_at NULLS FIRST, head.id
                    LIMIT 1
                )
                UPDATE pgqueuer job
                SET status = 'picked', updated = moment, heartbeat = moment, queue_manager_id = manager
                FROM next WHERE job.id = next.id AND job.status = 'queued'
                RETURNING job.* INTO claimed;
                EXIT WHEN NOT FOUND;
                INSERT INTO job_turn
                VALUES (wanted[place], job_tenant(claimed.payload), clock_timestamp())
                ON CONFLICT (entrypoint, tenant) DO UPDATE SET served_at = excluded.served_at;
                INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
                VALUES (claimed.id, claimed.status, claimed.entrypoint, claimed.priority);
                free := free - 1;
                total := total + 1;
                RETURN NEXT claimed;
            END LOOP;
        END LOOP;
    END $$
    """,
)


def add_fair_claim(op: Operations, app_role: str) -> None:
    """Add the table of turns and the function that claims jobs; for a migration after :func:`daicho.jobs.create`."""
    for statement in _OBJECTS:
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON job_turn TO {app_role}")


@dataclass
class FairQueries(Queries):
    """PgQueuer's queries with a claim that takes turns by tenant.

    ``tenant_places`` is how many jobs of a type one tenant may have in progress, by the type's name.
    """

    tenant_places: Mapping[str, int] = field(default_factory=dict)

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[models.Job]:
        """Claim at most ``batch_size`` jobs; the arguments are those of the method that this overrides."""
        del global_concurrency_limit  # the worker sets none
        names = list(entrypoints)
        rows = await self.driver.fetch(
            _CLAIM,
            names,
            [entrypoints[name].concurrency_limit for name in names],
            [self.tenant_places[name] for name in names],
            queue_manager_id,
            heartbeat_timeout,
            batch_size,
        )
        return [models.Job.model_validate(row) for row in rows]
