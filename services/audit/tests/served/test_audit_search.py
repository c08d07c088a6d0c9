"""Every search finds what a look at every entry finds, in the same order, and reads little more than its page."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daicho.audit import finding, merkle, repository
from daicho.audit.leaf import ActorKind, Kind, Leaf, deed_of
from daicho.audit.model import Question
from daicho.tenancy import Database, TenantId, uuid7

ENTRIES: Final = 3_000
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
ACTORS: Final = [uuid7() for _ in range(4)]
RECORDS: Final = [uuid7() for _ in range(12)]
DEEDS: Final = [
    ("contact", "contact.list"), ("contact", "contact.open"), ("contact", "contact.updated"),
    ("company", "company.open"), ("contact", "access.refused"), ("company", "access.refused"),
]  # fmt: skip
AXES: Final = ("actor_id", "resource", "record_id", "action", "begin", "end")


@dataclass(frozen=True)
class Log:
    """A tenant's log in a database, and the same entries as the test holds them."""

    database: Database
    tenant_id: TenantId
    entries: Sequence[tuple[Leaf, Sequence[UUID]]]

    async def find(self, asked: Question) -> list[int]:
        """The sequence numbers of a page."""
        async with self.database.reading(self.tenant_id) as tx:
            return [leaf.sequence for leaf, _ in await repository.find(tx, asked)]

    def looked_for(self, asked: Question) -> list[int]:
        """The same by a look at every entry."""
        fits = [leaf for leaf, records in self.entries if _fits(asked, leaf, records)]
        newest = sorted(fits, key=lambda leaf: (leaf.time, leaf.sequence), reverse=True)
        return [leaf.sequence for leaf in newest[: asked.limit]]


def _fits(asked: Question, leaf: Leaf, records: Sequence[UUID]) -> bool:
    return (
        asked.actor_id in (None, leaf.actor_user_id)
        and asked.resource in (None, leaf.resource_type)
        and asked.action in (None, leaf.action)
        and (asked.record_id is None or asked.record_id in records)
        and (asked.begin is None or leaf.time >= asked.begin)
        and (asked.end is None or leaf.time < asked.end)
        and (asked.before is None or (leaf.time, leaf.sequence) < asked.before)
    )


