"""Kafka's access rules, generated from the topics' owners (:mod:`daicho.events.topics`).

``python -m daicho.events.kafka_acls > infra/kafka/acls.sh`` writes the commands that an operator runs once; a test
compares the file with what this module says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from daicho.events.bus import DEAD
from daicho.events.topics import ACCESS
from daicho.keyring.provision import SERVICES

OPERATOR: Final = "operator"
"""The user of ``daicho events``: it tells dead letters anew and moves stopped groups."""


_HEAR: Final = ("Read", "Describe")
_TELL: Final = ("Write", "Create")


class Rule(NamedTuple):
    """The rights of ``user`` on some resources; ``prefixed`` names stand for everything that begins with them."""

    user: str
    operations: tuple[str, ...]
    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    prefixed: bool = False

    def command(self) -> str:
        """The options of kafka-acls.sh that add the rule."""
        operations = [f"--operation {each}" for each in self.operations]
        names = [f"--topic '{each}'" for each in self.topics] + [f"--group '{each}'" for each in self.groups]
        pattern = ["--resource-pattern-type prefixed"] if self.prefixed else []
        return " ".join([f"--allow-principal User:{self.user}", *operations, *names, *pattern])


def rules(services: Sequence[str] = SERVICES) -> Iterator[Rule]:
    """Every rule, service by service: all hear every topic, tell on their own, and write any topic's dead letters."""
    heard = [ACCESS, *(f"{service}.events" for service in services)]
    dead = tuple(topic + DEAD for topic in heard)
    for service in services:
        yield Rule(service, _HEAR, topics=("*",), groups=(service,))
        yield Rule(service, _HEAR, groups=(f"{service}.",), prefixed=True)
        yield Rule(service, _TELL, topics=(ACCESS, *dead))
        yield Rule(service, _TELL, topics=(f"{service}.",), prefixed=True)
    yield Rule(OPERATOR, (*_HEAR, *_TELL), topics=("*",))
    yield Rule(OPERATOR, _HEAR, groups=("*",))


def script(services: Sequence[str] = SERVICES) -> str:
    """The shell script that adds every rule."""
    lines = [
        "#!/bin/sh",
        "# Who may do what on Kafka. Written by: python -m daicho.events.kafka_acls",
        "# Needs KAFKA_BOOTSTRAP (host:port) and KAFKA_ADMIN (a file for --command-config); kafka-acls.sh is Kafka's own.",
        "set -eu",
        "acls() {",
        '  kafka-acls.sh --bootstrap-server "$KAFKA_BOOTSTRAP" --command-config "$KAFKA_ADMIN" --add "$@"',
        "}",
        *(f"acls {rule.command()}" for rule in rules(services)),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(script())
