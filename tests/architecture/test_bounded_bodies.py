"""Every text, list and object that a request's body may hold has a bound in its type.

A body is decoded into a struct that forbids unknown members; what a struct bounds is refused before a handler, or the
examination of a wrong body, looks at it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, inspect

ROOT = Path(__file__).resolve().parents[2]


def _modules() -> Iterator[Any]:
    for path in ROOT.glob("services/*/src/**/schemas.py"):
        yield importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts[3:]))


BODIES = sorted(
    {
        each
        for module in _modules()
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct)
        and each.__module__.endswith(".schemas")
        and each.__struct_config__.forbid_unknown_fields
    },
    key=lambda each: f"{each.__module__}.{each.__name__}",
)


def unbounded(kind: inspect.Type, place: str) -> Iterator[str]:
    """The places of ``kind`` that take any number of characters, items or members."""
    many = inspect.StrType | inspect.ListType | inspect.VarTupleType | inspect.DictType
    if isinstance(kind, many) and kind.max_length is None:
        yield place
    for part, where in _parts(kind, place):
        yield from unbounded(part, where)


def _parts(kind: inspect.Type, place: str) -> Iterator[tuple[inspect.Type, str]]:
    match kind:
        case inspect.Metadata():
            yield kind.type, place
        case inspect.UnionType():
            yield from ((part, place) for part in kind.types)
        case inspect.ListType() | inspect.VarTupleType():
            yield kind.item_type, f"{place}[]"
        case inspect.DictType():
            yield kind.value_type, f"{place}{{}}"
        case inspect.StructType():
            yield from ((field.type, f"{place}.{field.encode_name}") for field in kind.fields)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_body_is_bounded_everywhere(body) -> None:
    assert list(unbounded(inspect.type_info(body), "")) == []


def test_bodies_of_every_service_are_looked_at() -> None:
    assert {"SignUp", "ContactInput", "SearchRequest", "FieldInput", "AuditSearch"} <= {
        body.__name__ for body in BODIES
    }


class Loose(msgspec.Struct):
    a: str
    b: list[Annotated[str, Meta(max_length=1)]]
    c: dict[str, Any] | None
    d: Annotated[str, Meta(max_length=5)]
    e: tuple[Annotated[str, Meta(min_length=5)], ...] | None


def test_unbounded_text_list_and_object_are_found() -> None:
    assert list(unbounded(inspect.type_info(Loose), "")) == [".a", ".b", ".c", ".e", ".e[]"]
