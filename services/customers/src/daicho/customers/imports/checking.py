"""The check: every row read, judged and staged; nothing enters the ledger.

Chunks are prepared side by side and committed in the order of the file, each with how far it has come. After a
death the next worker reads the file again, skips what is committed, and goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import structlog

from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports import ending, repository
from daicho.customers.imports.callers import Asker, Caller
from daicho.customers.imports.companies import company_aims
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.mapping import has_name, unmapped_required
from daicho.customers.imports.matching import Matcher, Values
from daicho.customers.imports.model import Import
from daicho.customers.imports.naming import Names, People
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.preparer_pool import PROCESSES, Prepare, open_preparers
from daicho.customers.imports.preparing import Chunk, Plan, Prepared
from daicho.customers.imports.rejections import seal_rejection
from daicho.customers.imports.repository import FieldsChanged, Superseded
from daicho.customers.imports.rows import SourceRow
from daicho.customers.model import RESOURCES
from daicho.keyring import FileMissing, FileStore, Tampered
from daicho.runtime import Clock
from daicho.tabular import FileEmpty, FileUnreadable
from daicho.tenancy import Database

CHUNK: Final = 1_000
_UNDER_WAY: Final = PROCESSES + 2
log = structlog.get_logger()


class FileIsLarge(Exception):
    """More rows than were asked for; what has been checked is committed, and another check goes on from there."""


@dataclass(slots=True)
class _Coming:
    """A chunk that is being prepared."""

    chunk: Chunk
    values: list[Values]
    prepared: asyncio.Future[Prepared]


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks imports."""

    database: Database
    store: FileStore
    files: FileReader
    catalogue: Catalogue
    people: People
    clock: Clock

    async def check(self, asker: Asker, found: Import, *, most: int | None = None) -> None:
        """Check ``found`` from where it stands to its end.

        Raises :class:`Superseded`, Forbidden, Unavailable, and :class:`FileIsLarge` after about ``most`` rows
        when there are more.
        """
        try:
            await self._check(asker, found, most)
        except FileUnreadable as error:
            await self._fail(asker, found, error.code)
        except FileMissing:
            await self._fail(asker, found, "file_missing")
        except Tampered:
            log.exception(
                "import_file_tampered", import_id=str(found.id), tenant_id=str(asker.actor.tenant_id)
            )
            await self._fail(asker, found, "file_unreadable")

    async def _check(self, asker: Asker, found: Import, most: int | None) -> None:
        caller = await asker.now()
        async with self.database.reading(caller.actor) as tx:
            schema = await self.catalogue.current(tx, found.resource)
            if schema.revision != found.fields_revision:
                raise FieldsChanged
            rejected = await repository.rejected_numbers(tx, found.id) if found.read else set()
        definitions = tuple(schema.schema.definitions.values())
        fields = import_fields(found.resource, definitions)
        described = found.description
        matcher = Matcher(
            found.resource,
            described.columns,
            described.mapping,
            fields,
            match_on=found.match_on,
            on_match=found.on_match,
        )
        run = _Run(
            self,
            asker,
            caller,
            found,
            matcher,
            Names(self.database, self.people, described.mapping, fields),
            rejected,
            found.read,
        )
        mapped = {each.field for each in described.mapping}
        plan = Plan(
            import_id=found.id,
            resource=found.resource,
            columns=described.columns,
            mapping=described.mapping,
            definitions=definitions,
            defaults={
                each.key: each.default
                for each in definitions
                if each.default is not None and f"custom.{each.key}" not in mapped
            },
            makes_new=has_name(described.mapping, found.resource)
            and not unmapped_required(described.mapping, definitions, caller.grants.role),
            owner_id=found.created_by,
            owners=caller.grants.owners(f"{RESOURCES[found.resource]}:create"),
        )
        async with open_preparers(self.files.children, plan, found.file_size) as prepare:
            await run.through(prepare, most)
        if run.done == 0:
            raise FileEmpty
        keys = (await asker.now()).keys
        async with self.database.transaction(asker.actor) as tx:
            now = await repository.read_import(tx, keys, found.id, lock=True)
            if now.status != "checking" or now.read != run.done:
                raise Superseded
            await repository.set_status(tx, found.id, "checked", self.clock())

    async def _fail(self, asker: Asker, found: Import, code: str) -> None:
        async with self.database.transaction(asker.actor) as tx:
            await ending.end(tx, found.id, "checking", "failed", self.clock(), code)


