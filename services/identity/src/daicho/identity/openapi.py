"""What the API description says of routes that answer ready-made bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.openapi import ResponseSpec


def answers(status: int, body: type[Any]) -> Mapping[int, ResponseSpec]:
    """The success answer of a route."""
    return {status: ResponseSpec(data_container=body, description="Done", generate_examples=False)}
