"""The API's description, held against what the product really answers."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import jsonschema_rs

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_NO_OPERATIONS: Final = frozenset({405, 408, 414, 431})
"""What an edge refuses before it knows which operation is meant."""
_JSON: Final = frozenset({"application/json", "application/problem+json"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the description has it, its references followed."""

    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Its parameters by name."""
        return {each["name"]: each for each in self.said["parameters"]}

    @property
    def body(self) -> Any:
        """The example of its JSON body; None without one."""
        contents = self.said.get("requestBody", {}).get("content", {})
        return contents.get("application/json", {}).get("example")


class Description:
    """An OpenAPI document that answers are checked against, with no member tolerated that it does not name."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if "properties" in schema:
                schema["additionalProperties"] = False

    def operations(self) -> Iterator[Operation]:
        """Every operation."""
        for path, methods in self._document["paths"].items():
            for method, said in methods.items():
                if method in _METHODS:
                    yield Operation(method.upper(), path, self._followed(said))

    def find(self, method: str, path: str) -> Operation:
        """The operation that a request of ``path`` reaches. Raises LookupError."""
        matching = [each for each in self.operations() if each.method == method and _leads(each.path, path)]
        if not matching:
            raise LookupError(f"{method} {path} is not described")
        return min(matching, key=lambda each: each.path.count("{"))

    def errors_of(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """Why ``value`` does not fit ``schema``."""
        whole = {**schema, "components": self._components}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    async def watch(self, answer: httpx.Response) -> None:
        """For a client's ``event_hooks``: check each of the API's answers as it comes.

        What the path's own refusals are (no such path, no such method, a head too large) no operation describes.
        """
        request = answer.request
        if not request.url.path.startswith("/v1/"):
            return
        try:
            self.find(request.method, request.url.path)
        except LookupError:
            assert answer.status_code >= 400, (
                f"{request.method} {request.url.path} answers and is not described"
            )
            return
        await answer.aread()
        if answer.status_code not in _NO_OPERATIONS:
            self.check(answer)

    def check(self, answer: httpx.Response) -> None:
        """Raises AssertionError when the description does not know this answer; its body has been read."""
        request = answer.request
        operation = self.find(request.method, request.url.path)
        told = f"{request.method} {request.url.path} → {answer.status_code} {answer.text[:300]}"
        said = operation.said["responses"].get(str(answer.status_code))
        assert said is not None, f"a status that is not described: {told}"
        contents = said.get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not contents:
            assert not answer.content, f"a body that is not described: {told}"
            return
        assert kind in contents, f"{kind!r} is not described: {told}"
        if kind in _JSON:
            errors = self.errors_of(contents[kind]["schema"], answer.json())
            assert not errors, f"{told}: {errors}"
        missing = [name for name in said.get("headers", ()) if name not in answer.headers]
        assert not missing, f"headers {missing} are described and missing: {told}"

    def _followed(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """An operation with its parameters and responses instead of the names of them."""
        responses = {status: self._named(each) for status, each in said["responses"].items()}
        return {
            **said,
            "parameters": [self._named(each) for each in said["parameters"]],
            "responses": responses,
        }

    def _named(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in value:
            return value
        kind, name = value["$ref"].removeprefix("#/components/").split("/")
        found: Mapping[str, Any] = self._components[kind][name]
        return found


def _leads(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path) is not None
