"""Pages of imports with many columns and of large rejected rows end early, and the next goes on."""

from __future__ import annotations

from daicho.customers.imports import error_list, repository
from daicho.web import PAGE_BYTES

COLUMNS = 400
WIDE = [f"{number} {'列' * 150}" for number in range(COLUMNS)]
LONG = "長" * 19_000


def wide_file() -> bytes:
    """A file of one row whose description takes some 300 kB."""
    return "\n".join([",".join(WIDE), ",".join(["値" * 80] * COLUMNS)]).encode()


async def test_page_of_imports_with_many_columns_ends_early_and_the_next_goes_on(imports, owner) -> None:
    made = [(await imports.upload(owner, "wide.csv", wide_file()))["id"] for _ in range(5)]
    found, lengths, cursor = [], [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        answer = await owner("GET", f"/v1/imports?limit=200{more}")
        lengths.append(len(answer.content))
        found += [each["id"] for each in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]
    assert len(lengths) > 1
    assert max(lengths) <= 1.5 * PAGE_BYTES


async def test_large_rejected_rows_are_fetched_and_opened_a_few_at_a_time(
    imports, owner, monkeypatch
) -> None:
    monkeypatch.setattr(error_list, "_MOST_BYTES", 2 * PAGE_BYTES)
    rows = [["", *[LONG] * 6] for _ in range(24)]
    header = ["姓", *[f"備考{number}" for number in range(6)]]
    data = "\n".join(",".join(row) for row in [header, *rows]).encode()
    made = await imports.upload(owner, "rejected.csv", data)
    mapping = [{"column": 0, "field": "family_name"}, {"column": 1, "field": "notes"}]
    answer = await owner("PATCH", f"/v1/imports/{made['id']}", {"mapping": mapping})
    assert answer.status_code == 200, answer.text
    checked = await imports.check(owner, made["id"])
    assert checked["rejected"] == len(rows), checked
    sizes = []
    rejected_from = repository.rejected_from

    async def counted(*given):
        found = await rejected_from(*given)
        sizes.append(sum(len(sealed) for _, _, sealed in found))
        return found

    monkeypatch.setattr(repository, "rejected_from", counted)
    first = (await owner("GET", f"/v1/imports/{made['id']}/errors?limit=200")).json()
    assert sum(sizes) <= 3 * PAGE_BYTES + 1
    assert max(sizes) <= PAGE_BYTES
    assert 0 < len(first["items"]) < len(rows)
    errors = await imports.errors(owner, made["id"], 200)
    assert [each["row"] for each in errors] == list(range(1, len(rows) + 1))
