"""A multipart body, read as it comes: the file goes to its sealed place piece by piece and never to a disk in plain."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from daicho.customers.imports.faults import UploadMalformed
from daicho.customers.imports.file_names import clean_file_name
from daicho.customers.model import RESOURCES
from daicho.web import check_charset, check_codings

FILE_LIMIT: Final = 64_000_000
"""Bytes of an uploaded file, with what multipart adds to it."""
_LONGEST_FIELD: Final = 1_000


class UploadOperation(Operation):
    """How OpenAPI speaks of the body that the route reads by itself."""

    def __init__(self, **members: Any) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        resource = Schema(type=OpenAPIType.STRING, enum=list(RESOURCES))
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={"file": file, "resource": resource},
            required=["file", "resource"],
        )
        members["request_body"] = RequestBody(
            required=True,
            content={
                "multipart/form-data": OpenAPIMediaType(
                    schema=form, example={"resource": "contact", "file": "顧客.csv"}
                )
            },
        )
        super().__init__(**members)


_UNENCODED: Final = frozenset({"7bit", "8bit", "binary"})
"""Values of Content-Transfer-Encoding that leave a part as it is (RFC 2045, 6.2)."""


class Upload:
    """The parts of one body. ``fields`` are complete once :meth:`file` came to its end."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise UploadMalformed
        check_charset(options.get("charset"), accepted="multipart/form-data")
        try:
            self._parser = PushMultipartParser(options["boundary"], max_segment_count=20, strict=True)
        except ValueError:
            raise UploadMalformed from None
        self._stream = request.stream()
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self._content = hashlib.sha256()

    async def file(self) -> AsyncIterator[bytes]:
        """The bytes of the part ``file``. Raises :class:`UploadMalformed`, also when there is none or a second one."""
        current: MultipartSegment | None = None
        held: dict[str, bytes] = {}
        try:
            async for piece in self._stream:
                if not piece:
                    continue
                for event in self._parser.parse(piece):
                    if isinstance(event, MultipartSegment):
                        current = event
                        self._begin(event)
                    elif event and current is not None:
                        if current.name == "file":
                            self._content.update(event)
                            yield bytes(event)
                        else:
                            self._hold(held, current, bytes(event))
            self._parser.close()
        except MultipartError:
            raise UploadMalformed from None
        if self.file_name is None:
            raise UploadMalformed
        self.fields = {name: data.decode("utf-8", "replace") for name, data in held.items()}

    def digest(self) -> str:
        """Of what was sent, once :meth:`file` came to its end: the file, its name, the fields. The same for a
        client that tries again, whose multipart has another boundary."""
        whole = (self._content.hexdigest(), self.file_name, sorted(self.fields.items()))
        return hashlib.sha256(repr(whole).encode()).hexdigest()

    def _begin(self, segment: MultipartSegment) -> None:
        check_codings(segment.header("content-encoding", ""))
        check_codings(segment.header("content-transfer-encoding", ""), _UNENCODED)
        if segment.name == "file":
            if self.file_name is not None:
                raise UploadMalformed
            self.file_name = clean_file_name(segment.filename or "")
        else:
            # A file may be in any encoding, which its detection finds; a field is read as UTF-8.
            check_charset(segment.charset, accepted="multipart/form-data")

    def _hold(self, held: dict[str, bytes], segment: MultipartSegment, data: bytes) -> None:
        name = segment.name or ""
        held[name] = held.get(name, b"") + data
        if len(held[name]) > _LONGEST_FIELD:
            raise UploadMalformed
