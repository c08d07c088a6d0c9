"""How long the worst request of each kind holds the event loop: ``python -m tests.bench worst_bodies [runs]``.

Each body is as large as its route takes, and built so that reading it or refusing it is as much work as possible. Prints the
longest of some runs in milliseconds from the first byte of the body to the last of the answer, in one process without
a database, beside the size of the answer. The bars: 300 ms, 64 KB.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from time import perf_counter
from uuid import UUID

import uvloop
from litestar import get, post
from litestar.params import FromQuery, JSONBody

from daicho.customers.contacts.schemas import ContactInput
from daicho.customers.definitions.schemas import FieldInput
from daicho.customers.schemas import SearchRequest
from daicho.faults import Invalid
from daicho.fields import FieldDefinition, FieldType, check_definition
from daicho.fields.filters import FilterContext, compile_filter, matcher, parse_filter
from daicho.identity.sessions.schemas import Refresh
from daicho.runtime import Health
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.testkit.raw_request import piece, send
from daicho.web import Callers, create_app, public, requires

RUNS = 5
BAR_SECONDS, BAR_BYTES = 0.3, 64_000
LARGE = 990_000
FIELDS = {"score": FieldDefinition(key="score", type=FieldType.INTEGER)}


@post("/contacts", guards=[requires(None)])
async def create_contact(data: JSONBody[ContactInput]) -> None:
    """Read the body alone."""


@post("/fields", guards=[requires(None)])
async def create_field(data: JSONBody[FieldInput]) -> None:
    """Check a definition as the service does."""
    members = {name: getattr(data, name) for name in FieldDefinition.__struct_fields__}
    if faults := check_definition(FieldDefinition(**members)):
        raise Invalid(faults)


@post("/search", guards=[requires(None)])
async def search(data: JSONBody[SearchRequest]) -> None:
    """Parse and compile the filter."""
    node = parse_filter(data.filter, FIELDS, FilterContext(date(2026, 11, 30)))
    compile_filter(node, {})
    matcher(node)


@post("/refresh", guards=[public("as in identity")])
async def refresh(data: JSONBody[Refresh]) -> None:
    """Read the body alone."""


@get("/contacts", guards=[public("a bench")])
async def list_contacts(q: FromQuery[str] = "") -> None:
    """Read the query alone."""


class Anybody:
    """Takes every token and allows nothing in particular."""

    async def verify(self, token: str) -> Actor:
        """One user."""
        return Actor(tenant_id=TenantId(UUID(int=1)), kind="user", user_id=UserId(UUID(int=2)), token=token)

    async def grants(self, actor: Actor) -> Grants:  # noqa: ARG002 as above
        """None."""
        return Grants()


def _filled(size: int, part: bytes, around: tuple[bytes, bytes]) -> bytes:
    """``part`` as often as ``size`` bytes hold, with commas, inside of ``around``."""
    count = (size - len(around[0]) - len(around[1])) // (len(part) + 1)
    return around[0] + b",".join([part] * count) + around[1]


def _unknown(size: int) -> bytes:
    return b"{" + b",".join(b'"k%06d":1' % n for n in range(size // 12)) + b"}"


def bodies() -> Mapping[str, tuple[str, bytes]]:
    """Path and body of each kind."""
    contact = b'{"family_name":5,"custom":{"a":['
    deep = LARGE // 2 - 100
    options = b",".join(b'{"value":"%d","label":"x%d","color":"#abcdef"}' % (n, n) for n in range(5_000))
    values = b",".join(b"%d" % n for n in range(490))
    conditions = b",".join([b'{"field":"score","op":"in","value":[' + values + b"]}"] * 2)
    return {
        "empty e-mails": ("/contacts", _filled(LARGE, b"{}", (b'{"emails":[', b"]}"))),
        "unknown members": ("/contacts", _unknown(LARGE)),
        "one name of 990 KB": ("/contacts", b'{"' + b"k" * LARGE + b'":1}'),
        "values beside a fault": ("/contacts", _filled(LARGE, b"[]", (contact, b"]}}"))),
        "members beside a fault": (
            "/contacts",
            b'{"family_name":5,"custom":{' + _unknown(LARGE)[1:-1] + b"}}",
        ),
        "control characters": (
            "/contacts",
            _filled(LARGE, rb'"\u0001"', (b'{"family_name":"a","custom":{"a":[', b"]}}")),
        ),
        "backslashes": ("/contacts", b'{"family_name":"' + b"\\" * (LARGE // 2 * 2) + b'u0001"}'),
        "nested": ("/contacts", b'{"custom":{"a":' + b"[" * deep + b"]" * deep + b"}}"),
        "a number of 990 KB": ("/contacts", b'{"custom":{"a":' + b"9" * LARGE + b"}}"),
        "5,000 options": (
            "/fields",
            b'{"resource":"contact","key":"a","type":"select","options":[' + options + b"]}",
        ),
        "wrong options": (
            "/fields",
            _filled(
                LARGE, b'{"value":1}', (b'{"resource":"contact","key":"a","type":"select","options":[', b"]}")
            ),
        ),
        "empty groups": ("/search", _filled(LARGE, b'{"all":[]}', (b'{"filter":{"any":[', b"]}}"))),
        "a filter at its limits": ("/search", b'{"filter":{"any":[' + conditions + b"]}}"),
        "without a token": ("/refresh", _unknown(16_000)),
        "too large without a token": ("/refresh", _unknown(LARGE)),
    }


async def measure(runs: int) -> Sequence[tuple[str, int, float, int]]:
    """Kind, bytes of the body, the longest of ``runs`` in seconds, bytes of the answer."""
    app = create_app(
        "bench",
        [create_contact, create_field, search, refresh, list_contacts],
        callers=Callers(Anybody(), Anybody(), origin="https://ledger.example"),
        health=Health(),
    )
    found = []
    for kind, (path, body) in bodies().items():
        longest, size = 0.0, 0
        for _ in range(runs):
            began = perf_counter()
            outcome = await send(app, path, [piece(body, more=False)])
            longest = max(longest, perf_counter() - began)
            size = sum(len(each.get("body", b"")) for each in outcome.sent)
        found.append((kind, len(body), longest, size))
    return found


def main(runs: int = RUNS) -> int:
    """Print a line a kind; the exit code is 1 when one is beyond its bar."""
    found = uvloop.run(measure(runs))
    for kind, size, seconds, answer in found:
        print(f"{kind:28} {size / 1_000:7.0f} KB {seconds * 1_000:8.1f} ms {answer / 1_000:7.1f} KB answered")
    worst = max(seconds for _, _, seconds, _ in found)
    print(f"worst {worst * 1_000:.1f} ms (bar {BAR_SECONDS * 1_000:.0f} ms)")
    return 0 if worst <= BAR_SECONDS and max(answer for *_, answer in found) <= BAR_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(*(int(each) for each in sys.argv[1:2])))
