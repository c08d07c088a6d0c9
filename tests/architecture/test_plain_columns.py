"""Every column that is not sealed stands on the list with its reason: personal data gets in by no other way."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from daicho.tenancy.migrations import tenant_table
from daicho.testkit.catalogue import services_with_migrations

ROOT = Path(__file__).resolve().parents[2]
LIST = tomllib.loads(Path(__file__).with_name("plain.toml").read_text())["plain"]
_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
        AND udt_name IN ('text', '_text', 'varchar', '_varchar', 'bpchar', 'name', 'citext', 'json', 'jsonb', 'xml', 'date', 'tsvector')
"""
Column = tuple[str, str]


async def plain_columns(database: Any) -> set[Column]:
    """Table and name of every column that can hold words or a birthday in plain."""
    admin = await asyncpg.connect(database.admin_url)
    try:
        return {(row["table_name"], row["column_name"]) for row in await admin.fetch(_COLUMNS)}
    finally:
        await admin.close()


def listed(service: str) -> set[Column]:
    return {
        (table, column)
        for entry in LIST
        if service in entry["services"]
        for table, columns in entry["tables"].items()
        for column in columns
    }


@pytest.mark.parametrize("service", services_with_migrations(ROOT))
async def test_what_is_plain_is_on_the_list_and_what_is_listed_is_there(service, make_database) -> None:
    held = await plain_columns(await make_database(service))
    assert held - listed(service) == set(), "seal it, or say in plain.toml why it may be plain"
    assert listed(service) - held == set(), "on the list and not in the database"


def test_every_entry_says_why() -> None:
    assert all(entry["reason"].strip() for entry in LIST)


async def test_a_plain_column_is_seen_and_a_sealed_one_is_not(make_database) -> None:
    def create(op: Any) -> None:
        tenant_table(
            op,
            "person",
            sa.Column("family_name", sa.Text()),
            sa.Column("birthday", sa.Date()),
            sa.Column("more", JSONB()),
            sa.Column("emails", sa.ARRAY(sa.Text())),
            sa.Column("card", sa.LargeBinary()),
        )

    held = await plain_columns(await make_database("probe", create=create))
    assert {column for table, column in held if table == "person"} == {
        *("family_name", "birthday", "more", "emails")
    }
