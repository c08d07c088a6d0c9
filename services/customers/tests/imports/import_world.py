"""Imports under test: the service behind HTTP, a folder of sealed files, a worker, and a directory of users."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from daicho.chassis import Parts, Rails
from daicho.contracts.identity.v1 import identity_pb2
from daicho.customers.app import parts
from daicho.jobs import Worker


class NamedUsers:
    """Stands in the place of identity's channel: finds users by name, and names them, as identity does."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[UUID]] = {}
        self.emails: dict[UUID, str] = {}

    def stub(self, _kind: Any) -> NamedUsers:
        return self

    async def GetUsers(self, request: Any, actor: Any) -> Any:  # noqa: N802 gRPC's
        assert actor is not None
        found = [each for each in request.user_ids if UUID(bytes=each) in self.emails]
        return identity_pb2.GetUsersResponse(
            users=[identity_pb2.User(user_id=each, email=self.emails[UUID(bytes=each)]) for each in found]
        )

    async def FindUsers(self, request: Any, actor: Any) -> Any:  # noqa: N802 gRPC's
        assert actor is None
        assert 0 < len(request.names) <= 1_000
        assert max(map(len, request.names)) <= 254
        return identity_pb2.FindUsersResponse(
            matches=[
                identity_pb2.FindUsersResponse.Match(
                    name=name, user_ids=[each.bytes for each in self.by_name[name]]
                )
                for name in request.names
                if name in self.by_name
            ]
        )


@dataclass
class ImportWorld:
    """What import tests need beside the ledger."""

    ledger: Any
    folder: Path
    users: NamedUsers

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker of this process at work."""
        jobs = {name: job for name, job in self.ledger.parts.jobs.items() if name.startswith("import.")}
        async with Worker(self.ledger.made.app_url, jobs).running():
            yield

    async def upload(self, caller: Any, name: str, data: bytes, resource: str = "contact") -> dict[str, Any]:
        """A new import."""
        answer = await caller.client.post(
            "/v1/imports", files={"file": (name, data)}, data={"resource": resource}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def follow(self, caller: Any, import_id: str, *until: str, seconds: float = 60) -> dict[str, Any]:
        """The import once it has one of these states."""
        end = time.monotonic() + seconds
        while True:
            found = (await caller("GET", f"/v1/imports/{import_id}")).json()
            if found["status"] in {*until, "failed"}:
                return found
            assert time.monotonic() < end, found
            await asyncio.sleep(0.05)

    async def check(self, caller: Any, import_id: str) -> dict[str, Any]:
        """The import after its check."""
        answer = await caller("POST", f"/v1/imports/{import_id}/check")
        assert answer.status_code == 202, answer.text
        return await self.follow(caller, import_id, "checked")

    async def run(self, caller: Any, import_id: str) -> dict[str, Any]:
        """The import after its run."""
        answer = await caller("POST", f"/v1/imports/{import_id}/run")
        assert answer.status_code == 202, answer.text
        return await self.follow(caller, import_id, "done")

    async def whole(
        self, caller: Any, name: str, data: bytes, resource: str = "contact", **patch: Any
    ) -> dict[str, Any]:
        """Upload, correct, check, run."""
        made = await self.upload(caller, name, data, resource)
        if patch:
            answer = await caller("PATCH", f"/v1/imports/{made['id']}", patch)
            assert answer.status_code == 200, answer.text
        checked = await self.check(caller, made["id"])
        assert checked["status"] == "checked", checked
        return await self.run(caller, made["id"])

    async def errors(self, caller: Any, import_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """All errors, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/v1/imports/{import_id}/errors?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            answer = await caller("GET", path)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    async def all_of(self, caller: Any, plural: str) -> list[dict[str, Any]]:
        """Every record of the caller's, each from its own page."""
        ids: list[str] = []
        cursor = ""
        while True:
            path = f"/v1/{plural}?limit=200" + (f"&cursor={cursor}" if cursor else "")
            page = (await caller("GET", path)).json()
            ids += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        return [(await caller("GET", f"/v1/{plural}/{each}")).json() for each in ids]


def parts_with(folder: Path, users: NamedUsers):
    """The service's parts with its files below ``folder`` and ``users`` for identity."""

    def build(rails: Rails) -> Parts:
        settings = msgspec.structs.replace(rails.settings, files_dir=str(folder))
        return parts(replace(rails, settings=settings, channel=lambda _: users))

    return build


CONTACT_FIELDS = (
    {"key": "registered_on", "type": "date", "label": "登録日"},
    {"key": "total_spent", "type": "money", "label": "累計購入額"},
    {"key": "rank", "type": "select", "label": "ランク", "options": [{"value": v} for v in "SABC"]},
    {"key": "consent", "type": "boolean", "label": "メール配信同意"},
)
