"""``python -m daicho.local.demo``: fill a demo company through the product's own front door.

Reads one JSON line from standard input (:class:`Order`) and writes how to sign in to its ``result`` file.
Everything goes through REST and the mail sink, as a person would do it: nothing is put into a database.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from typing import Any, Final

import httpx
import msgspec

from daicho.local.demo.generator import COLUMNS, generate

CODE: Final = "midori"
COMPANY: Final = "株式会社みどり商事"
DOMAIN: Final = "midori.example.jp"
OWNER: Final = ("hanako.yamada", "山田 花子", "owner")
COLLEAGUES: Final = (
    ("ichiro.suzuki", "鈴木 一郎", "manager"),
    ("misaki.tanaka", "田中 美咲", "member"),
    ("kenta.ito", "伊藤 健太", "member"),
)
CONTACTS: Final = 2_000
PATIENCE: Final = 300.0
_FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {
        "key": "rank",
        "label": "ランク",
        "type": "select",
        "options": [{"value": each, "label": each} for each in "SABC"],
    },
    {"key": "registered_on", "label": "登録日", "type": "date"},
    {"key": "total_spent", "label": "累計購入額", "type": "money"},
    {"key": "consent", "label": "メール配信同意", "type": "boolean"},
)


class Order(msgspec.Struct):
    """Where the product is, where its mail shows, and the password of the demo's people."""

    url: str
    mail_page: str
    password: str
    result: str


class DemoFailed(Exception):
    """The demo could not be filled; the text says at which step."""


def fill(order: Order) -> None:
    """Sign the company up, ask its people in, shape its fields, import its contacts."""
    with httpx.Client(base_url=order.url, timeout=30) as client:
        _sign_up(client, order)
        client.headers["authorization"] = f"Bearer {_sign_in(client, order)}"
        _invite(client, order)
        for field in _FIELDS:
            _ask(client, "POST", "/v1/fields", {"resource": "contact", **field})
        _import(client)
    found = {"tenant": CODE, "email": _address(OWNER[0]), "password": order.password}
    handle = os.open(order.result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(found))


def _sign_up(client: httpx.Client, order: Order) -> None:
    admin = {"email": _address(OWNER[0]), "display_name": OWNER[1], "password": order.password}
    _ask(client, "POST", "/v1/tenants", {"code": CODE, "company_name": COMPANY, "admin": admin})
    _ask(client, "POST", "/v1/email-confirmations", {"token": _token(order, _address(OWNER[0]))})


def _sign_in(client: httpx.Client, order: Order) -> str:
    body = {"tenant": CODE, "email": _address(OWNER[0]), "password": order.password}
    return str(_ask(client, "POST", "/v1/sessions", body)["access_token"])


def _invite(client: httpx.Client, order: Order) -> None:
    asked = [{"email": _address(local), "role": role} for local, _, role in COLLEAGUES]
    _ask(client, "POST", "/v1/invitations", {"invitations": asked})
    for local, name, _ in COLLEAGUES:
        body = {
            "token": _token(order, _address(local)),
            "display_name": name,
            "password": order.password,
        }
        _ask(client, "POST", "/v1/invitations/accept", body)


def _import(client: httpx.Client) -> None:
    """The contacts as an Excel user would bring them: CSV in CP932, mapped by its headings."""
    owners = [_address(OWNER[0]), *(_address(local) for local, _, _ in COLLEAGUES)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(person.cells for person in generate(CONTACTS, owners))
    file = ("customers.csv", text.getvalue().encode("cp932"), "text/csv")
    answer = client.post("/v1/imports", files={"file": file}, data={"resource": "contact"})
    begun = _checked(answer)
    mapping = [{"column": column["index"], "field": column["suggested_field"]} for column in begun["columns"]]
    place = f"/v1/imports/{begun['id']}"
    _ask(client, "PATCH", place, {"mapping": mapping, "match_on": "customer_code", "on_match": "update"})
    for step, state in (("check", "checked"), ("run", "done")):
        _ask(client, "POST", f"{place}/{step}", None)
        _await(client, place, state)


def _await(client: httpx.Client, place: str, state: str) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        now = _ask(client, "GET", place, None)
        if now["status"] == state:
            return
        if now["status"] == "failed":
            break
        time.sleep(0.2)
    raise DemoFailed(f"the import did not become {state}")


def _token(order: Order, address: str) -> str:
    """The token of the link in the newest mail to ``address``."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = httpx.get(f"{order.mail_page}/api/mails", params={"to": address}).json()
        mails = found["items"] if isinstance(found, dict) else found
        if mails:
            mail = httpx.get(f"{order.mail_page}/api/mails/{mails[0]['id']}").json()
            return str(mail["links"][0].partition("#token=")[2])
        time.sleep(0.05)
    raise DemoFailed(f"no mail to {address}")


def _ask(client: httpx.Client, method: str, path: str, body: object) -> dict[str, Any]:
    headers = {}
    if method == "PATCH":
        current = client.get(path)
        headers = {"if-match": current.headers.get("etag", '"v1"')}
    return _checked(client.request(method, path, json=body, headers=headers))


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise DemoFailed(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def _address(local: str) -> str:
    return f"{local}@{DOMAIN}"


if __name__ == "__main__":
    try:
        fill(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    except (DemoFailed, httpx.HTTPError) as error:
        sys.exit(f"The demo company could not be filled: {error}")
