"""No plaintext of a sealed field outside of memory: words that occur nowhere else, looked for in every file."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncpg
import pytest

from daicho.testkit.company import Caller, Company
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

#: Every canary holds one of these stems, so that few words find them all.
NAME, KANA, LATIN, DIGITS, DIALLED = "鵯越", "ヒヨドリゴエ", "hiyodorigoe", "9087650123", "90-8765-0123"
STEMS = (NAME, KANA, "ﾋﾖﾄﾞﾘｺﾞｴ", "ひよどりごえ", LATIN, DIGITS, DIALLED)
#: A company is no person: its name stays plain, and shows that the search finds what is there.
PLAIN = "鷽替商会"
LARGEST = 256 * 1024 * 1024


def spellings(words: Iterable[str]) -> dict[bytes, str]:
    """The bytes of each word in the encodings that we handle, and as JSON escapes it."""
    found = {}
    for word in words:
        for encoding in ("utf-8", "cp932", "utf-16-le", "utf-16-be"):
            found[word.encode(encoding)] = f"{word} in {encoding}"
        found[json.dumps(word).strip('"').encode()] = f"{word} as JSON"
    return found


def found_in(files: Iterable[Path], wanted: dict[bytes, str]) -> list[str]:
    """Which of the wanted bytes stand in which file."""
    told = []
    for file in files:
        try:
            with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
                told += [f"{file}: {name}" for needle, name in wanted.items() if content.find(needle) >= 0]
        except (OSError, ValueError):
            continue  # empty, gone meanwhile, a socket
    return told


def files_below(folder: Path, since: float = 0.0) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        if Path(place) == Path(tempfile.gettempdir()):
            # Other runs on this machine are not ours to judge; pytest keeps what the tests themselves wrote.
            folders[:] = [it for it in folders if not it.startswith(("daicho-", "pytest-", "bash_jobs"))]
        for name in names:
            path = Path(place, name)
            if path.is_symlink() or not path.is_file():
                continue
            status = path.stat()
            if status.st_mtime >= since and status.st_size <= LARGEST:
                yield path


async def _leave_traces(company: Company) -> Caller:
    """Everything that the story does with personal data, with canaries in each place."""
    owner = company.owner
    for key in ("hidden", "shown"):
        field = {"resource": "contact", "key": key, "label": key, "type": "text", "searchable": True}
        await owner.post("/v1/fields", field | {"sensitive": key == "hidden"})
    contact = await owner.post(
        "/v1/contacts",
        {
            "family_name": NAME,
            "given_name": f"{NAME}郎",
            "family_name_kana": KANA,
            "given_name_kana": f"{KANA}ロウ",
            "emails": [{"address": f"{LATIN}@example.jp"}],
            "phones": [{"number": f"0{DIGITS}", "kind": "mobile"}],
            "company_name": PLAIN,
            "address": {
                "prefecture": "兵庫県",
                "city": f"{NAME}市",
                "street": f"{NAME}1-2",
                "building": NAME,
            },
            "notes": f"{NAME}の覚え書き {LATIN}",
            "custom": {"hidden": f"{NAME} {LATIN}"},
        },
        idempotency_key="canary",
    )
    place = f"/v1/contacts/{contact['id']}"
    await owner.patch(place, {"notes": f"{NAME}の新しい覚え書き"}, version=1)
    for word in (NAME, KANA, "ﾋﾖﾄﾞﾘｺﾞｴ", "ひよどりごえ", LATIN, f"0{DIALLED}"):
        found = await owner.post("/v1/contacts/search", {"q": word})
        assert [it["id"] for it in found["items"]] == [contact["id"]], word
    filtered = {"filter": {"field": "family_name", "op": "eq", "value": NAME}}
    assert len((await owner.post("/v1/contacts/search", filtered))["items"]) == 1
    await owner.get(f"{place}/history")
    await _import(owner)
    colleague = await company.invite(LATIN, "member")
    await company.client.post("/v1/password-resets", json={"tenant": company.code, "email": colleague.email})
    await company.mailed(colleague.email, "reset")
    wrong = await owner("POST", "/v1/contacts", {"family_name": NAME, "emails": [{"address": f"{LATIN}@"}]})
    assert wrong.status_code == 422
    return owner


async def _import(owner: Caller) -> None:
    content = (
        "姓,セイ,メールアドレス,携帯電話,備考\r\n"
        f"{NAME}甲,{KANA},{LATIN}.1@example.jp,0{DIALLED},{NAME}\r\n"
        f"{NAME}乙,{KANA},{LATIN}-is-no-mail,0{DIALLED},{NAME}\r\n"
    )
    begun = await owner.upload(content.encode("cp932"), name=f"{NAME}.csv")
    place = f"/v1/imports/{begun['id']}"

    async def became(status: str) -> bool:
        return bool((await owner.get(place))["status"] == status)

    await owner.post(f"{place}/check")
    await until(lambda: became("checked"), within=30)
    rejected = (await owner("GET", f"{place}/rejected")).content
    assert f"{NAME}乙".encode("cp932") in rejected
    await owner.post(f"{place}/run")
    await until(lambda: became("done"), within=30)
    assert (await owner.get(place))["created"] == 1


@pytest.fixture(scope="module")
async def scene(product: Product) -> float:
    """When it began; afterwards everything is on disk that will ever be."""
    began = time.time() - 1
    owner = await _leave_traces(await product.company())

    async def heard() -> bool:
        asked = {"action": "contact.search", "limit": 200}
        return len((await owner.post("/v1/audit/entries/search", asked))["items"]) >= 7

    await until(heard)
    for name in ("identity", "customers", "audit", "bus"):
        database = await asyncpg.connect(product.database_url(name))
        await database.execute("CHECKPOINT")
        await database.close()
    return began


def test_the_search_sees_what_is_plain(product: Product, scene: float) -> None:
    """A company's name is in the database's files and its log: a canary that leaked would be seen as well."""
    seen = found_in(files_below(product.data), spellings([PLAIN]))
    assert any("postgres" in it and "/base/" in it for it in seen)
    assert any("pg_wal" in it for it in seen)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16-le"])
def test_the_search_sees_every_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "leak").write_bytes(b"\0" + f"{NAME}{LATIN}".encode(encoding) + b"\0")
    assert len(found_in(files_below(tmp_path), spellings(STEMS))) >= 2


def test_no_canary_in_databases_logs_bus_files_or_the_key_stores_folder(
    product: Product, scene: float
) -> None:
    folders = {path.name for path in product.data.iterdir() if path.is_dir()}
    assert {"postgres", "openbao", "files"} <= folders
    assert found_in(files_below(product.data), spellings(STEMS)) == []


def test_no_canary_in_temporary_files(product: Product, scene: float) -> None:
    assert found_in(files_below(Path(tempfile.gettempdir()), since=scene), spellings(STEMS)) == []
