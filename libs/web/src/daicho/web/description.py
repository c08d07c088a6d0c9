"""The API's description (OpenAPI 3.1): what Litestar derives from the routes, and what only the rails know.

Litestar knows paths, parameters and shapes. Added here, for every operation alike: who may call it, from its guard;
its problem documents, from its guard, its body, its parameters and the faults that it declares; the headers of
versions, of idempotency, of streams and of languages; what each member means and an example, from the service's
glossary.

A resource whose own page shows a ``version`` is versioned: its answers carry an ETag, and PATCH and DELETE of it
demand If-Match.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from daicho.faults import (
    Fault,
    Forbidden,
    IdempotencyInFlight,
    IdempotencyMismatch,
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    TooBusy,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from daicho.web.callers import SAFE, guard_of, public, requires
from daicho.web.components import COMMON, ETAG, HEADERS, PROBLEM, problem
from daicho.web.cursors import Cursor
from daicho.web.declared import Cost, Glossary, declared_by
from daicho.web.examples import REFERENCE, Examples
from daicho.web.refusals import (
    HeadersTooLarge,
    InvalidIfMatch,
    TooManyStreams,
    UnsupportedMediaType,
    UrlTooLong,
)


def describe(
    app: Litestar, routes: Sequence[tuple[str, HTTPRouteHandler]], glossary: Glossary
) -> dict[str, Any]:
    """The description of ``app``. Raises :class:`daicho.web.examples.Untold` when the glossary lacks a name."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    handlers = {(method, _shown(path)): each for path, each in routes for method in each.http_methods}
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    components["parameters"] = dict(HEADERS)
    problems = components["responses"] = dict[str, Any]()
    examples = Examples(schemas, {**COMMON, **glossary})
    for path, operations in document["paths"].items():
        versioned = _is_versioned(operations, schemas)
        for method, operation in operations.items():
            handler = handlers[method.upper(), path]
            faults = _Operation(handler, method.upper(), operation, examples).complete(versioned=versioned)
            operation["responses"] |= _problems(faults, problems)
    _explain(schemas, [handler for handler in handlers.values() if handler.include_in_schema], examples)
    _close(document, schemas)
    _name_items(schemas)
    schemas.update(PROBLEM)
    return document


def _shown(path: str) -> str:
    """Litestar's ``/a/{id:uuid}`` as OpenAPI writes it."""
    return "/".join(
        f"{{{step[1:-1].partition(':')[0]}}}" if step[:1] == "{" else step for step in path.split("/")
    )


