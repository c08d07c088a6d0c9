"""How large a record may be as a whole, over however many requests it grows."""

from __future__ import annotations

from typing import Final

import msgspec

from daicho.faults import FieldFault

LARGEST: Final = 1_000_000
"""Bytes of a record in JSON, all its fields together; a body of a request holds as many."""
CODE: Final = "record_too_large"


def is_too_large(state: msgspec.Struct, before: msgspec.Struct | None = None) -> bool:
    """Whether ``state`` is larger than a record may be. One of before the rule may stay as large as it was."""
    size = len(msgspec.json.encode(state))
    return size > LARGEST and (before is None or size > len(msgspec.json.encode(before)))


def faults(state: msgspec.Struct, before: msgspec.Struct | None = None) -> list[FieldFault]:
    """What is wrong with the size of ``state``, which is to stand in place of ``before``."""
    return [FieldFault("", CODE)] if is_too_large(state, before) else []
