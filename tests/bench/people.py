"""The people of a made-up ledger, the same ones at every run, spread as in life.

A hundred surnames hold a third of the people, thousands of rarer ones the rest; companies are few large and many
small, and telephones and mail domains are those of the company. One contact in a hundred is a row of the shared
sample as it stands, so that every query of ``search.expected.json`` finds some. Two traps for a search are among
them: :data:`FADED`, a word that very many contacts have, all of them old; and :data:`SHUFFLED`, a name that has
every pair of letters of :data:`SHUFFLED_QUERY` and not the query itself.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import accumulate, product
from typing import Any, Final, NamedTuple

import jaconv

from daicho.customers.contacts.schemas import ContactInput, Email, Phone
from daicho.customers.schemas import Address
from daicho.local.demo import names
from daicho.nihongo import places_of
from tests.bench.tenant import REST, ROOT, TEAM_2, TEAM_20, company_id

SAMPLE: Final = ROOT.parent / "shared" / "data" / "contacts-small.expected.json"
COMPANIES: Final = 20_000
PART: Final = 10_000
"""Contacts that share a seed; a part is made alone."""
FADED: Final = "株式会社旧都盤石"
SHUFFLED: Final = "株式会社パピプピパ"
SHUFFLED_QUERY: Final = "ピパピプ"
_OLD: Final = 50_000

_HEADS: Final = (
    "山ヤマ 川カワ 大オオ 小コ 中ナカ 上カミ 下シモ 北キタ 南ミナミ 西ニシ 東ヒガシ 高タカ 髙タカ 松マツ 竹タケ 梅ウメ "
    "杉スギ 石イシ 岩イワ 水ミズ 金カネ 福フク 吉ヨシ 長ナガ 平ヒラ 青アオ 黒クロ 白シラ 赤アカ 宮ミヤ 森モリ 島シマ "
    "菊キク 藤フジ 柳ヤナギ 桜サクラ 三ミ 五イツ 八ヤ 今イマ 古フル 若ワカ 荒アラ 堀ホリ 野ノ 渡ワタ 飯イイ 稲イナ "
    "米ヨネ 池イケ 沢サワ 澤サワ 浜ハマ 濱ハマ 関セキ 安アン 斉サイ 齋サイ"
)
_TAILS: Final = (
    "田ダ 川カワ 山ヤマ 本モト 村ムラ 野ノ 崎サキ 﨑サキ 島シマ 嶋シマ 原ハラ 井イ 沢ザワ 澤ザワ 木キ 谷タニ 口グチ "
    "岡オカ 橋ハシ 林バヤシ 森モリ 内ウチ 尾オ 藤トウ 瀬セ 津ツ 浦ウラ 塚ツカ 坂サカ 越コシ 倉クラ 部ベ 辺ベ 邉ベ "
    "池イケ 城シロ 戸ト 永ナガ 松マツ 見ミ 屋ヤ"
)
_GIVEN_HEADS: Final = (
    "一カズ 健ケン 大ダイ 直ナオ 正マサ 和カズ 裕ユウ 美ミ 由ユ 真マ 麻マ 智トモ 恵エ 幸ユキ 千チ 彩アヤ 沙サ 奈ナ "
    "優ユウ 陽ヨウ 翔ショウ 拓タク 達タツ 雄ユウ 慎シン 浩ヒロ 康ヤス 哲テツ"
)
_GIVEN_TAILS: Final = (
    "子コ 美ミ 代ヨ 香カ 奈ナ 太タ 介スケ 樹キ 也ヤ 一イチ 郎ロウ 人ト 平ヘイ 司ジ 夫オ 男オ 彦ヒコ 絵エ"
)
_PLACES: Final = "東京 大阪 名古屋 札幌 横浜 神戸 福岡 広島 仙台 京都"
_OPEN_DOMAINS: Final = ("example.com", "example.jp", "mail.example.jp", "docomo.ne.jp", "ezweb.ne.jp")


class Name(NamedTuple):
    """A surname or a given name."""

    kanji: str
    kana: str
    latin: str


@dataclass(frozen=True, slots=True)
class Company:
    """An invented company, with what its people share."""

    name: str
    domain: str
    phone: str | None
    postal_code: str


class Weighted:
    """Draws values, each as often as its weight says."""

    def __init__(self, weights: dict[Any, float]) -> None:
        self.values, self._ends = list(weights), list(accumulate(weights.values()))

    def draw(self, dice: random.Random) -> Any:
        """One of them."""
        return dice.choices(self.values, cum_weights=self._ends)[0]


class People:
    """Draws the contacts of a ledger."""

    def __init__(self) -> None:
        dice = random.Random(20260401)
        sample = [
            row["values"] for row in json.loads(SAMPLE.read_text())["rows"] if row["outcome"] == "accepted"
        ]
        self.sampled = sample
        self.companies = _companies(dice, sorted({row["company"] for row in sample if row["company"]}))
        self.numbers = {company.name: number for number, company in enumerate(self.companies)}
        known = {Name(*each[:3]): float(each[3]) for each in names.FAMILY}
        self.families = _spread(dice, known, _composed(_HEADS, _TAILS), share=0.33)
        given = {Name(*each[:3]): 1.0 for each in names.GIVEN}
        self.givens = _spread(dice, given, _composed(_GIVEN_HEADS, _GIVEN_TAILS), share=0.35)
        self.titles, self.stages = Weighted(dict(names.TITLE)), Weighted(dict(names.LIFECYCLE))

    def draw(self, dice: random.Random, number: int) -> ContactInput:
        """The contact of that number; numbers grow with time."""
        chance = dice.random()
        owner = TEAM_2 if chance < 0.02 else TEAM_20 if chance < 0.22 else REST
        if dice.random() < 0.01:
            return self._of_sample(dice.choice(self.sampled), number, owner)
        company = self._company(dice, number)
        family, given = self.families.draw(dice), self.givens.draw(dice)
        postal_code = company.postal_code if company else dice.choice(names.TOWN)[0]
        place = _place(postal_code)
        phones = [Phone(company.phone)] if company and company.phone else []
        if dice.random() < 0.6:
            phones.append(Phone(f"+81{dice.choice('789')}0{dice.randrange(10**8):08}", "mobile"))
        return ContactInput(
            family_name=family.kanji,
            given_name=given.kanji,
            family_name_kana=family.kana,
            given_name_kana=given.kana,
            emails=[Email(_address(dice, family, given, company))] if dice.random() < 0.93 else [],
            phones=phones,
            company_id=company_id(self.numbers[company.name]) if company else None,
            company_name=company.name if company else None,
            department=dice.choice(names.DEPARTMENT) or None if company else None,
            title=self.titles.draw(dice) or None if company else None,
            address=Address(
                postal_code=postal_code,
                prefecture=place.prefecture,
                city=place.city,
                street=f"{place.town}{dice.randrange(1, 6)}-{dice.randrange(1, 30)}",
                building=dice.choice(names.BUILDING) or None,
            ),
            birthday=date(1950 + dice.randrange(55), 1 + dice.randrange(12), 1 + dice.randrange(28))
            if dice.random() < 0.35
            else None,
            notes=dice.choice(names.NOTE) or None,
            customer_code=f"{number:07}",
            lifecycle=self.stages.draw(dice),
            owner_id=owner,
        )

    def _company(self, dice: random.Random, number: int) -> Company | None:
        if number < _OLD and dice.random() < 0.4:
            return self.companies[0]
        if dice.random() < 0.003:
            return self.companies[1]
        if dice.random() < 0.15:
            return None
        return self.companies[2 + int((len(self.companies) - 2) * dice.random() ** 2)]

    def _of_sample(self, row: dict[str, Any], number: int, owner: Any) -> ContactInput:
        numbers = [(row["phone"], "work"), (row["mobile"], "mobile")]
        return ContactInput(
            family_name=row["last_name"],
            given_name=row["first_name"],
            family_name_kana=row["last_kana"],
            given_name_kana=row["first_kana"],
            emails=[Email(row["email"])] if row["email"] else [],
            phones=[Phone(each, kind) for each, kind in numbers if each],  # type: ignore[arg-type]  # two of its kinds
            company_id=company_id(self.numbers[row["company"]]) if row["company"] else None,
            company_name=row["company"],
            department=row["department"],
            title=row["title"],
            customer_code=f"{number:07}",
            owner_id=owner,
        )


@cache
def people() -> People:
    """They, made once a process."""
    return People()


def part(start: int, end: int) -> list[tuple[random.Random, int, ContactInput]]:
    """The contacts from ``start``, a multiple of :data:`PART`, to before ``end``, with their numbers and the dice
    that made them."""
    dice = random.Random(start)
    return [(dice, number, people().draw(dice, number)) for number in range(start, end)]


def _spread(dice: random.Random, known: dict[Name, float], rare: list[Name], *, share: float) -> Weighted:
    """``known`` by their weights with ``share`` of everybody; the rare ones by Zipf's law."""
    dice.shuffle(rare)
    tail = {name: 1 / (rank + 30) for rank, name in enumerate(rare)}
    scale = share / sum(known.values()), (1 - share) / sum(tail.values())
    return Weighted(
        {name: weight * scale[1] for name, weight in tail.items()}
        | {name: weight * scale[0] for name, weight in known.items()}
    )


