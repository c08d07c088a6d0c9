"""A ledger of made-up contacts on a real server, for the figures of lists and search.

Names, companies and addresses are recombined from the shared sample and from syllables, so that some words are
common and some rare; beside the sealed contacts stands ``plain_contact``, the same texts in plaintext with
pg_trgm, for comparison. ``BENCH_FOLDER`` keeps the cluster between runs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.customers.contacts.rows import columns_of
from daicho.customers.contacts.schemas import ContactInput, Email, Phone
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.fields import Schema
from daicho.keyring import EventKey, KeyMaterial, TenantKeys
from daicho.local.servers import PostgresServer, free_port
from daicho.nihongo import fold, phone_digits
from daicho.tenancy import TenantId, database_url, migrate, provision
from daicho.tenancy.ids import UserId

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = ROOT.parent / "shared" / "data" / "contacts-small.expected.json"
TENANT: Final = TenantId(UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0001))
TEAM_2, TEAM_20, REST = (UserId(UUID(int=TENANT.int + number)) for number in (1, 2, 3))
"""Owners of 2 %, 20 % and 78 % of the contacts."""
PASSWORD: Final = "bench"
_COLUMNS: Final = [
    "tenant_id",
    "id",
    "version",
    "owner_id",
    "company_id",
    "custom",
    "tokens",
    "created_at",
    "updated_at",
    "customer_code",
    "department",
    "title",
    "lifecycle",
    "prefecture",
    "first_kana",
    "has_email",
    "has_phone",
    "card",
    "rest",
]
COMPANIES: Final = 20_000
_SEARCHED: Final = ["company", "name", "kana", "email", "phones"]


def keys_of_tenant() -> TenantKeys:
    """Keys that every run makes the same, so that a kept cluster opens."""
    events = EventKey(TENANT, "customers", 1, "vault:v1:bench", AESGCM(b"e" * 32))
    material = KeyMaterial(TENANT, {1: b"r" * 32}, current=1, index=(b"i" * 32,), unique=b"u" * 32)
    return TenantKeys(material, events)


@contextmanager
def server() -> Iterator[str]:
    """A superuser's address of a PostgreSQL with its durable defaults."""
    if kept := os.environ.get("BENCH_FOLDER"):
        yield from _served(Path(kept))
    else:
        with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
            yield from _served(Path(folder))


def _served(folder: Path) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", port=free_port(), password=PASSWORD)
    if not (folder / "postgres").exists():
        postgres.initialise()
    postgres.start()
    try:
        postgres.wait_until_ready()
        yield postgres.url()
    finally:
        postgres.stop()


@dataclass(frozen=True)
class Loaded:
    """A database with contacts in it."""

    admin_url: str
    app_url: str
    rows: int


@asynccontextmanager
async def loaded(admin_url: str, rows: int, *, plain: bool) -> AsyncIterator[Loaded]:
    """The database of ``rows`` contacts on the server, made when it is not there yet."""
    name = f"customers_{rows}"
    passwords = {f"customers_{role}": PASSWORD for role in ("app", "relay")}
    admin = await asyncpg.connect(database_url(admin_url, "postgres"))
    is_there = await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
    await admin.close()
    await provision(admin_url, "customers", passwords, database=name)
    if not is_there:
        await migrate(admin_url, "customers", ROOT / "services/customers/migrations", database=name)
        await _load(database_url(admin_url, name), rows, plain=plain)
    app = database_url(admin_url, name, role="customers_app", password=PASSWORD)
    yield Loaded(database_url(admin_url, name), app, rows)


