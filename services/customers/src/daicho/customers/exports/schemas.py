"""Shapes of exports on the REST API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from daicho.customers.schemas import FilterTree

ExportFormat = Literal["csv", "tsv", "xlsx"]
TemplateFormat = Literal["csv", "xlsx"]
ExportEncoding = Literal["utf-8-sig", "utf-8", "cp932"]


class ExportRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to write into a file: words, a filter and an order as in a search, and how the file is written.

    ``encoding`` is that of csv and tsv, without which it is utf-8-sig. A character that cp932 lacks is refused by name (422)
    unless ``substitute`` says what stands in its place; one that has a twin there (〜 ～) becomes that then.
    """

    q: Annotated[str, Meta(max_length=200)] | None = None
    filter: FilterTree | None = None
    sort: Annotated[str, Meta(max_length=100)] | None = None
    format: ExportFormat = "csv"
    encoding: ExportEncoding | None = None
    substitute: Annotated[str, Meta(min_length=1, max_length=10)] | None = None
