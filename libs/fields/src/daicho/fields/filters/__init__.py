"""The filter language: parsed once, then evaluated in SQL (a superset) and in Python (which decides)."""

from daicho.fields.filters.compiling import Binding, Bounds, IndexRows, PlainColumn, Sealed, compile_filter
from daicho.fields.filters.matching import Matcher, Record, matcher, matcher_in_steps
from daicho.fields.filters.nodes import All, Any, Condition, Core, Node, Not, conditions
from daicho.fields.filters.parsing import operators, parse_filter
from daicho.fields.filters.periods import PERIODS, FilterContext

__all__ = [
    "PERIODS",
    "All",
    "Any",
    "Binding",
    "Bounds",
    "Condition",
    "Core",
    "FilterContext",
    "IndexRows",
    "Matcher",
    "Node",
    "Not",
    "PlainColumn",
    "Record",
    "Sealed",
    "compile_filter",
    "conditions",
    "matcher",
    "matcher_in_steps",
    "operators",
    "parse_filter",
]