async def _load(url: str, rows: int, *, plain: bool) -> None:
    """COPY, then build what a bulk load builds last: the index of tokens and the statistics."""
    admin = await asyncpg.connect(url, command_timeout=1_200)
    index = await admin.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_contact_tokens'")
    await admin.execute(
        "DROP INDEX ix_contact_tokens; SET maintenance_work_mem = '1GB'; SET synchronous_commit = off"
    )
    if plain:
        await admin.execute(
            "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE TABLE plain_contact (id uuid PRIMARY KEY, company text, name text, kana text, "
            "email text, phones text)"
        )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    companies = [
        (TENANT, company_id(number), name, 1, now, now) for number, name in enumerate(_Words().companies)
    ]
    columns = ["tenant_id", "id", "name", "version", "created_at", "updated_at"]
    await admin.copy_records_to_table("company", records=companies, columns=columns)
    parts = [(start, min(start + 10_000, rows)) for start in range(0, rows, 10_000)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for sealed, texts in pool.imap(_make, parts):
            await admin.copy_records_to_table("contact", records=sealed, columns=_COLUMNS)
            if plain:
                await admin.copy_records_to_table("plain_contact", records=texts)
    await admin.execute(index)
    if plain:
        for name in _SEARCHED:
            await admin.execute(f"CREATE INDEX ON plain_contact USING gin ({name} gin_trgm_ops)")
        await admin.execute("VACUUM ANALYZE plain_contact")
    await admin.execute("VACUUM ANALYZE contact")
    await admin.close()


def company_id(number: int) -> UUID:
    """The id of the company of that number."""
    return UUID(int=0x0192_0000_0000_7000_9000 << 48 | number)


class _Words:
    """What contacts are made of: the sample's own words for the common part, syllables for the rare one."""

    def __init__(self) -> None:
        found = [
            row["values"] for row in json.loads(SAMPLE.read_text())["rows"] if row["outcome"] == "accepted"
        ]
        self.people = found
        kanji = sorted({char for each in found for char in each["last_name"] + (each["first_name"] or "")})
        self.kanji = [*kanji, *map(chr, range(0x6A00, 0x6E00))]
        self.kana = [chr(code) for code in range(0x30A2, 0x30F3) if chr(code) not in "ァィゥェォッャュョヮ"]
        dice = random.Random(7)
        self.sampled = sorted({each["company"] for each in found if each["company"]})
        self.companies = self.sampled + [
            "株式会社" + self._text(dice, self.kana, 3, 5) + dice.choice(("商事", "工業", "システム", ""))
            for _ in range(COMPANIES)
        ]
        self.domains = sorted({each["email"].split("@")[1] for each in found if each["email"]})

    def contact(self, dice: random.Random) -> dict[str, Any]:
        family, given = dice.choice(self.people), dice.choice(self.people)
        common = dice.random() < 0.4
        kana = self._text(dice, self.kana, 3, 4)
        return {
            "family": family["last_name"] if common else self._text(dice, self.kanji, 2, 2),
            "family_kana": family["last_kana"] if common else kana,
            "given": given["first_name"] if common else self._text(dice, self.kanji, 1, 2),
            "given_kana": given["first_kana"] if common else self._text(dice, self.kana, 2, 3),
            "company": dice.randrange(len(self.sampled) if dice.random() < 0.3 else len(self.companies)),
            "email": f"{self._text(dice, 'abcdefghijklmnoprstuvwyz', 4, 9)}@{dice.choice(self.domains)}",
            "phones": [f"+81{dice.choice((3, 6, 52, 90, 80))}{dice.randrange(10**7, 10**8)}"],
        }

    @staticmethod
    def _text(dice: random.Random, chars: Sequence[str], shortest: int, longest: int) -> str:
        return "".join(dice.choices(chars, k=dice.randint(shortest, longest)))


_words: _Words | None = None


def _make(part: tuple[int, int]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows ``start`` to ``end`` of ``contact`` and of ``plain_contact``; the same at every run."""
    global _words
    _words = _words or _Words()
    keys, schema, dice = keys_of_tenant(), ResourceSchema(0, Schema(())), random.Random(part[0])
    sealed, texts = [], []
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(*part):
        made = _words.contact(dice)
        ident = UUID(int=(0x0192_0000_0000 + number) << 80 | 0x7 << 76 | 0b10 << 62 | dice.getrandbits(62))
        chance = dice.random()
        state = ContactInput(
            family_name=made["family"],
            given_name=made["given"],
            family_name_kana=made["family_kana"],
            given_name_kana=made["given_kana"],
            emails=[Email(made["email"])],
            phones=[Phone(phone) for phone in made["phones"]],
            company_id=company_id(made["company"]),
            company_name=_words.companies[made["company"]],
            department="営業部",
            customer_code=f"{number:07}",
            owner_id=TEAM_2 if chance < 0.02 else TEAM_20 if chance < 0.22 else REST,
        )
        held = columns_of(keys, ident, state, schema) | {
            "tenant_id": TENANT,
            "id": ident,
            "version": 1,
            "created_at": at,
            "updated_at": at,
            "custom": msgspec.json.encode(state.custom).decode(),
        }
        sealed.append(tuple(held[name] for name in _COLUMNS))
        name = fold(made["family"] + (made["given"] or ""))
        kana = fold((made["family_kana"] or "") + (made["given_kana"] or ""))
        phones = " ".join(map(phone_digits, made["phones"]))
        texts.append((ident, fold(_words.companies[made["company"]]), name, kana, made["email"], phones))
    return sealed, texts
