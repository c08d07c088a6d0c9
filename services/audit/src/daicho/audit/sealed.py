"""The keys that a rotation of a tenant's key wraps anew.

Payloads may never change, so they keep the data key of their day, wrapped anew; and so do the keys of the events in
them, which belong to other services and are stored here.
"""

from __future__ import annotations

from typing import Final

from daicho.keyring import StoredKeys

SEALED: Final = (StoredKeys(table="event_key"),)
