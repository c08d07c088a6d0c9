"""Examples, composed of what the glossary says of each member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daicho.web.declared import DERIVED, Glossary, Term

REFERENCE: Final = "#/components/schemas/"


class Untold(Exception):
    """The glossary does not hold a name that the description shows."""


class Examples:
    """Examples of the schemas of one description."""

    def __init__(self, schemas: Mapping[str, Any], glossary: Glossary) -> None:
        self._schemas, self._glossary = schemas, glossary

    def term(self, name: str, schema: str = "") -> Term:
        """What ``name`` means in ``schema``. Raises :class:`Untold`."""
        found = self._glossary.get(f"{schema}.{name}") or self._glossary.get(name)
        if found is None:
            raise Untold(f"{schema}.{name}" if schema else name)
        return found

    def of(self, schema: Mapping[str, Any]) -> Any:
        """A value that fits ``schema``. Raises :class:`Untold`."""
        if "$ref" in schema:
            return self._of_named(schema["$ref"].removeprefix(REFERENCE))
        if "enum" in schema:
            return schema["enum"][0]
        for each in schema.get("oneOf", ()):
            return self.of(each)
        if schema.get("type") == "array":
            return [self.of(schema["items"])]
        if schema.get("type") == "boolean":
            return bool(schema.get("default", False))
        raise Untold(f"an example of {dict(schema)}")

    def _of_named(self, name: str) -> Any:
        whole = self._glossary.get(name)
        if whole is not None and whole.example is not DERIVED:
            return whole.example
        schema = self._schemas[name]
        if "properties" not in schema:
            return self.of(schema)
        return {each: self._of_member(name, each, inner) for each, inner in schema["properties"].items()}

    def _of_member(self, schema: str, name: str, inner: Mapping[str, Any]) -> Any:
        example = self.term(name, schema).example
        try:
            return self.of(inner) if example is DERIVED else example
        except Untold as error:
            raise Untold(f"{schema}.{name}: {error}") from None
