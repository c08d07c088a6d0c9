"""A tenant's log over a real database and a real key store, and whoever may do anything to that database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from daicho.audit import export, log, merkle
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.clients import FieldRights, Names
from daicho.audit.leaf import ActorKind, Kind
from daicho.audit.log import Unsigned
from daicho.audit.model import Fact
from daicho.audit.reading import Reader
from daicho.audit.verify import Report, verify
from daicho.events import AccessLog
from daicho.keyring import Certificates, Keyring, Transit
from daicho.local.servers import OpenBaoServer
from daicho.rpc import Channel
from daicho.runtime import utc_now
from daicho.tenancy import Actor, Database, uuid7
from daicho.testkit import TestDatabase, create_actor

SIZE = 600
BEGAN = datetime(2026, 11, 22, 3, 37, tzinfo=UTC)


@dataclass
class Ledger:
    """A tenant's log of :data:`SIZE` entries, signed; and whoever may do anything to the database."""

    actor: Actor
    database: Database
    keyring: Keyring
    checkpoints: Checkpoints
    reader: Reader
    admin: asyncpg.Connection[Any]

    async def append(self, count: int) -> None:
        keys = await self.keyring.open(self.actor.tenant_id)
        await self.checkpoints.begin(self.actor.tenant_id)
        async with self.database.transaction(self.actor) as tx:
            await log.append(tx, keys, [create_fact(number) for number in range(count)])

    async def rewrite(self, size: int, forge: Callable[[int], bytes]) -> merkle.CompactRange:
        """Put another tree in the log's place: ``forge`` says each leaf's bytes. As thorough as a DBA can be."""
        tenant, head, nodes = self.actor.tenant_id, merkle.CompactRange(), []
        for sequence in range(size):
            nodes += head.append(merkle.leaf_hash(forge(sequence)))
        kept = [
            (level, number, node) for (level, number), node in nodes if level == 0 or level >= export.HEIGHT
        ]
        await self.admin.execute("DELETE FROM tree_node WHERE tenant_id = $1", tenant)
        await self.admin.executemany(
            "INSERT INTO tree_node (tenant_id, level, number, hash) VALUES ($1, $2, $3, $4)",
            [(tenant, *node) for node in kept],
        )
        await self.tamper(
            "UPDATE log_head SET size = $2, peaks = $3 WHERE tenant_id = $1", size, b"".join(head.peaks)
        )
        return head

    async def tamper(self, statement: str, *values: object) -> None:
        """Run ``statement`` as the superuser, who no policy and no grant stops; $1 is the tenant."""
        assert await self.admin.execute(statement, self.actor.tenant_id, *values) not in {
            "UPDATE 0",
            "DELETE 0",
        }

    async def export(self) -> list[bytes]:
        async def still() -> None:
            return None

        lines = b"".join([part async for part in await self.reader.export(self.actor, still)])
        return lines.splitlines(keepends=True)

    async def verified(self, **given: Any) -> Report:
        return verify(await self.export(), **given)

    async def finding(self, **given: Any) -> tuple[str, int | None]:
        report = await self.verified(**given)
        assert report.finding is not None, "the verifier found nothing"
        return report.finding.problem, report.finding.sequence


def create_fact(number: int, **members: Any) -> Fact:
    record = uuid7()
    values: dict[str, Any] = {
        "id": uuid7(),
        "time": BEGAN + timedelta(milliseconds=number),
        "kind": Kind.CHANGE,
        "actor_kind": ActorKind.USER,
        "actor_user_id": UUID(int=5),
        "actor_session_id": UUID(int=6),
        "actor_service": "",
        "action": "contact.updated",
        "resource_type": "contact",
        "resource_id": record,
        "records": [record.bytes],
        "content": {"type": "x", "message": b"", "aggregate": ["contact", record.bytes, number]},
        "key": None,
    }
    return Fact(**(values | members))


@asynccontextmanager
async def audit_ledgers(
    made: TestDatabase, openbao: OpenBaoServer, roles: Mapping[str, tuple[str, str]]
) -> AsyncIterator[Callable[[], Awaitable[Ledger]]]:
    """The audit's parts on ``made`` and ``openbao``; calling what it answers makes a tenant's ledger."""
    database = await made.open()
    transit = Transit(openbao.address, *roles["audit"], service="audit")
    owner = Transit(openbao.address, *roles["identity"], service="identity")
    certificates = Certificates(transit)
    await certificates.start()
    keyring, access_log = Keyring(transit, database), AccessLog(database)
    names = Names(Channel("127.0.0.1:1", certificates, service="identity"))
    rights = FieldRights(Channel("127.0.0.1:1", certificates, service="customers"))
    admin = await asyncpg.connect(made.admin_url)

    async def create() -> Ledger:
        actor = create_actor()
        await owner.create_tenant_key(actor.tenant_id)
        checkpoints = Checkpoints(database, transit, utc_now, Unsigned())
        reader = Reader(database, keyring, access_log, names=names, rights=rights, checkpoints=checkpoints)
        ledger = Ledger(actor, database, keyring, checkpoints, reader, admin)
        await ledger.append(SIZE)
        await checkpoints.sign(actor.tenant_id)
        return ledger

    yield create
    await access_log.close()
    await admin.close()
    await database.close()
    transit.close()
    owner.close()
