"""One OpenAPI document of the services' own documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daicho.gateway.table import OWNERS

_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "daicho_access"},
}


class ComponentClash(Exception):
    """Two services call different things by one name in their OpenAPI components."""


def merge(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The documents of the services, by service name, as one.

    Only paths that the gateway leads to that service are taken. A component that two services define
    differently is renamed to ``<Service><Name>`` in the later one (in the order given), with its references.
    """
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Daicho", "version": "1"},
        "paths": {},
        "components": {"securitySchemes": dict(_SCHEMES)},
        "tags": [{"name": service} for service in documents],
        "security": [{"token": []}, {"cookie": []}],
    }
    for service, document in documents.items():
        renamed = _without_clashes(service, document, merged["components"])
        for kind, components in renamed.get("components", {}).items():
            merged["components"].setdefault(kind, {}).update(components)
        for path, operations in renamed.get("paths", {}).items():
            if _owner(path) == service:
                merged["paths"][path] = _tagged(operations, service)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _owner(path: str) -> str | None:
    if path == "/.well-known/jwks.json":
        return "identity"
    return next(
        (owner for prefix, owner in OWNERS.items() if path == prefix or path.startswith(prefix + "/")), None
    )


def _tagged(operations: Mapping[str, Any], service: str) -> dict[str, Any]:
    return {
        method: operation | {"tags": operation.get("tags") or [service]}
        if isinstance(operation, dict)
        else operation
        for method, operation in operations.items()
    }


def _without_clashes(service: str, document: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` with every component renamed whose name stands for something else in ``taken``."""
    moved: dict[str, str] = {}
    components: dict[str, dict[str, Any]] = {}
    for kind, named in document.get("components", {}).items():
        if kind == "securitySchemes":
            continue
        held = taken.get(kind, {})
        components[kind] = {}
        for name, component in named.items():
            fresh = name if held.get(name, component) == component else f"{service.capitalize()}{name}"
            if fresh != name:
                if fresh in named or fresh in held:
                    raise ComponentClash(f"{service}: {kind}/{name} clashes, and so does {fresh}")
                moved[f"#/components/{kind}/{name}"] = f"#/components/{kind}/{fresh}"
            components[kind][fresh] = component
    return dict(_pointed({**document, "components": components}, moved))


def _pointed(value: Any, moved: Mapping[str, str]) -> Any:
    """``value`` with its references to moved components following them."""
    if isinstance(value, Mapping):
        return {
            key: moved.get(inner, inner)
            if key == "$ref" and isinstance(inner, str)
            else _pointed(inner, moved)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_pointed(inner, moved) for inner in value]
    return value