def _entries(tenant_id: TenantId) -> Iterator[tuple[Leaf, Sequence[UUID]]]:
    """Entries with times that are not in the log's order, several at one moment, some of nobody."""
    chance = random.Random(7)
    for sequence in range(ENTRIES):
        resource, action = chance.choices(DEEDS, weights=[60, 20, 10, 8, 1, 1])[0]
        leaf = Leaf(
            tenant_id=tenant_id,
            sequence=sequence,
            entry_id=uuid7(),
            time=BEGAN + timedelta(minutes=sequence // 3 + chance.randint(-20, 20)),
            kind=Kind.ACCESS,
            actor_kind=ActorKind.USER,
            actor_user_id=chance.choice([*ACTORS, None]),
            action=action,
            resource_type=resource,
            payload_digest=bytes(32),
        )
        yield leaf, chance.sample(RECORDS, chance.choice([0, 1, 1, 6]))


async def _append(
    database: Database, tenant_id: TenantId, entries: Sequence[tuple[Leaf, Sequence[UUID]]]
) -> None:
    async with database.transaction(tenant_id) as tx:
        head = await repository.lock_head(tx)
        nodes = [node for leaf, _ in entries for node in head.append(merkle.leaf_hash(bytes(leaf)))]
        records = [(record.bytes, leaf.sequence) for leaf, found_by in entries for record in found_by]
        held = [(leaf, b"sealed") for leaf, _ in entries]
        await repository.append(tx, head, held, records=records, nodes=nodes, keys=[])


@pytest.fixture(scope="module")
async def log(make_database: Any) -> AsyncIterator[Log]:
    database = await (await make_database("audit")).open()
    tenant_id = TenantId(uuid7())
    log = Log(database, tenant_id, list(_entries(tenant_id)))
    await _append(database, tenant_id, log.entries)
    yield log
    await database.close()


moments = st.integers(-60, ENTRIES // 3 + 60).map(lambda minute: BEGAN + timedelta(minutes=minute))
questions = st.builds(
    Question,
    actor_id=st.none() | st.sampled_from([*ACTORS, UUID(int=9)]),
    resource=st.none() | st.sampled_from(["contact", "company", "deal"]),
    record_id=st.none() | st.sampled_from([*RECORDS, UUID(int=9)]),
    action=st.none() | st.sampled_from([*(action for _, action in DEEDS), "deal.open"]),
    begin=st.none() | moments,
    end=st.none() | moments,
    before=st.none() | st.tuples(moments, st.integers(0, ENTRIES)),
    limit=st.integers(1, 60),
)


async def test_any_search_finds_what_a_look_at_every_entry_finds(log: Log) -> None:
    asked: list[Question] = []

    @settings(max_examples=400, database=None)
    @given(questions)
    def gather(question: Question) -> None:
        asked.append(question)

    gather()
    found = 0
    for question in asked:
        wanted = log.looked_for(question)
        assert await log.find(question) == wanted, question
        found += bool(wanted)
    assert found > 50


@pytest.mark.parametrize("axes", [axes for n in range(7) for axes in itertools.combinations(AXES, n)])
async def test_every_combination_pages_through_all_that_fits_and_nothing_else(
    log: Log, axes: tuple[str, ...]
) -> None:
    """Four filters at once, with and without dates, page by page to the end."""
    leaf, records = next(
        (leaf, records)
        for leaf, records in log.entries[ENTRIES // 2 :]
        if records and leaf.actor_user_id in ACTORS
    )
    values = {
        "actor_id": leaf.actor_user_id, "resource": leaf.resource_type, "record_id": records[0],
        "action": leaf.action, "begin": leaf.time - timedelta(hours=5), "end": leaf.time + timedelta(hours=5),
    }  # fmt: skip
    question = Question(**{axis: values[axis] for axis in axes}, limit=7)
    everything = log.looked_for(replace(question, limit=ENTRIES))
    assert leaf.sequence in everything
    times = {leaf.sequence: leaf.time for leaf, _ in log.entries}
    paged: list[int] = []
    while len(paged) <= 70 and (page := await log.find(question)):
        paged += page
        question = replace(question, before=(times[page[-1]], page[-1]))
    assert paged == everything[: len(paged)]
    assert len(paged) >= min(len(everything), 70)


MANY: Final = 60_000
#: Entries that a page may read: the newest of each deed, and one of each to know it by.
FEW: Final = 700
BUSY, RARE, RECORD = uuid7(), uuid7(), uuid7()
# Of a record that everybody's lists show: what is rare of it is old, behind all that does not fit.
_FILL: Final = """
    WITH made AS (
        INSERT INTO entry (tenant_id, sequence, entry_id, time, kind, actor_kind, actor_user_id, actor_service, action,
            resource_type, payload_digest)
        SELECT $1, n, gen_random_uuid(), now() - ({many} - n) * interval '1 minute', 1, 1,
            CASE WHEN n % 6000 = 5 THEN $3::uuid ELSE $2::uuid END, '',
            CASE WHEN n % 6000 IN (5, 6) THEN 'contact.deleted' ELSE 'contact.list' END,
            CASE WHEN n % 12000 = 5 THEN 'company' ELSE 'contact' END, '\\x00'
        FROM generate_series(0, {many} - 1) n
        RETURNING sequence, actor_user_id, resource_type, action, time
    )
    INSERT INTO entry_record (tenant_id, record_id, sequence, deed, time)
    SELECT $1, $4, sequence, hashtextextended(actor_user_id::text || resource_type || action, 0), time FROM made
"""


@pytest.fixture(scope="module")
async def big(make_database: Any) -> AsyncIterator[tuple[asyncpg.Connection[Any], UUID]]:
    made = await make_database("audit")
    tenant = uuid7()
    admin = await asyncpg.connect(made.admin_url)
    await admin.execute(_FILL.format(many=MANY), tenant, BUSY, RARE, RECORD)
    await admin.execute("VACUUM ANALYZE entry")
    await admin.execute("VACUUM ANALYZE entry_record")
    await admin.close()
    service = await asyncpg.connect(made.app_url)
    yield service, tenant
    await service.close()


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("axes", [axes for n in range(7) for axes in itertools.combinations(AXES, n)])
async def test_every_combination_reads_its_page_from_an_index_however_long_the_log_is(
    big: tuple[asyncpg.Connection[Any], UUID], axes: tuple[str, ...], mode: str
) -> None:
    service, tenant = big
    now = datetime.now(UTC)
    values = {
        "actor_id": RARE, "resource": "company", "record_id": RECORD, "action": "contact.deleted",
        "begin": now - timedelta(days=30), "end": now - timedelta(days=10),
    }  # fmt: skip
    asked = Question(**{axis: values[axis] for axis in axes}, limit=51)
    statement, given_values = finding.statement_of(asked)
    async with service.transaction():
        await service.execute(f"SET LOCAL app.tenant_id = '{tenant}'; SET LOCAL plan_cache_mode = {mode}")
        explained = "EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) " + statement
        (plan,) = json.loads((await service.fetch(explained, tenant, *given_values))[0][0])
    nodes = list(_nodes(plan["Plan"]))
    kinds = {node["Node Type"] for node in nodes if node.get("Relation Name")}
    assert kinds <= {"Index Scan", "Index Only Scan"}, plan
    read = sum(_read(node) for node in nodes if node.get("Relation Name"))
    assert read < FEW, json.dumps(plan, indent=1)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _read(node: dict[str, Any]) -> float:
    """Rows that a scan took from its index, those it threw away included."""
    each = (
        node["Actual Rows"]
        + node.get("Rows Removed by Filter", 0)
        + node.get("Rows Removed by Index Recheck", 0)
    )
    return float(each * node["Actual Loops"])


async def test_the_migration_fills_the_look_up_as_the_service_does(make_database: Any) -> None:
    made = await make_database("audit")
    database, tenant_id = await made.open(), TenantId(uuid7())
    entries = list(_entries(tenant_id))[:200]
    await _append(database, tenant_id, entries)
    await database.close()
    admin = await asyncpg.connect(made.admin_url)
    everything = "SELECT sequence, record_id, deed, time FROM entry_record ORDER BY sequence, record_id"
    before = await admin.fetch(everything)
    assert {row["deed"] for row in before} == {deed_of(leaf) for leaf, records in entries if records}
    await admin.execute("UPDATE entry_record SET deed = 0, time = now()")
    await admin.execute(_migration()._FILL)
    assert await admin.fetch(everything) == before
    await admin.close()


def _migration() -> Any:
    place = Path(__file__).parents[2] / "migrations" / "versions" / "0003_search.py"
    spec = importlib.util.spec_from_file_location("search_migration", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
