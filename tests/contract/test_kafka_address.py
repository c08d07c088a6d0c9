"""Kafka's addresses, and the ACL file beside the topics that it is made from."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from daicho.events import kafka_acls
from daicho.events.kafka_address import KafkaAddress

ROOT = Path(__file__).resolve().parents[2]


def test_acl_file_is_what_the_topics_say() -> None:
    file = ROOT / "infra" / "kafka" / "acls.sh"
    assert file.read_text(encoding="utf-8") == kafka_acls.script()
    assert file.stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize(
    "url",
    [
        "kafka://user:secret@host:9092", "kafka://host:9092?ca=x", "kafkas://user@host:9093", "kafkas://:secret@host:9093",
        "kafkas://host:9093?cert=x", "kafkas://", "kafkas://host:9093?verify=no", "kafkas://u:p@host:9093?mechanism=PLAIN",
    ],
)  # fmt: skip
def test_address_that_is_open_or_half_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"kafkas|address|mechanism") as error:
        KafkaAddress.parse(url)
    assert "secret" not in str(error.value)


def test_address_names_servers_user_and_certificates() -> None:
    address = KafkaAddress.parse("kafkas://customers:p%40ss@one:9093,two:9093?ca=/ca.pem&cert=/c&key=/k")
    assert (address.servers, address.username, address.password) == ("one:9093,two:9093", "customers", "p@ss")
    assert (address.tls, address.ca, address.certificate, address.key) == (True, "/ca.pem", "/c", "/k")
    assert KafkaAddress.parse("kafka://127.0.0.1:9092").settings() == {"bootstrap_servers": "127.0.0.1:9092"}
