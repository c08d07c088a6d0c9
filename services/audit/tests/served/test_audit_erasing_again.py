"""After a restore, one erasure that cannot be repeated does not keep the others from being repeated."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from daicho.audit import erase_again_command
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import Aggregate, Message
from daicho.events.envelope import partition_key
from daicho.keyring import Transit
from daicho.tenancy import uuid7


async def tell_erased(company: Any, record: UUID, reason: str = "privacy_request") -> None:
    entry = uuid7()
    message = audit.Erased(entry_id=entry.bytes, record_id=record.bytes, reason=reason, erased=1)
    await company.tell(message, Aggregate("erasure", entry, 1), topic="audit.events")


async def test_erasures_that_fail_are_reported_and_the_rest_is_done(
    make_company: Callable[[str], Awaitable[Any]], openbao_server: Any, openbao_roles: Any
) -> None:
    gone, damaged, well = [await make_company(code) for code in ("shredded", "damaged", "well")]
    persons = {company.code: uuid7() for company in (gone, damaged, well)}
    for company in (gone, damaged, well):
        await company.logged(await company.change(persons[company.code]))
    for company in (gone, damaged):
        await tell_erased(company, persons[company.code])
    await tell_erased(well, persons["well"], reason="no reason that there is")
    await well.bus.publish([Message("audit.events", partition_key(well.tenant_id, uuid7()), b"\xff\xff")])
    await tell_erased(well, persons["well"])

    owner = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    await owner.delete_tenant_key(gone.tenant_id)
    owner.close()
    await damaged.admin("UPDATE log_head SET peaks = '\\x00' WHERE tenant_id = $1", damaged.tenant_id)

    out = io.StringIO()
    settings = well.stack.settings["audit"]
    ended = await asyncio.to_thread(erase_again_command.run, [], settings, out)
    said = out.getvalue()
    assert ended == erase_again_command.INCOMPLETE
    assert f"NOT DONE: tenant {gone.tenant_id}: 1 erasures" in said
    assert f"NOT DONE: tenant {damaged.tenant_id}: 1 erasures" in said
    assert "NOT DONE: 2 records of the topic do not read" in said
    (entry, *_) = await well.search(record_id=str(persons["well"]), action="contact.updated")
    assert entry["payload"] is None, said
