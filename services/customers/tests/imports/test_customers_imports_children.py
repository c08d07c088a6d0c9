"""Files are read in children: what comes back is what was read, and a file's cost is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from import_samples import in_chunks, sample

from daicho.customers.imports.detection import detect
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.file_tasks import ReadingPlan, pack_row, read_file, unpack_row
from daicho.customers.imports.files import FileFormat
from daicho.customers.imports.reading import read_rows
from daicho.runtime.child_pool import ChildPool
from daicho.tabular import FileEmpty, FileUnsupported
from daicho.tenancy import TenantId, uuid7

OWNER = TenantId(uuid7()), None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def files() -> AsyncIterator[FileReader]:
    pool = ChildPool()
    yield FileReader(pool)
    pool.close()


@pytest.mark.parametrize("name", ["contacts-utf8bom.csv", "contacts-broken.csv", "contacts.xlsx"])
async def test_child_reads_what_the_reader_reads(files: FileReader, name: str) -> None:
    data = sample(name).read_bytes()
    detected = await files.detect(in_chunks(data), len(data), OWNER)
    assert detected == detect(in_chunks(data))
    assert await files.describe(detected.file, in_chunks(data), len(data), OWNER) == detected.columns
    rows = [
        row async for batch in files.read(detected.file, in_chunks(data), len(data), 100) for row in batch
    ]
    assert rows == list(read_rows(in_chunks(data), detected.file))


async def test_bytes_that_do_not_decode_come_through_unchanged(files: FileReader) -> None:
    data = "姓,備考\r\n".encode("cp932") + b'abc\xfc\xfc,\x81\r\na,"b\n\xff\xfe'
    file = FileFormat(encoding="cp932")
    rows = [row async for batch in files.read(file, in_chunks(data), len(data), 1) for row in batch]
    assert rows == list(read_rows([data], file))
    assert rows[0].broken == (0, 1)
    assert [unpack_row(pack_row(row)) for row in read_rows([data], file)] == rows


@pytest.mark.parametrize(("data", "fault"), [(b"\r\n", FileEmpty), (b"%PDF-1.7", FileUnsupported)])
async def test_what_is_wrong_with_a_file_is_said_by_its_own_fault(
    files: FileReader, data: bytes, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        await files.detect([data], len(data), OWNER)


async def test_error_while_unsealing_comes_through(files: FileReader) -> None:
    def tampered() -> Iterator[bytes]:
        yield b"a,b\n1,2\n"
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        [rows async for rows in files.read(FileFormat(), tampered(), 8, 10)]


def test_batch_of_long_rows_has_fewer() -> None:
    """A thousand rows of 32,767 characters in each cell would fill the memory of whoever reads them."""
    line = f"{'a' * 30_000},{'b' * 30_000}\n"
    batches = list(read_file(ReadingPlan(FileFormat(), 1_000), iter([("h,i\n" + line * 200).encode()])))
    assert sum(map(len, batches)) == 200
    assert max(sum(len(cell) for row in rows for cell in row.cells) for rows in batches) < 2_100_000
    short = list(read_file(ReadingPlan(FileFormat(), 1_000), iter([("h,i\n" + "a,b\n" * 2_500).encode()])))
    assert [len(rows) for rows in short] == [1_000, 1_000, 500]