def _composed(heads: str, tails: str) -> list[Name]:
    found = []
    for head, tail in product(heads.split(), tails.split()):
        kana = head[1:] + tail[1:]
        if head[0] != tail[0]:
            found.append(Name(head[0] + tail[0], kana, jaconv.kana2alphabet(jaconv.kata2hira(kana))))
    return found


def _companies(dice: random.Random, sampled: list[str]) -> list[Company]:
    heads = [(kanji, latin) for kanji, _, latin in names.COMPANY_HEAD] + [
        (place, "hq") for place in _PLACES.split()
    ]
    tails = [(kanji, latin) for kanji, _, latin in names.COMPANY_TAIL]
    branches = ["", *(f" {_place(code).city}支店" for code, _ in names.TOWN)]
    forms = [("", "株式会社"), ("株式会社", ""), ("有限会社", ""), ("(株)", ""), ("", "㈱"), ("合同会社", "")]
    drawn = dice.sample(list(product(heads, tails, forms, branches)), COMPANIES)
    drawn.sort(key=lambda each: bool(each[3]))  # the largest are no branches
    made = [
        (f"{before}{head[0]}{tail[0]}{after}{branch}", f"{head[1]}-{tail[1]}.example.co.jp")
        for head, tail, (before, after), branch in drawn
    ]
    made[20:20] = [(name, f"sample{number}.example.jp") for number, name in enumerate(sampled)]
    found = []
    for name, domain in dict([(FADED, "banjaku.example.jp"), (SHUFFLED, "papipu.example.jp"), *made]).items():
        postal_code, area = dice.choice(names.TOWN)
        line = f"+81{area[1:]}{dice.randrange(2 * 10 ** (9 - len(area)), 10 ** (10 - len(area)))}"
        found.append(Company(name, domain, line if dice.random() < 0.8 else None, postal_code))
    return found


def _address(dice: random.Random, family: Name, given: Name, company: Company | None) -> str:
    local = f"{family.latin}.{given.latin}" if dice.random() < 0.6 else f"{given.latin[0]}{family.latin}"
    number = dice.randrange(1, 1_000) if dice.random() < 0.5 else ""
    return f"{local}{number}@{company.domain if company else dice.choice(_OPEN_DOMAINS)}"


@cache
def _place(postal_code: str) -> Any:
    return places_of(postal_code)[0]
