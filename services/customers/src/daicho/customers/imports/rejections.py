"""Rejected rows as they are kept: cells and errors, sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.rejected import RejectedRow
from daicho.customers.imports.rows import SourceRow
from daicho.keyring import TenantKeys

TABLE: Final = "import_rejected"


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    """Rows that were sealed before owners were kept have none."""

    cells: list[bytes]
    errors: list[tuple[str | None, str, dict[str, Any]]]
    owner_id: UUID | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Sealed).decode


def seal_rejection(
    keys: TenantKeys,
    import_id: UUID,
    row: SourceRow,
    errors: Sequence[CellError],
    owner_id: UUID | None,
) -> bytes:
    """The sealed form of a rejected row. Cells are bytes in it: what did not decode is no text.

    ``owner_id`` is the owner of the record that the row names, None where that is not known.
    """
    cells = [cell.encode("utf-8", "surrogatepass") for cell in row.cells]
    data = _Sealed(cells, [(error.column, error.code, dict(error.params)) for error in errors], owner_id)
    return keys.seal(TABLE, import_id, str(row.number), _encode(data))


def open_rejection(keys: TenantKeys, import_id: UUID, number: int, sealed: bytes) -> RejectedRow:
    """What :func:`seal_rejection` sealed. Raises :class:`daicho.keyring.Tampered`."""
    row = _decode(keys.unseal(TABLE, import_id, str(number), sealed))
    return RejectedRow(
        [cell.decode("utf-8", "surrogatepass") for cell in row.cells],
        [CellError(column, code, params) for column, code, params in row.errors],
        row.owner_id,
    )
