"""Retention of either bus at a moment that a test chooses."""

from __future__ import annotations

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from daicho.events import partition_of
from daicho.testkit.databases import TestDatabase


async def forget(bus_url: str, database: TestDatabase | None, topic: str, before: int) -> None:
    """Let the bus drop what lies before a position of the key ``key-0``, as retention does."""
    partition = partition_of(b"key-0")
    if database is not None:
        admin = await asyncpg.connect(database.admin_url)
        statement = "DELETE FROM message WHERE topic = $1 AND partition = $2 AND position < $3"
        await admin.execute(statement, topic, partition, before)
        await admin.close()
        return
    kafka = AIOKafkaAdminClient(bootstrap_servers=bus_url.removeprefix("kafka://"))
    await kafka.start()
    await kafka.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
    await kafka.close()
