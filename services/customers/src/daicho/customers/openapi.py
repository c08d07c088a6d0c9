"""How routes that answer encoded bytes say in OpenAPI what the bytes are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.openapi.datastructures import ResponseSpec


def answers(status: int, body: type[Any]) -> Mapping[int, ResponseSpec]:
    """The success answer of a route."""
    return {status: ResponseSpec(data_container=body, description="Done", generate_examples=False)}
