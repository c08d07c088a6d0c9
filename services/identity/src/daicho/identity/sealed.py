"""Which columns hold sealed blobs that a rotated key seals anew; sessions, links and mail are gone within weeks."""

from __future__ import annotations

from typing import Final

from daicho.keyring import SealedColumn

SEALED: Final = (
    SealedColumn(table="account", column="card", name="card"),
    SealedColumn(table="invitation", column="card", name="card"),
)
