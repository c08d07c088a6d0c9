"""No file of the product leaves the rails, and each way to leave them is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from google.protobuf.descriptor import Descriptor

from daicho.audit.events import TOPICS
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.contracts.identity.events.v1 import events_pb2 as identity

from .rails import complaints

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {"identity": identity, "customers": customers, "access": audit}
OFFENDERS = {
    "a connection of its own": (
        "services/x/src/daicho/x/service.py",
        "import asyncpg\nasync def read(url): return await asyncpg.connect(url)",
        "asyncpg.connect outside of tenancy",
    ),
    "an engine of its own": (
        "libs/x/src/daicho/x/y.py",
        "from sqlalchemy.ext.asyncio import create_async_engine",
        "create_async_engine outside of tenancy",
    ),
    "REST in a use case": (
        "services/x/src/daicho/x/service.py",
        "from litestar import Request",
        "imports litestar beyond the edge",
    ),
    "REST in a library": (
        "libs/events/src/daicho/events/x.py",
        "import litestar.datastructures",
        "imports litestar beyond the edge",
    ),
    "the environment at import": (
        "services/x/src/daicho/x/settings.py",
        'import os\nclass S:\n    url = os.environ["URL"]',
        "reads the environment on import",
    ),
    "the environment as a default": (
        "services/x/src/daicho/x/settings.py",
        'import os\nURL = os.getenv("URL", "x")',
        "reads the environment on import",
    ),
    "a file without end": ("libs/x/src/daicho/x/y.py", "x = 1\n" * 401, "has 401 lines, more than 400"),
}


def _sources(*folders: str) -> Iterator[PurePosixPath]:
    listed = subprocess.run(["git", "ls-files", "--", *folders], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split():
        path = PurePosixPath(name)
        if path.suffix == ".py" and not name.startswith("libs/contracts/src") and (ROOT / path).exists():
            yield path


def test_no_source_leaves_the_rails() -> None:
    found = [
        complaint
        for path in _sources("libs/*/src", "services/*/src", "infra/*/src", "gateway/envoy/src")
        if not path.is_relative_to("libs/testkit")
        for complaint in complaints(path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_file_of_tests_is_too_long() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in _sources(".")}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("name", OFFENDERS)
def test_the_offender_is_named(name: str) -> None:
    path, text, complaint = OFFENDERS[name]
    assert complaints(PurePosixPath(path), text) == [f"{path}: {complaint}"]


def test_what_is_right_is_not_named() -> None:
    text = (
        'import os\ndef main(): return os.environ["X"]\nif __name__ == "__main__":\n    print(os.environ)\n'
    )
    assert complaints(PurePosixPath("services/x/src/daicho/x/__main__.py"), text) == []
    assert complaints(PurePosixPath("services/x/src/daicho/x/routes.py"), "import litestar") == []


def unheard(events: dict[str, list[str]], topics: tuple[str, ...], tests: str) -> list[str]:
    """Events (by service) that no topic of the audit carries, or that no test of a consumer names."""
    found = [f"{service}: the audit hears nothing" for service in events if f"{service}.events" not in topics]
    return found + [
        f"{name}: no test of a consumer" for names in events.values() for name in names if name not in tests
    ]


def _events() -> dict[str, list[str]]:
    return {
        service: [kind.name for kind in _messages(module.DESCRIPTOR.message_types_by_name.values())]
        for service, module in EVENTS.items()
    }


def _messages(kinds) -> Iterator[Descriptor]:
    yield from kinds


def _tests_of_consumers() -> str:
    folders = ("libs/access/tests", "services/*/tests", "tests/contract/golden", "services/audit/tests")
    files = subprocess.run(["git", "ls-files", "--", *folders], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in files.stdout.decode().split()]
    return "\n".join(path.name + path.read_text("utf-8", "replace") for path in paths if path.exists())


def test_every_event_is_heard_by_the_audit_and_named_by_a_test() -> None:
    assert unheard(_events(), TOPICS, _tests_of_consumers()) == []


def test_an_event_that_nobody_hears_is_named() -> None:
    found = unheard({"sales": ["DealWon"]}, TOPICS, "nothing of it")
    assert found == ["sales: the audit hears nothing", "DealWon: no test of a consumer"]
