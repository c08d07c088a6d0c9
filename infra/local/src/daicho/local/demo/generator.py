"""The demo's ledger: people and companies that look real and are not, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from daicho.local.demo import names
from daicho.nihongo import places_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Company:
    """An invented company; ``domain`` is one that nobody can own."""

    name: str
    domain: str
    postal_code: str
    area_code: str
    phone: str


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person as one row of the demo's import, in the order of :data:`COLUMNS`."""

    cells: tuple[str, ...]


COLUMNS = (
    "顧客番号", "会社名", "部署", "役職", "姓", "名", "セイ", "メイ", "メールアドレス", "電話番号", "携帯電話", "郵便番号",
    "都道府県", "市区町村", "番地", "建物名", "誕生日", "登録日", "累計購入額", "ランク", "メール配信同意", "備考", "タグ",
    "ライフサイクル", "営業担当",
)  # fmt: skip
"""Headings of the demo's file, which the import maps by itself."""


def generate(count: int, owners: Sequence[str], *, seed: int = 20260401) -> Iterator[Person]:
    """``count`` people, most of them in one of about ``count`` / 8 companies, owned by ``owners`` in turn.

    ``owners`` are e-mail addresses of users. Nothing depends on the clock: the same arguments give the
    same people.
    """
    dice = random.Random(seed)  # noqa: S311 invented people need no secrecy
    companies = list(_companies(dice, max(1, count // 8)))
    for number in range(1, count + 1):
        company = dice.choice(companies) if dice.random() < 0.85 else None
        yield Person(_person(dice, number, company, owners[number % len(owners)]))


def _companies(dice: random.Random, count: int) -> Iterator[Company]:
    seen: set[str] = set()
    while len(seen) < count:
        head, tail = dice.choice(names.COMPANY_HEAD), dice.choice(names.COMPANY_TAIL)
        form, before = _weighted(
            dice, [((form, before), weight) for form, before, weight in names.COMPANY_FORM]
        )
        name = f"{form}{head[0]}{tail[0]}" if before else f"{head[0]}{tail[0]}{form}"
        if name in seen:
            # Every pair is taken sooner or later; a branch office is the next thing that exists in life.
            name = f"{name} {places_of(dice.choice(names.TOWN)[0])[0].city}支店"
        if name in seen:
            continue
        seen.add(name)
        postal_code, area_code = dice.choice(names.TOWN)
        domain = f"{head[2]}-{tail[2]}.example.{'co.jp' if dice.random() < 0.7 else 'jp'}"
        yield Company(name, domain, postal_code, area_code, _landline(dice, area_code))


def _person(dice: random.Random, number: int, company: Company | None, owner: str) -> tuple[str, ...]:
    family = _weighted(dice, [((kanji, kana, latin), weight) for kanji, kana, latin, weight in names.FAMILY])
    given = dice.choice(names.GIVEN)
    postal_code, area_code = (company.postal_code, company.area_code) if company else dice.choice(names.TOWN)
    place = places_of(postal_code)[0]
    local = f"{family[2]}.{given[2]}{number}" if dice.random() < 0.6 else f"{given[2][0]}{family[2]}{number}"
    domain = company.domain if company else "mail.example.jp"
    registered = date(2019, 4, 1) + timedelta(days=dice.randrange(2_700))
    born = date(given[3] + dice.randrange(10), 1, 1) + timedelta(days=dice.randrange(365))
    lifecycle = _weighted(dice, names.LIFECYCLE)
    spent = dice.randrange(1, 400) * 12_500 if lifecycle in {"customer", "former"} else 0
    return (
        f"M{number:05d}",
        company.name if company else "",
        dice.choice(names.DEPARTMENT) if company else "",
        _weighted(dice, names.TITLE) if company else "",
        family[0], given[0], family[1], given[1],
        f"{local}@{domain}" if dice.random() < 0.93 else "",
        company.phone if company else (_landline(dice, area_code) if dice.random() < 0.3 else ""),
        f"0{dice.choice('789')}0-{dice.randrange(10_000):04d}-{dice.randrange(10_000):04d}" if dice.random() < 0.6 else "",
        f"{postal_code[:3]}-{postal_code[3:]}", place.prefecture, place.city,
        f"{place.town}{dice.randrange(1, 6)}-{dice.randrange(1, 30)}-{dice.randrange(1, 20)}",
        dice.choice(names.BUILDING),
        born.isoformat() if dice.random() < 0.35 else "",
        registered.isoformat(),
        str(spent),
        _weighted(dice, names.RANK),
        "同意する" if dice.random() < 0.62 else "同意しない",
        dice.choice(names.NOTE), dice.choice(names.TAG), lifecycle, owner,
    )  # fmt: skip


def _landline(dice: random.Random, area_code: str) -> str:
    """Ten digits in all, with hyphens."""
    middle = 6 - len(area_code)
    return f"{area_code}-{dice.randrange(2 * 10 ** (middle - 1), 10**middle)}-{dice.randrange(10_000):04d}"


def _weighted(dice: random.Random, choices: Sequence[tuple[T, int]]) -> T:
    return dice.choices([value for value, _ in choices], [weight for _, weight in choices])[0]
