"""SQLAlchemy Core statements, compiled once and run on the driver's connection."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql import ClauseElement

from daicho.tenancy.database import Transaction

_DIALECT: Final = dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Prepared:
    """A statement's text and the order of its parameters.

    Values go through the column types' bind processors; rows come back as asyncpg gives them (uuid,
    datetime, int …; JSON as objects). A parameter named ``tenant_id`` is the transaction's unless given.
    """

    __slots__ = ("_constants", "_names", "_order", "_processors", "text", "whole_tenant")

    def __init__(self, statement: ClauseElement, whole_tenant: str | None = None) -> None:
        self.whole_tenant = whole_tenant
        compiled = statement.compile(dialect=_DIALECT)
        if getattr(compiled, "post_compile_params", None):
            raise TypeError(
                "IN with a list changes its text with each list: compare with any_(bindparam) instead"
            )
        self.text: str = str(compiled)
        self._order: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        required = {bind.key: bind.required for bind in compiled.binds.values()}  # type: ignore[attr-defined]  # SQLCompiler's
        self._constants: Mapping[str, Any] = {
            name: value for name, value in compiled.params.items() if not required.get(name, False)
        }
        self._names = frozenset(self._order)
        self._processors: Mapping[str, Callable[[Any], Any]] = dict(compiled._bind_processors)  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to the types' processors

    def arguments(self, tx: Transaction, params: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text's ``$n``. Raises TypeError on a missing or unknown name."""
        if not params.keys() <= self._names:
            raise TypeError(f"no such parameter: {', '.join(sorted(params.keys() - self._names))}")
        values = []
        for name in self._order:
            if name in params:
                value = params[name]
            elif name in self._constants:
                value = self._constants[name]
            elif name == "tenant_id" and tx.tenant_id is not None:
                value = tx.tenant_id
            else:
                raise TypeError(f"parameter {name} is missing")
            process = self._processors.get(name)
            values.append(value if process is None else process(value))
        return values

    async def fetch(self, tx: Transaction, **params: Any) -> list[asyncpg.Record]:
        """Every row."""
        rows: list[asyncpg.Record] = await tx.driver.fetch(self.text, *self.arguments(tx, params))
        return rows

    async def fetchrow(self, tx: Transaction, **params: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await tx.driver.fetchrow(self.text, *self.arguments(tx, params))

    async def fetchval(self, tx: Transaction, **params: Any) -> Any:
        """The first column of the first row, or None."""
        return await tx.driver.fetchval(self.text, *self.arguments(tx, params))

    def iterate(self, tx: Transaction, prefetch: int = 500, **params: Any) -> AsyncIterable[asyncpg.Record]:
        """Row by row, ``prefetch`` at a time: for exports, in constant memory."""
        rows: AsyncIterable[asyncpg.Record] = tx.driver.cursor(
            self.text, *self.arguments(tx, params), prefetch=prefetch
        )
        return rows

    async def executemany(self, tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each row, in one round trip."""
        await tx.driver.executemany(self.text, [self.arguments(tx, row) for row in rows])

    async def execute(self, tx: Transaction, **params: Any) -> str:
        """Run it; the server's command tag ("UPDATE 3")."""
        return str(await tx.driver.execute(self.text, *self.arguments(tx, params)))


def sql(statement: ClauseElement, *, whole_tenant: str | None = None) -> Prepared:
    """Compile ``statement`` once, at import, for the driver.

    ::

        CONTACT = sql(select(c.id).where(c.tenant_id == bindparam("tenant_id"), c.id == bindparam("id")))
        row = await CONTACT.fetchrow(tx, id=contact_id)

    Keep it as a module's constant: the architecture tests explain those, as the service's role, and refuse
    one that reads all of a tenant's rows, unless ``whole_tenant`` says why that is right (a tenant has
    five roles). A list is compared with ``c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))``.
    """
    return Prepared(statement, whole_tenant)