def _is_versioned(operations: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    return any(
        _has_version(each, schemas) for method, each in operations.items() if method in {"get", "patch"}
    )


def _has_version(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    return any(
        "version" in schemas.get(name, {}).get("properties", ())
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for content in answer.get("content", {}).values()
        for name in [content["schema"].get("$ref", "").removeprefix(REFERENCE)]
    )


class _Operation:
    """One operation of the document, being completed."""

    def __init__(
        self, handler: HTTPRouteHandler, method: str, operation: dict[str, Any], examples: Examples
    ) -> None:
        self.handler, self.method, self.operation, self.examples = handler, method, operation, examples
        self.declared = declared_by(handler)
        self.parameters: list[dict[str, Any]] = operation.get("parameters", [])

    def complete(self, *, versioned: bool) -> Sequence[type[Fault]]:
        """Add what only the rails know; the faults that it may answer are the caller's to describe."""
        demands_version = versioned and self.method in {"PATCH", "DELETE"}
        faults = [*self._faults(demands_version=demands_version), *self.declared.faults]
        self._say_who()
        self._name()
        self._answer()
        for parameter in self.parameters:
            term = self.examples.term(parameter["name"], self.operation["operationId"])
            parameter["description"] = term.says
            if isinstance(term.example, str | int):
                parameter["example"] = term.example
        self.operation["parameters"] = [*self.parameters, *self._headers(demands_version=demands_version)]
        for content in self.operation.get("requestBody", {}).get("content", {}).values():
            if "$ref" in content["schema"]:
                content["example"] = self.examples.of(content["schema"])
        return faults

    def _say_who(self) -> None:
        guard = guard_of(self.handler)
        if isinstance(guard, public):
            self.operation["security"] = []
            permission, sentence = "public", f"Public: {guard.reason}."
        elif isinstance(guard, requires) and guard.permissions:
            permission = " or ".join(guard.permissions)
            sentence = f"Requires `{'` or `'.join(guard.permissions)}`."
        else:
            permission, sentence = "signed-in", "Requires a sign-in."
        self.operation["x-permission"] = permission
        self.operation["description"] = f"{self.operation.get('description', '')}\n\n{sentence}"

    def _name(self) -> None:
        self.operation["operationId"] = self.handler.handler_name.rpartition(".")[2]
        first = inspect.cleandoc(self.handler.fn.__doc__ or "").partition("\n")[0]
        self.operation["summary"] = first.partition(". ")[0].partition("; ")[0].partition(": ")[0].rstrip(".")

    def _faults(self, *, demands_version: bool) -> Iterator[type[Fault]]:
        guard = guard_of(self.handler)
        yield from (Malformed, UrlTooLong, Invalid, TooManyRequests, HeadersTooLarge, Fault, Unavailable)
        if self.declared.cost is not Cost.EXEMPT:
            yield TooBusy
        if isinstance(guard, requires):
            yield Unauthenticated
            if (
                guard.permissions or self.method not in SAFE
            ):  # a cookie from another site's page is refused, too
                yield Forbidden
        if any(each["name"] == "cursor" for each in self.parameters) or self._takes_cursor():
            yield Cursor
        if any(each["in"] == "path" for each in self.parameters):
            yield NotFound
        if "requestBody" in self.operation:
            yield from (TooLarge, UnsupportedMediaType)
        if demands_version:
            yield from (InvalidIfMatch, PreconditionFailed, PreconditionRequired)
        if self.declared.lasts:
            yield TooManyStreams
        if self.declared.once:
            yield from (IdempotencyInFlight, IdempotencyMismatch)

    def _takes_cursor(self) -> bool:
        body = self.handler.parsed_data_field
        return body is not None and "cursor" in getattr(body.annotation, "__struct_fields__", ())

    def _headers(self, *, demands_version: bool) -> Iterator[Mapping[str, str]]:
        answers = self.operation["responses"].values()
        streams = any("text/event-stream" in each.get("content", {}) for each in answers)
        asked = {
            "Accept-Language": True,
            "If-Match": demands_version,
            "Idempotency-Key": self.declared.once,
            "Last-Event-ID": streams,
        }
        for name, is_asked in asked.items():
            if is_asked:
                yield {"$ref": f"#/components/parameters/{name}"}

    def _answer(self) -> None:
        """Keep the success alone: what Litestar says of errors is its own, not ours."""
        responses = self.operation["responses"]
        kept = {status: answer for status, answer in responses.items() if status.startswith("2")}
        self.operation["responses"] = kept
        for answer in kept.values():
            answer.pop("headers", None)
            answer["description"] = "Done."
            if all(each["schema"] == {"type": "null"} for each in answer.get("content", {}).values()):
                answer.pop("content", None)
            if self.declared.texts is not None:
                shape = {"type": "string"}
                answer["content"] = {
                    kind: {"schema": shape, "example": text} for kind, text in self.declared.texts.items()
                }
                continue
            for content in answer.get("content", {}).values():
                content["example"] = self.examples.of(content["schema"])
                if isinstance(content["example"], dict) and "version" in content["example"]:
                    answer["headers"] = {"ETag": ETAG}


def _problems(faults: Sequence[type[Fault]], described: dict[str, Any]) -> dict[str, Any]:
    """Status → the problem documents that an operation answers with it; each set is ``described`` once."""
    by_status: dict[int, dict[str, type[Fault]]] = {}
    for fault in faults:
        by_status.setdefault(fault.status, {})[fault.code] = fault
    found = {}
    for status, kinds in sorted(by_status.items()):
        name = ".".join(sorted(kinds))
        described[name] = problem(status, [kinds[code] for code in sorted(kinds)])
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found


def _explain(schemas: dict[str, Any], handlers: Sequence[HTTPRouteHandler], examples: Examples) -> None:
    """Say what each schema and each member of it is."""
    structs = [struct for handler in handlers for struct in _structs(handler)]
    _, known = msgspec.json.schema_components(structs, schema_hook=lambda _: {"title": "anything"})
    for name, schema in schemas.items():
        says = known.get(name, {}).get("description")
        if says:
            schema["description"] = inspect.cleandoc(says)
        schema["properties"] = {
            each: {**inner, "description": examples.term(each, name).says}
            for each, inner in schema.get("properties", {}).items()
        }
        if not schema["properties"]:
            del schema["properties"]


def _structs(handler: HTTPRouteHandler) -> Iterator[Any]:
    """The types of a route's body and answers."""
    if handler.parsed_data_field is not None:
        yield handler.parsed_data_field.annotation
    for spec in (handler.responses or {}).values():
        yield spec.data_container
    answer = handler.parsed_fn_signature.return_type
    for kind in (answer, *answer.inner_types):
        if isinstance(kind.annotation, type) and issubclass(kind.annotation, msgspec.Struct):
            yield kind.annotation


def _close(document: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """What a body is made of takes no member that it does not name."""
    bodies = [
        each["requestBody"]
        for operations in document["paths"].values()
        for each in operations.values()
        if "requestBody" in each
    ]
    for name in _reached(bodies, schemas, set()):
        if "properties" in schemas[name]:
            schemas[name]["additionalProperties"] = False


def _name_items(schemas: Mapping[str, Any]) -> None:
    """Litestar describes the items of an annotated ``tuple[X, ...]`` as an X or anything: they are an X."""
    for schema in schemas.values():
        for member in schema.get("properties", {}).values():
            choices = member.get("items", {}).get("oneOf", ())
            if len(choices) == 2 and choices[1] == {}:
                member["items"] = choices[0]


def _reached(value: Any, schemas: Mapping[str, Any], seen: set[str]) -> set[str]:
    """The names of schemas that ``value`` leads to."""
    if isinstance(value, Mapping):
        name = str(value.get("$ref", "")).removeprefix(REFERENCE)
        if name in schemas and name not in seen:
            seen.add(name)
            _reached(schemas[name], schemas, seen)
        for inner in value.values():
            _reached(inner, schemas, seen)
    elif isinstance(value, list):
        for inner in value:
            _reached(inner, schemas, seen)
    return seen
