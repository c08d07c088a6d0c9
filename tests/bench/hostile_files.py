"""What hostile files cost others: `python -m tests.bench.hostile_files [part of a name]`.

Uploads each attack to the customers service behind HTTP, while another company's user asks for a list and a third one's
uploads a good file, again and again. Prints for each attack how long it took, its answer, the most memory that a
child had, and the longest that the others waited. Bars for a file of at most 10 MB: 0.3 s of waiting (p100), 256 MiB,
20 s, and an answer that says what is wrong. Before, the others' waits without an attack are printed. Files whose cells
are long are checked as well, by a worker in this process; their memory is that of a child or what this process grew by.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
for folder in ("services/customers/tests", "services/customers/tests/imports", "libs/tabular/tests"):
    sys.path.insert(0, str(ROOT / folder))

from import_world import ImportWorld, NamedUsers, parts_with  # noqa: E402 test helpers, found by the lines above
from service_world import running_ledger  # noqa: E402
from workbooks import MAIN, pack, parts, relations, repeated, types, workbook  # noqa: E402

from daicho.keyring import provision  # noqa: E402
from daicho.runtime import configure_logging  # noqa: E402
from daicho.testkit import Databases  # noqa: E402
from tests.bench.import_rows import servers  # noqa: E402

BAR_WAIT, BAR_MEMORY, BAR_SECONDS = 0.3, 256.0, 20.0
GOOD = "姓,名\n田中,太郎\n".encode()
SHEET = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
STRINGS = f'<sst xmlns="{MAIN}">'.encode()
MILLION = 1_000_000


def attacks() -> Iterator[tuple[str, bytes]]:
    """Names and files."""

    def sheet(before: bytes, each: bytes, count: int, after: bytes = b"") -> bytes:
        return pack({**parts(), "xl/worksheets/sheet1.xml": repeated(SHEET + before, each, count, after)})

    other = parts(content_types=types(("/xl/other.xml", "sharedStrings")))
    yield (
        "strings under another name",
        pack({**other, "xl/other.xml": repeated(STRINGS, b"<si><t>aaaaaaaa</t></si>", 2 * MILLION)}),
    )
    yield "huge content types", pack({**parts(), "[Content_Types].xml": repeated(b"", b"<a>", 20 * MILLION)})
    yield (
        "huge relations",
        pack({**parts(), "xl/_rels/workbook.xml.rels": repeated(b"<a>", b"<b/>", 20 * MILLION)}),
    )
    yield "huge styles", pack({**parts(), "xl/styles.xml": repeated(b"<a><cellXfs>", b"<xf/>", 6 * MILLION)})
    yield "5M nested tags", sheet(b"", b"<c>", 5 * MILLION)
    yield "10M empty rows", sheet(b"", b"<row/>", 10 * MILLION)
    many = {
        **parts(
            workbook=workbook(sheets=300),
            workbook_relations=relations(*[("worksheet", "worksheets/sheet1.xml")] * 300),
        ),
        "xl/worksheets/sheet1.xml": repeated(SHEET, b"<row/>", MILLION, b"</sheetData></worksheet>"),
    }
    yield "300 sheets on one part", pack(many)
    yield "attributes of 50 kB", sheet(b"<row>", b'<c a="' + b"1" * 50_000 + b'"/>', 10_000)
    yield "properties", pack({**parts(), "docProps/core.xml": repeated(b"<a>", b"<b/>", 50 * MILLION)})
    yield (
        "a string of 60 MB",
        pack(
            {
                **parts(),
                "xl/strings.xml": repeated(STRINGS + b"<si><t>", b"x" * 1_000, 60_000, b"</t></si></sst>"),
            }
        ),
    )
    yield (
        "3.9M strings",
        pack({**parts(), "xl/strings.xml": repeated(STRINGS, b"<si><t>abc</t></si>", 3_400_000, b"</sst>")}),
    )
    yield "100M cells in a row", sheet(b"<row>", b"<c/>", 100 * MILLION)
    yield "CSV: one cell of 9 MB", b"a,b\n" + b"x" * 9 * MILLION + b",1\n"
    yield "CSV: header of 900 kB", b"\xe3\x81\x82 " * 225_000 + b",b\n1,2\n"
    yield "CSV: quotes again and again", b"h,i,j\n" + b'a",b,"\n' * 140_000
    yield "CSV: a@.@.@.", b"a,b\n" + b"a@." * 300_000 + b" x,1\n"
    yield "CSV: blanks", b"a,b\n" + b" " * 900_000 + b"x,1\n"


def long_cells() -> Iterator[tuple[str, bytes]]:
    """Names and files that are checked after their upload."""

    def book(strings: list[str], rows: Iterable[tuple[int, int]]) -> bytes:
        items = "".join(f"<si><t>{each}</t></si>" for each in strings).encode()
        cells = ("".join(f'<c t="s"><v>{each}</v></c>' for each in row) for row in [(0, 1), *rows])
        sheet = "".join(f"<row>{each}</row>" for each in cells).encode()
        return pack(
            {
                **parts(),
                "xl/strings.xml": [STRINGS + items + b"</sst>"],
                "xl/worksheets/sheet1.xml": [SHEET + sheet + b"</sheetData></worksheet>"],
            }
        )

    yield (
        "check: one long owner, 5,000 rows",
        book(["姓", "担当", "佐藤", "\u200b" + "a" * 32_000], [(2, 3)] * 5_000),
    )
    owners = [f"@{each}" + "㌖" * 1_290 for each in range(12_000)]
    yield (
        "check: 12,000 long owners",
        book(["姓", "担当", "佐藤", *owners], [(2, 3 + n) for n in range(12_000)]),
    )
    yield (
        "check: two long names, 6,000 rows",
        book(["姓", "名", "😀" + "a" * 29_000, "😀" + "b" * 29_000], [(2, 3)] * 6_000),
    )


class Memory:
    """The most memory that a process below this one's child servers had, above what its server has, or that this
    process has grown by."""

    def __init__(self) -> None:
        self._idle = psutil.Process().memory_info().rss
        self.most = 0.0
        self._over = asyncio.Event()

    async def watch(self) -> None:
        """Look every 20 ms."""
        while not self._over.is_set():
            await asyncio.to_thread(self._look)
            await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _look(self) -> None:
        self.most = max(self.most, (psutil.Process().memory_info().rss - self._idle) / 2**20)
        for server in psutil.Process().children():
            for child in server.children() if server.name().startswith("python") else ():
                try:
                    self.most = max(self.most, child.memory_info().rss / 2**20)
                except psutil.Error:
                    continue


async def waits(work: Callable[[], Any], over: asyncio.Event) -> list[float]:
    """Seconds of each call of ``work``, until ``over``."""
    found: list[float] = []
    while not over.is_set() or not found:
        began = time.perf_counter()
        await work()
        found.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return found


@contextmanager
def told(name: str) -> Iterator[dict[str, Any]]:
    """Print one line of figures."""
    found: dict[str, Any] = {}
    yield found
    lists, uploads = max(found["lists"]), max(found["uploads"])
    is_met = (
        max(lists, uploads) <= BAR_WAIT and found["memory"] <= BAR_MEMORY and found["seconds"] <= BAR_SECONDS
    )
    print(
        f"{name:30} {found['size'] / 1000:9,.0f} kB  {found['answer']:24} {found['seconds']:5.1f} s  "
        f"{found['memory']:4.0f} MiB  others wait {lists:.2f} s (list), {uploads:.2f} s (upload): "
        f"{'met' if is_met else 'MISSED'}",
        flush=True,
    )


async def attack(
    name: str, data: bytes, world: ImportWorld, people: list[Any], sent: int = 1, *, is_checked: bool = False
) -> None:
    """One attack by ``sent`` requests at once, and what the others saw of it."""
    attacker, reader, uploader = people
    over, memory = asyncio.Event(), Memory()

    async def upload() -> str:
        answer = await attacker.client.post(
            "/v1/imports", files={"file": ("a", data)}, data={"resource": "contact"}, timeout=120
        )
        if is_checked and answer.status_code == 201:
            import_id = answer.json()["id"]
            await attacker("POST", f"/v1/imports/{import_id}/check")
            found = await world.follow(attacker, import_id, "checked", seconds=120)
            return f"{found['status']} {found['failure'] or found['rejected']}"
        return f"{answer.status_code} {answer.json().get('code', 'read')}"

    with told(name) as found:
        others = [
            asyncio.create_task(waits(lambda: reader("GET", "/v1/contacts"), over)),
            asyncio.create_task(waits(lambda: world.upload(uploader, "g.csv", GOOD), over)),
        ]
        watching = asyncio.create_task(memory.watch())
        began = time.perf_counter()
        answers = await asyncio.gather(*(upload() for _ in range(sent))) if data else ["–"]
        if not data:
            await asyncio.sleep(3)
        found.update(seconds=time.perf_counter() - began, answer=answers[0], size=len(data))
        over.set()
        memory.stop()
        await watching
        found["lists"], found["uploads"] = await asyncio.gather(*others)
        found["memory"] = memory.most


async def main(part: str) -> None:
    """Every attack whose name has ``part``, one after the other."""
    with servers() as (admin_url, openbao), tempfile.TemporaryDirectory() as files:
        logins = provision(openbao.address, openbao.root_token)
        made = await Databases(admin_url).make("customers")
        folder, users = Path(files), NamedUsers()
        async with running_ledger(made, openbao.address, logins, parts_with(folder, users)) as ledger:
            world = ImportWorld(ledger, folder, users)
            people = [(await ledger.create_house()).owner for _ in range(3)]
            await world.upload(people[2], "g.csv", GOOD)
            await attack("nothing", b"", world, people)
            async with world.working():
                for name, data in long_cells():
                    if part in name:
                        await attack(name, data, world, people, is_checked=True)
            for name, data in attacks():
                if part in name:
                    await attack(name, data, world, people)
            if part in "100M cells, 4 at once":
                slow = next(data for name, data in attacks() if name.startswith("100M"))
                await attack("100M cells, 4 at once", slow, world, people, sent=4)


if __name__ == "__main__":
    configure_logging("bench", "WARNING")
    asyncio.run(main("".join(sys.argv[1:])))
