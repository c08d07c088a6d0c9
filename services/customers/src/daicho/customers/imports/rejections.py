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

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[bytes], list[tuple[str | None, str, dict[str, Any]]]]).decode


def seal_rejection(keys: TenantKeys, import_id: UUID, row: SourceRow, errors: Sequence[CellError]) -> bytes:
    """The sealed form of a rejected row. Cells are bytes in it: what did not decode is no text."""
    cells = [cell.encode("utf-8", "surrogatepass") for cell in row.cells]
    data = (cells, [(error.column, error.code, dict(error.params)) for error in errors])
    return keys.seal(TABLE, import_id, str(row.number), _encode(data))


def open_rejection(keys: TenantKeys, import_id: UUID, number: int, sealed: bytes) -> RejectedRow:
    """What :func:`seal_rejection` sealed. Raises :class:`daicho.keyring.Tampered`."""
    cells, errors = _decode(keys.unseal(TABLE, import_id, str(number), sealed))
    return RejectedRow(
        [cell.decode("utf-8", "surrogatepass") for cell in cells],
        [CellError(column, code, params) for column, code, params in errors],
    )
