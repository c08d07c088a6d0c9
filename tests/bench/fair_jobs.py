"""What other companies' work waits while one floods the queues: ``python -m tests.bench fair_jobs``.

On the whole product, as ``make run`` starts it: a company's import of 1,500 rows and its invitation mail, alone and
then beside another company's eight checks of ``ROWS`` rows, its twenty small imports, and its thousand mails.
Bars: the import in 5 s, the mail in 5 s.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from daicho.testkit.company import Caller, Company
from daicho.testkit.product import Product, running_product

ROWS = 500_000
BAR_SECONDS = 5.0
HEADER = "顧客番号,姓,名,メールアドレス,電話番号,部署,備考\r\n"


def people(first: int, count: int) -> bytes:
    """A file of ``count`` contacts numbered from ``first``."""
    return (
        HEADER
        + "".join(
            f"C-{number:07},田中,太郎{number},user{number}@example.jp,03-{number % 10_000:04}-1234,営業部,特になし\r\n"
            for number in range(first, first + count)
        )
    ).encode()


async def follow(caller: Caller, import_id: str, status: str) -> None:
    """Return once the import has ``status``. Raises RuntimeError when it failed."""
    while (found := await caller.get(f"/v1/imports/{import_id}"))["status"] != status:
        if found["status"] == "failed":
            raise RuntimeError(str(found))
        await asyncio.sleep(0.05)


async def import_file(caller: Caller, data: bytes) -> float:
    """Seconds from the check's request to the end of the run."""
    made = await caller.upload(data, name="people.csv")
    begun = time.perf_counter()
    await caller.post(f"/v1/imports/{made['id']}/check")
    await follow(caller, made["id"], "checked")
    await caller.post(f"/v1/imports/{made['id']}/run")
    await follow(caller, made["id"], "done")
    return time.perf_counter() - begun


async def mail_seconds(company: Company, name: str) -> float:
    """Seconds from an invitation's request to its mail's arrival."""
    email = company.address(name)
    begun = time.perf_counter()
    await company.owner.post("/v1/invitations", {"invitations": [{"email": email, "role": "member"}]})
    await company.mailed(email, "invitation")
    return time.perf_counter() - begun


async def flood_large(company: Company) -> None:
    """Eight checks of ``ROWS`` rows at once."""
    data = people(0, ROWS)
    made = [await company.owner.upload(data, name=f"large-{number}.csv") for number in range(8)]
    for each in made:
        await company.owner.post(f"/v1/imports/{each['id']}/check")


async def flood_small(company: Company) -> None:
    """Twenty checks of 4,000 rows at once."""
    made = [
        await company.owner.upload(people(number * 4_000, 4_000), name=f"small-{number}.csv")
        for number in range(20)
    ]
    for each in made:
        await company.owner.post(f"/v1/imports/{each['id']}/check")


async def flood_mail(company: Company) -> None:
    """A thousand invitations."""
    for start in range(0, 1_000, 50):
        invited: list[dict[str, Any]] = [
            {"email": company.address(f"guest{number}"), "role": "member"}
            for number in range(start, start + 50)
        ]
        await company.owner.post("/v1/invitations", {"invitations": invited})


async def measure(product: Product) -> bool:
    """Print every figure; whether the bars hold."""
    quiet = await product.company()
    base = 1_000_000
    print(f"{'beside':24} {'import of 1,500 rows':>22} {'invitation mail':>18}")
    held = True
    for number, flood in enumerate((None, flood_large, flood_small, flood_mail)):
        if flood is not None:
            await flood(await product.company())
        imported = await import_file(quiet.owner, people(base + number * 1_500, 1_500))
        mailed = await mail_seconds(quiet, f"colleague{number}")
        name = flood.__name__.removeprefix("flood_") if flood else "nothing"
        print(f"{name:24} {imported:20.2f} s {mailed:16.2f} s", flush=True)
        held = held and imported <= BAR_SECONDS and mailed <= BAR_SECONDS
    print(f"bars of {BAR_SECONDS:.0f} s: {'met' if held else 'MISSED'}")
    return held


def main() -> int:
    """Measure on a product of its own."""
    with running_product() as product:
        return 0 if asyncio.run(measure(product)) else 1


if __name__ == "__main__":
    sys.exit(main())
