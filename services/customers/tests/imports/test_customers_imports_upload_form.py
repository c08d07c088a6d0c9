"""The form of an upload: its encoding, the file's name, and clients that leave halfway."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from test_customers_imports_pipeline import table
from test_customers_imports_uploads import files_of

from daicho.customers.imports import model, uploads
from daicho.customers.imports.file_names import clean_file_name

DATA = table("I-1,田中,,,,,,")


async def upload(owner: Any, *, field: str = "text/plain", file: str = "text/csv") -> Any:
    files = {"file": ("a.csv", DATA, file), "resource": (None, b"contact", field)}
    return await owner.client.post("/v1/imports", files=files)


async def test_form_field_in_another_encoding_is_415(imports, owner) -> None:
    answer = await upload(owner, field="text/plain; charset=shift_jis")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "UTF-8" in answer.json()["detail"]
    assert files_of(imports, owner) == []


async def test_form_in_another_encoding_is_415(imports, owner) -> None:
    answer = await owner.client.post(
        "/v1/imports",
        content=b"--x--\r\n",
        headers={"content-type": "multipart/form-data; charset=shift_jis; boundary=x"},
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_form_field_in_utf_8_and_file_in_its_own_encoding_are_taken(imports, owner) -> None:
    answer = await upload(owner, field="text/plain; charset=UTF-8", file="text/csv; charset=shift_jis")
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Encoding", "gzip"), ("Content-Transfer-Encoding", "base64"), ("Content-Encoding", "br")],
)
async def test_part_of_a_form_that_is_encoded_is_415(imports, owner, name, value) -> None:
    files = {"file": ("a.csv", DATA, "text/csv", {name: value}), "resource": (None, b"contact")}
    answer = await owner.client.post("/v1/imports", files=files)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept-encoding"] == "identity"
    assert files_of(imports, owner) == []


async def test_form_that_is_encoded_is_415(imports, owner) -> None:
    files = {"file": ("a.csv", DATA), "resource": (None, b"contact")}
    answer = await owner.client.post("/v1/imports", files=files, headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert files_of(imports, owner) == []


async def test_part_that_names_an_encoding_that_changes_nothing_is_taken(imports, owner) -> None:
    part = ("a.csv", DATA, "text/csv", {"Content-Transfer-Encoding": "binary"})
    answer = await owner.client.post("/v1/imports", files={"file": part, "resource": (None, b"contact")})
    assert answer.status_code == 201, answer.text


async def test_client_that_leaves_in_mid_upload_leaves_no_file_and_no_error(imports, owner, caplog) -> None:
    caplog.set_level(logging.INFO)
    url = owner.client.base_url
    begun = asyncio.Event()
    head = (
        "POST /v1/imports HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {owner.client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    )

    def watch(_logger: Any, _name: str, event: Any) -> Any:
        if event["event"] == "request" and event.get("path") == "/v1/imports":
            begun.set()
        return event

    with structlog.testing.capture_logs(processors=[watch]) as logs:
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(head.encode() + "氏名,電話\r\n".encode() * 100_000)
        await writer.drain()
        writer.transport.abort()
        async with asyncio.timeout(10):
            await begun.wait()
    assert [each for each in logs if each["log_level"] not in {"debug", "info"}] == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert files_of(imports, owner) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("顧客.csv", "顧客.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\tanaka\\顧客.csv", "顧客.csv"),
        ("顧客\u202evsc.exe.csv", "顧客vsc.exe.csv"),
        ("\u2066顧\u200b客\u2069.csv", "顧客.csv"),
        ("顧\n客\x00\u2028一.csv", "顧 客  一.csv"),
        ("👨\u200d👩\u200d👧.csv", "👨\u200d👩\u200d👧.csv"),
        (f"{'長' * 300}.csv", f"{'長' * 96}.csv"),
        ("長" * 300, "長" * 100),
        (f"a.{'b' * 300}", f"a.{'b' * 98}"),
        ("..", ""),
        ("　.hidden ", "hidden"),
        ("\ud800.csv", "csv"),
    ],
)
def test_name_of_a_file_is_one_line_without_folders_of_a_bounded_length(sent: str, kept: str) -> None:
    assert clean_file_name(sent) == kept
    assert clean_file_name(kept) == kept


async def test_name_of_an_uploaded_file_is_clean_where_it_is_shown_and_given_back(imports, owner) -> None:
    name = "..\\x/顧客\u202ecod.csv"
    files = {"file": (name, table("I-1,,,,,,,"))}
    answer = await owner.client.post("/v1/imports", files=files, data={"resource": "contact"})
    assert answer.json()["file_name"] == "顧客cod.csv"
    path = f"/v1/imports/{answer.json()['id']}"
    await imports.check(owner, answer.json()["id"])
    assert (await owner("GET", path)).json()["file_name"] == "顧客cod.csv"
    given = (await owner("GET", f"{path}/rejected")).headers["content-disposition"]
    assert given.endswith(f"''{quote('顧客cod-rejected.csv')}")


async def test_name_of_before_the_rule_is_shown_clean(imports, owner, monkeypatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(uploads, "clean_file_name", str)
        before.setattr(model, "clean_file_name", str)
        made = await imports.upload(owner, "顧客\u202ecod.csv", DATA)
    assert made["file_name"] == "顧客\u202ecod.csv"
    assert (await owner("GET", f"/v1/imports/{made['id']}")).json()["file_name"] == "顧客cod.csv"
