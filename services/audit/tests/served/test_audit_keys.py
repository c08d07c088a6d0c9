"""A tenant's key gets a new version and refuses the old one: what was logged before is read as before."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from daicho.audit.checkpoints import Checkpoints
from daicho.audit.clients import FieldRights, Names
from daicho.audit.export import BLOCK
from daicho.audit.log import Unsigned
from daicho.audit.reading import Reader
from daicho.cli.__main__ import main
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import AccessLog, Aggregate
from daicho.keyring import Certificates, KeyGone, Keyring, Transit
from daicho.rpc import Channel
from daicho.runtime import utc_now


async def test_old_entries_are_read_after_the_old_version_of_the_key_is_refused(
    make_company: Any, openbao_server: Any, openbao_roles: Any
) -> None:
    company = await make_company("rotated")
    keys = await company.keys()
    message = audit.Accessed(
        action="contact.search",
        resource="contact",
        sealed_query=keys.events.seal(b'{"q": "tanaka", "looked_into": []}', field="Accessed.sealed_query"),
    )
    about = Aggregate("access", company.actor.user_id, 0)
    event = await company.tell(message, about, keys=keys, topic="access.events")
    assert (await company.logged(event))["payload"]["query"] == {"q": "tanaka"}

    settings = company.stack.settings
    for service in ("identity", "audit"):
        words = ["keys", "rotate", "--service", service, "--tenant", str(company.tenant_id)]
        assert await asyncio.to_thread(main, words, settings[service]) == 0

    owner = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    await owner.refuse_older(company.tenant_id, 2)
    owner.close()
    assert (await company.logged(event))["payload"]["query"] == {"q": "tanaka"}


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


async def test_an_export_ends_when_the_tenants_key_is_destroyed_meanwhile(
    make_company: Any, openbao_server: Any, openbao_roles: Any
) -> None:
    company = await make_company("destroyed")
    for version in range(1, BLOCK + 1):  # with the company's own sign-up more than one block
        last = await company.change(version=version)
    await company.logged(last)
    database = await company.stack.databases["audit"].open()
    transit = Transit(openbao_server.address, *openbao_roles["audit"], service="audit")
    owner = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    access_log = AccessLog(database)
    reader = Reader(
        database,
        Keyring(transit, database, ttl=0),
        access_log,
        names=Names(Channel("127.0.0.1:9", Certificates(transit), service="identity")),
        rights=FieldRights(Channel("127.0.0.1:9", Certificates(transit), service="customers")),
        checkpoints=Checkpoints(database, transit, utc_now, Unsigned()),
        blocks_a_read=1,
    )

    async def still() -> None:
        """They may read on; the key goes."""

    try:
        lines = await reader.export(company.actor, still)
        assert [b'"header"' in await anext(lines), b'"block":0' in await anext(lines)] == [True, True]
        await owner.delete_tenant_key(company.tenant_id)
        with pytest.raises(KeyGone):
            await anext(lines)
    finally:
        owner.close()
        transit.close()
        await database.close()
