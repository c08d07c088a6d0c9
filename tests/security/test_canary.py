"""No plaintext of a sealed field outside of memory: words that occur nowhere else, looked for wherever bytes are kept."""

from __future__ import annotations

import base64
import gzip
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from daicho.events import open_bus
from daicho.testkit.company import Caller, Company
from daicho.testkit.product import Product, running_product
from daicho.testkit.waiting import until

from .plaintext import files_below, in_bytes, in_databases, in_files, spellings

#: Every canary holds one of these stems, so that few words find them all. None is short enough in any encoding to
#: stand by chance in what is sealed.
NAME, KANA, LATIN, DIGITS, DIALLED = "鵯越坂", "ヒヨドリゴエ", "hiyodorigoe", "9087650123", "90-8765-0123"
STEMS = (NAME, KANA, "ﾋﾖﾄﾞﾘｺﾞｴ", "ひよどりごえ", LATIN, DIGITS, DIALLED)
#: A company is no person: its name stays plain, and shows that the search finds what is there.
PLAIN = "鷽替商会"
DATABASES = ("identity", "customers", "audit", "bus")
TOPICS = ("identity.events", "customers.events", "access.events", "identity.revocations")


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
    for given in ({"format": "csv"}, {"format": "csv", "encoding": "cp932"}, {"format": "xlsx"}):
        taken = await owner("POST", "/v1/contacts/export", {"q": NAME, **given})
        assert taken.status_code == 200, taken.text
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


async def _heard(owner: Caller) -> bool:
    asked = {"action": "contact.search", "limit": 200}
    return len((await owner.post("/v1/audit/entries/search", asked))["items"]) >= 7


@pytest.fixture(scope="module")
async def scene(product: Product) -> float:
    """When it began; afterwards everything is on disk that will ever be."""
    began = time.time() - 1
    company = await product.company()
    owner = await _leave_traces(company)
    await until(lambda: _heard(owner))
    await _have_an_accident(product, owner)
    for name in DATABASES:
        database = await asyncpg.connect(product.database_url(name))
        await database.execute("CHECKPOINT")
        await database.close()
    await company.client.aclose()
    return began


async def _have_an_accident(product: Product, owner: Caller) -> None:
    """A request fails with a canary in its hands, and goes into the log."""
    made = await owner.post("/v1/contacts", {"family_name": f"{NAME}丙", "notes": f"{NAME}の件"})
    database = await asyncpg.connect(product.database_url("customers"))
    try:
        await database.execute("UPDATE contact SET rest = '\\x01' WHERE id = $1", made["id"])
        before = len(product.log("services"))
        change = {"given_name": NAME, "notes": f"{NAME}の続き"}
        answer = await owner("PATCH", f"/v1/contacts/{made['id']}", change, if_match='"v1"')
        assert answer.status_code == 500
        assert "request_failed" in product.log("services")[before:]
    finally:
        await database.execute("DELETE FROM contact WHERE id = $1", made["id"])
        await database.close()


async def test_the_search_sees_what_is_plain(product: Product, scene: float) -> None:
    """A company's name is in the database's files, its log and its rows: a canary that leaked would be seen as well."""
    seen = in_files(files_below([product.data]), spellings([PLAIN]))
    assert any("postgres" in it and "/base/" in it for it in seen)
    assert any("pg_wal" in it for it in seen)
    rows = await in_databases([product.database_url("customers")], spellings([PLAIN]))
    assert any(it.startswith("customers.company:") for it in rows)


@pytest.mark.parametrize(
    "form",
    [
        lambda word: word.encode(),
        lambda word: word.encode("cp932"),
        lambda word: word.encode("utf-16-le"),
        lambda word: word.encode("utf-16-be"),
        lambda word: word.encode().hex().encode(),
        lambda word: base64.b64encode(word.encode()),
        lambda word: base64.b64encode(b"1" + word.encode() + b"12"),
        lambda word: base64.urlsafe_b64encode(b"12" + word.encode("utf-16-le")),
        lambda word: b"before" + gzip.compress(b"x" + word.encode()) + b"after",
        lambda word: quote(word).encode(),
    ],
    ids=["utf-8", "cp932", "utf-16-le", "utf-16-be", "hex", "base64", "moved", "url-safe", "gzip", "address"],
)
@pytest.mark.parametrize("chunk", [64, 1_000])
def test_the_search_sees_every_form_wherever_it_stands_in_a_file(tmp_path: Path, form, chunk: int) -> None:
    if chunk == 64 and form("").startswith(b"before"):
        chunk = 1_000  # what is packed is unpacked where it is whole
    for place in (0, 50, 130):
        file = tmp_path / str(place)
        file.write_bytes(b"\0" * place + form(NAME + LATIN) + b"\0" * 100)
        assert in_files([file], spellings([NAME, LATIN]), chunk=chunk), place


def test_no_canary_in_database_files_logs_files_or_the_key_stores_folder(
    product: Product, scene: float
) -> None:
    folders = {path.name for path in product.data.iterdir() if path.is_dir()}
    assert {"postgres", "openbao", "files"} <= folders
    assert in_files(files_below([product.data]), spellings(STEMS)) == []


async def test_no_canary_in_any_row_of_the_ledger_the_bus_and_the_queues(
    product: Product, scene: float
) -> None:
    urls = [product.database_url(name) for name in DATABASES]
    assert await in_databases(urls, spellings(STEMS)) == []


def test_no_canary_in_temporary_files(product: Product, scene: float) -> None:
    """The product's own folder for them, and what else has been written meanwhile to the machine's."""
    machines = Path(tempfile.gettempdir())
    others = [path for path in machines.iterdir() if path.is_file() and path.stat().st_mtime >= scene]
    assert in_files([*files_below([product.scratch]), *others], spellings(STEMS)) == []


@pytest.fixture(scope="module")
async def on_kafka(kafka_bootstrap: str) -> AsyncIterator[Product]:
    """A product of its own whose bus is Kafka, after the story."""
    await _forget_topics(kafka_bootstrap)
    with running_product(BUS_URL=f"kafka://{kafka_bootstrap}") as product:
        company = await product.company()
        owner = await _leave_traces(company)
        await until(lambda: _heard(owner), within=30)
        yield product
        await company.client.aclose()
    await _forget_topics(kafka_bootstrap)


async def _forget_topics(broker: str) -> None:
    """The broker may have served an earlier product; what groups have read goes with a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        await admin.delete_topics([it for it in await admin.list_topics() if it in TOPICS])

        async def gone() -> bool:
            return not set(await admin.list_topics()) & set(TOPICS)

        await until(gone, within=30)
    finally:
        await admin.close()


@pytest.mark.kafka
async def test_no_canary_in_kafkas_log(on_kafka: Product, kafka_bootstrap: str) -> None:
    """Every record that the broker holds of the story, key, value and headers."""
    bus = await open_bus(f"kafka://{kafka_bootstrap}")
    wanted, plain, found, count = spellings(STEMS), spellings([PLAIN]), set(), 0
    try:
        for topic in TOPICS:
            async for record in bus.read(topic):
                held = b"\0".join([record.key, record.value, *(value for _, value in record.headers)])
                found |= {f"{topic}: {name}" for name in in_bytes(held, wanted)}
                count += bool(in_bytes(held, plain))
    finally:
        await bus.close()
    assert found == set()
    assert count > 0, "a company's name is plain: without one in them these were not the story's records"
