"""Which columns hold sealed blobs that a rotated key seals anew.

The history is not among them: it is written once and keeps the key it was sealed by, and so do the rows of an
import, which are gone within days.
"""

from __future__ import annotations

from typing import Final

from daicho.customers.companies import rows as companies
from daicho.customers.contacts import sealing as contacts
from daicho.keyring import SealedColumn

SEALED: Final = (
    SealedColumn(table=contacts.TABLE, column="card", name=contacts.CARD),
    SealedColumn(table=contacts.TABLE, column="rest", name=contacts.REST),
    SealedColumn(table=companies.TABLE, column="rest", name=companies.REST),
)
