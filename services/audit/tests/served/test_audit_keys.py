"""A tenant's key gets a new version and refuses the old one: what was logged before is read as before."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from daicho.cli.__main__ import main
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import Aggregate
from daicho.keyring import Transit


async def test_old_entries_are_read_after_the_old_version_of_the_key_is_refused(
    make_company: Any, openbao_server: Any, openbao_roles: Any
) -> None:
    company = await make_company("rotated")
    keys = await company.keys()
    message = audit.Accessed(
        action="contact.search",
        resource="contact",
        sealed_query=keys.events.seal(b"tanaka", field="Accessed.sealed_query"),
    )
    about = Aggregate("access", company.actor.user_id, 0)
    event = await company.tell(message, about, keys=keys, topic="access.events")
    assert (await company.logged(event))["payload"]["query"] == "tanaka"

    settings = company.stack.settings
    for service in ("identity", "audit"):
        words = ["keys", "rotate", "--service", service, "--tenant", str(company.tenant_id)]
        assert await asyncio.to_thread(main, words, settings[service]) == 0

    owner = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    await owner.refuse_older(company.tenant_id, 2)
    owner.close()
    assert (await company.logged(event))["payload"]["query"] == "tanaka"


async def test_a_key_that_is_stored_later_in_its_old_form_is_brought_along_by_rewrap(
    make_company: Any,
) -> None:
    company = await make_company("rewrapped")
    keys, settings = await company.keys(), company.stack.settings
    words = ["--service", "audit", "--tenant", str(company.tenant_id)]
    for service in ("identity", "audit"):
        rotate = ["keys", "rotate", "--service", service, "--tenant", str(company.tenant_id)]
        assert await asyncio.to_thread(main, rotate, settings[service]) == 0
    message = audit.Accessed(
        action="contact.search",
        resource="contact",
        sealed_query=keys.events.seal(b"x", field="Accessed.sealed_query"),
    )
    about = Aggregate("access", company.actor.user_id, 0)
    await company.logged(await company.tell(message, about, keys=keys, topic="access.events"))
    assert await asyncio.to_thread(main, ["keys", "rewrap", *words], settings["audit"]) == 0
    admin = await asyncpg.connect(company.stack.databases["audit"].admin_url)
    rows = await admin.fetch("SELECT wrapped FROM event_key WHERE tenant_id = $1", company.tenant_id)
    await admin.close()
    assert {row["wrapped"].split(":")[1] for row in rows} == {"v2"}
