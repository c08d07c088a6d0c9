"""The fixtures give what they promise."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import asyncpg
import pytest
import sqlalchemy as sa

from daicho.tenancy.migrations import tenant_table
from daicho.testkit import create_actor, create_tenant_id
from daicho.testkit.kafka import running_kafka


def create(op):
    tenant_table(op, "note", sa.Column("code", sa.Text()))


async def test_two_databases_of_a_service_share_nothing(make_database):
    first, second = await make_database("probe", create=create), await make_database("probe", create=create)
    database = await first.open()
    tenant = create_tenant_id()
    async with database.transaction(tenant) as tx:
        await tx.driver.execute("INSERT INTO note (tenant_id, id) VALUES ($1, gen_random_uuid())", tenant)
    await database.close()
    other = await second.open()
    async with other.reading(tenant) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM note") == 0
    await other.close()


async def test_the_relay_logs_in_and_sees_no_table(make_database):
    database = await make_database("probe", create=create)
    relay = await asyncpg.connect(database.relay_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await relay.fetch("SELECT * FROM note")
    await relay.close()


async def test_dropped_databases_are_gone(databases, postgres_server):
    database = await databases.make("probe", create=create)
    await databases.drop(database)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(database.admin_url)


def test_mail_is_kept_by_recipient(smtp_server):
    message = EmailMessage()
    message["Subject"] = "招待"
    message.set_content("ようこそ")
    host, port = smtp_server.url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.send_message(message, "daicho@example.com", ["a@example.com", "b@example.com"])
    [received] = smtp_server.sent_to("b@example.com")
    assert received.get_payload(decode=True).decode().strip() == "ようこそ"
    assert smtp_server.sent_to("c@example.com") == []


def test_every_service_has_its_role_in_openbao(openbao_roles):
    assert {"audit", "customers", "identity"} <= openbao_roles.keys()
    assert all(len(secret) == 2 for secret in openbao_roles.values())


def test_a_given_kafka_wins(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "kafka.example:9092")
    with running_kafka() as bootstrap:
        assert bootstrap == "kafka.example:9092"


def test_actors_are_of_one_kind():
    assert create_actor().user_id is not None
    assert create_actor(kind="system", service="audit").user_id is None