@dataclass(slots=True)
class _Run:
    """One check under way."""

    checking: Checking
    asker: Asker
    caller: Caller
    """As of the chunk that was sent last."""
    found: Import
    matcher: Matcher
    names: Names
    rejected: set[int]
    """Rows that a check before its death rejected: their values are not taken."""
    done: int
    _waiting: deque[_Coming] = field(default_factory=deque)

    async def through(self, prepare: Prepare, most: int | None) -> None:
        """Every chunk, in order. Raises :class:`FileIsLarge` after ``most`` rows, with all that it read committed."""
        try:
            is_large = await self._send_all(prepare, most)
            while self._waiting:
                await self._commit(self._waiting.popleft())
        finally:
            for each in self._waiting:
                each.prepared.cancel()
            await asyncio.gather(*(each.prepared for each in self._waiting), return_exceptions=True)
        if is_large:
            raise FileIsLarge

    async def _send_all(self, prepare: Prepare, most: int | None) -> bool:
        """Read and send every chunk, and commit those that are ready; True if it stopped after ``most`` rows."""
        chunks = self.checking.store.read(self.caller.keys, self.found.id)
        reading = self.checking.files.read(self.found.format, chunks, self.found.file_size, CHUNK)
        async with aclosing(reading) as batches:
            async for rows in batches:
                if most is not None and rows[0].number > most:
                    return True
                coming = await self._send(rows, prepare)
                if coming is not None:
                    self._waiting.append(coming)
                if len(self._waiting) >= _UNDER_WAY:
                    await self._commit(self._waiting.popleft())
        return False

    async def _send(self, rows: list[SourceRow], prepare: Prepare) -> _Coming | None:
        self.caller = await self.asker.now()
        keys = self.caller.keys
        values = await self.matcher.values(rows, keys)
        if rows[-1].number <= self.done:
            self._remember(rows, values)
            return None
        fresh = next(place for place, row in enumerate(rows) if row.number > self.done)
        self._remember(rows[:fresh], values[:fresh])
        rows, values = rows[fresh:], values[fresh:]
        named = await self.names.look_up(keys.tenant_id, rows, self.caller.grants)
        async with self.checking.database.reading(self.caller.actor) as tx:
            aims = await self.matcher.aims(tx, rows, values, self.caller.grants)
            aims = await company_aims(tx, self.caller, self.found.description, rows, aims)
        chunk = Chunk(rows, aims, named, keys.material)
        return _Coming(chunk, values, asyncio.ensure_future(prepare(chunk)))

    def _remember(self, rows: list[SourceRow], values: list[Values]) -> None:
        for row, each in zip(rows, values, strict=True):
            if row.number not in self.rejected:
                self.matcher.repeated(each)

    async def _commit(self, coming: _Coming) -> None:
        prepared = self._without_repeated(coming, await coming.prepared)
        rows = coming.chunk.rows
        async with self.checking.database.transaction(self.caller.actor) as tx:
            await repository.stage(
                tx,
                self.found.id,
                prepared,
                before=self.done,
                after=rows[-1].number,
                count=len(rows),
                index_keys=coming.chunk.keys.index_keys,
            )
        self.done = rows[-1].number

    def _without_repeated(self, coming: _Coming, prepared: Prepared) -> Prepared:
        """What remains when rows are taken out whose key a row before has."""
        rejected = {number for number, _, _ in prepared.rejected}
        out: set[int] = set()
        for row, values, aim in zip(coming.chunk.rows, coming.values, coming.chunk.aims, strict=True):
            if row.number in rejected:
                continue
            repeated = self.matcher.repeated(values)
            if repeated is None or aim.action == "skip":
                continue
            out.add(row.number)
            if isinstance(repeated, CellError):
                owner_id = self.found.only_owner or aim.owner_id
                sealed = seal_rejection(self.caller.keys, self.found.id, row, [repeated], owner_id)
                prepared.rejected.append((row.number, row.line, sealed))
        if not out:
            return prepared
        staged = [each for each in prepared.staged if each.number not in out]
        return Prepared(staged, sorted(prepared.rejected))
