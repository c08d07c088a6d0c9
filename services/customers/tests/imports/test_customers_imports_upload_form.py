"""The form of an upload: its encoding, and clients that leave halfway."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import structlog
from test_customers_imports_pipeline import table
from test_customers_imports_uploads import files_of

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
