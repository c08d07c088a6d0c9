"""Queries that end by the size of their rows, so that the database sends no more than a page shows."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Select, bindparam, case, func, literal_column, or_, select
from sqlalchemy.sql import ColumnElement

MOST_BYTES: Final = bindparam("most_bytes", type_=BigInteger())
SIZE: Final = "size"
MATCHED: Final = "matched"


def within_bytes(
    rows: Select[Any], size: ColumnElement[int], *, by: str, descending: bool = False
) -> Select[Any]:
    """``rows`` in the order of their column ``by`` as long as the sum of ``size`` is at most the parameter
    ``most_bytes``; the first row in any case.

    Each row has its size in :data:`SIZE`, and in :data:`MATCHED` how many rows there would be without the bound:
    when that is more than came, there are more. ``size`` is computed for each of ``rows``, so these have a LIMIT.
    """
    sized = rows.add_columns(size.label(SIZE)).subquery("sized")
    order = sized.c[by].desc() if descending else sized.c[by].asc()
    measured = select(
        sized,
        func.count().over().label(MATCHED),
        func.sum(sized.c[SIZE]).over(order_by=order, rows=(None, 0)).label("so_far"),
    ).subquery("measured")
    shown = [column for column in measured.c if column.key != "so_far"]
    fits = or_(measured.c.so_far <= MOST_BYTES, measured.c.so_far == measured.c[SIZE])
    return select(*shown).where(fits).order_by(measured.c[by].desc() if descending else measured.c[by].asc())


def jsonb_size(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Bytes of a jsonb value, decompressed. Only a compressed one is read for it; any other tells its size."""
    whole = func.pg_column_size(column.op("||")(literal_column("'{}'::jsonb")))
    return case((func.pg_column_compression(column).is_(None), func.pg_column_size(column)), else_=whole)
