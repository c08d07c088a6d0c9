"""The API's description is checked in: the console's client is made from it, and a change of it is seen in review.

``DAICHO_WRITE_SNAPSHOTS=1 pytest tests/contract/test_openapi_snapshot.py`` writes it anew; then
``npm run api`` in gateway/console.
"""

import json
import os
from pathlib import Path

import httpx

from daicho.gateway import merge
from daicho.testkit.stack import running_stack

SNAPSHOT = Path(__file__).resolve().parents[2] / "gateway" / "openapi.json"


async def test_the_services_serve_what_is_checked_in(
    make_database, openbao_server, openbao_roles, smtp_server
) -> None:
    services = ["identity", "customers", "audit"]
    async with (
        running_stack(services, make_database, openbao_server, openbao_roles, smtp_server) as stack,
        httpx.AsyncClient() as client,
    ):
        documents = {
            name: (await client.get(f"{url}/openapi.json")).json() for name, url in stack.http.items()
        }
    served = json.loads(json.dumps(merge(documents), sort_keys=True))
    if os.environ.get("DAICHO_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(served, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    assert served == json.loads(SNAPSHOT.read_text())
