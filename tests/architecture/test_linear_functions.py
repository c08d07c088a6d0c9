"""Every function that reads a client's text takes time in proportion to the text's length, or refuses a long one."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import itertools
import json
import pkgutil
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest
from multipart import parse_options_header

from daicho import fields, nihongo
from daicho.audit.notes import read_note
from daicho.customers.imports.detection import detect, find_header
from daicho.customers.imports.files import DELIMITERS
from daicho.customers.imports.normalising import part_address, split_full_name, split_tags
from daicho.customers.imports.records import RecordSplitter
from daicho.customers.words import Words
from daicho.fields import FieldDefinition, FieldType, FieldValidator, Format, Option
from daicho.fields.filters import FilterContext, parse_filter
from daicho.fields.filters.parsing import operators
from daicho.fields.values import Options
from daicho.identity import policy
from daicho.tabular.number_formats import is_date_format
from daicho.testkit.growth import cpu_time, superlinear_growth
from daicho.web import callers, decoding, problems, versions

LENGTH: Final = 2_048
SUSPICIOUS: Final = 0.002
"""CPU seconds for a text of that length from which on the growth of a function is measured."""
MODULES: Final = (
    "daicho.customers.imports.cells",
    "daicho.customers.imports.files",
    "daicho.customers.imports.headers",
    "daicho.customers.terms",
    "daicho.identity.policy",
    "daicho.web.decoding",
    "daicho.web.problems",
)
"""Further modules whose public functions read a client's text."""
PAIRED: Final = (" ", "1", "a", "-", "(", "@", ".", ",", '"', "あ", "市", "\u0301")
"""Parts that are repeated alone and in pairs."""
PARTS: Final = (
    *(
        "\t",
        "\u3000",
        "\n",
        "A",
        ")",
        "+",
        "/",
        ":",
        ";",
        "%",
        "[",
        "=",
        "ｶ",
        "ﾞ",
        "〒",
        "日",
        "年",
        "郡",
        "\uac00",
    ),
    *("株式会社", "東京都", "ビル", "\u0301\u0316", "xn--", "ext", "T0:00", " x"),
    *PAIRED,
    *map("".join, itertools.permutations(PAIRED, 2)),
)
OUTGROWING: Final = tuple(
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if len(unicodedata.normalize("NFKD", character).casefold()) > 3
)
"""Every character that folding may make more than three of: ㌖ becomes キロメートル, U+FDFA 18 letters."""
MOST_GROWN, SPARE = 6, 64
"""A text that is read becomes at most so many times as long, and so many characters more."""
BEGINNINGS: Final = ("", "a@", "+81")
ENDS: Final = ("", "\u2603")
ARGUMENTS: Final[dict[str, Any]] = {
    "str": "JPY",
    "int": 2,
    "Any": str,
    "Language": "ja",
    "FilterContext": FilterContext(today=dt.date(2026, 4, 1)),
    "FieldDefinition": FieldDefinition(key="a", type=FieldType.TEXT),
    "nihongo.Unreadable": nihongo.Unreadable("invalid"),
    "Collection[str]": (),
}
"""What a function is given beside the text, by annotation; one that wants something else is in ``CALLS``."""
TEXTUAL: Final = frozenset(["str", "object", "str | None"])
NO_TEXT: Final = {
    "fields.filters.compiling.compile_filter": "reads parsed conditions",
    "fields.filters.parsing.parse_filter": "in CALLS, by type and operator",
    "fields.indexing.index_rows": "reads stored values",
    "fields.indexing.comparable": "reads stored values",
    "fields.validation.as_fault": "reads a pointer",
    "customers.imports.files.encode": "an encoder of the standard library, with text of a file that was read",
    "customers.imports.files.corrected": "reads choices of a form, of 40 characters at most",
    "customers.terms.tokens_in_steps": "reads texts that are folded and bounded",
    "identity.policy.mail_may_leave": "reads the name of a kind of mail",
    "identity.policy.may_touch_user": "reads the name of a role",
    "web.problems.respond": "reads faults",
    "web.problems.document_of": "reads faults",
}
"""Public functions with a text among their parameters that no client writes, and why."""


def _validators() -> Iterator[tuple[str, Callable[[str], object]]]:
    options = tuple(Option(value=f"v{n}", label=f"項目{n}") for n in range(20))
    shapes = [(kind, None) for kind in FieldType]
    shapes += [(FieldType.INTEGER if each is Format.MONTH else FieldType.TEXT, each) for each in Format]
    for kind, shape in shapes:
        definition = FieldDefinition(key="a", type=kind, format=shape, options=options)
        validator = FieldValidator(definition)
        name = f"{kind} {shape}" if shape else str(kind)
        yield f"from_text {name}", validator.from_text
        yield f"from_json {name}", validator.from_json
        if shape is None:
            for operator in sorted(operators(definition)):
                yield f"filter {kind} {operator}", _filter(definition, operator)
    yield "from_json list", lambda text: FieldValidator(_selects(options)).from_json([text])
    yield "from_json money", lambda text: FieldValidator(_money()).from_json({"amount": 1, "currency": text})


def _selects(options: tuple[Option, ...]) -> FieldDefinition:
    return FieldDefinition(key="a", type=FieldType.MULTI_SELECT, options=options)


def _money() -> FieldDefinition:
    return FieldDefinition(key="a", type=FieldType.MONEY, currency="USD")


def _filter(definition: FieldDefinition, operator: str) -> Callable[[str], object]:
    value: Callable[[str], object] = {
        "in": lambda text: [text],
        "between": lambda text: [text, text],
        "any_of": lambda text: [text],
        "all_of": lambda text: [text],
    }.get(operator, lambda text: text)
    context = FilterContext(today=dt.date(2026, 4, 1))

    def read(text: str) -> object:
        tree = {"field": "a", "op": operator, "value": value(text)}
        return parse_filter(tree, {"a": definition}, context)

    return read


def _split(delimiter: str) -> Callable[[str], object]:
    def split(text: str) -> object:
        splitter = RecordSplitter(delimiter)
        return [*splitter.feed(f"{text}\n{text}\n"), *splitter.finish()]

    return split


CALLS: Final[dict[str, Callable[[str], object]]] = {
    **dict(_validators()),
    "fields.checks.check_definition": lambda text: fields.check_definition(
        FieldDefinition(
            key=text,
            type=FieldType.SELECT,
            label=text,
            help=text,
            section=text,
            default=text,
            currency=text,
            options=(Option(value=text, label=text, color=text),),
        )
    ),
    "fields.filters.periods.read_period": lambda text: fields.filters.periods.read_period(
        {"last": text, "unit": text}, FilterContext(today=dt.date(2026, 4, 1))
    ),
    "fields.values.as_money": lambda text: fields.values.as_money({"amount": 1, "currency": text}, "USD"),
    "fields.values.money_from_text": lambda text: fields.values.money_from_text(text, "USD"),
    "fields.values.Options.split": lambda text: Options(_selects((Option(value="a"),))).split(text),
    "fields.writing.phone_text": fields.phone_text,
    "nihongo.Folding.fold": nihongo.fold,
    "nihongo.unreadable.refuse_long": lambda text: nihongo.refuse_long(text, "invalid"),
    "import: number format": is_date_format,
    "import: address": lambda text: part_address({"address.street": text}),
    "import: name": split_full_name,
    "import: tags": split_tags,
    "import: header": lambda text: find_header([[text, "b"], ["1", "2"]]),
    "import: file": lambda text: detect([f"{text},b\n1,2\n".encode()]),
    "import: file in CP932": lambda text: detect([f"{text},b\n1,2\n".encode("cp932", "replace")]),
    **{f"import: records by {each!r}": _split(each) for each in DELIMITERS},
    "search: words": Words.read,
    "identity: name": lambda text: policy.line_fault("/name", text, maximum=100),
    "header: Accept-Language": problems.language_of,
    "header: Content-Type": parse_options_header,
    "header: If-Match": lambda text: versions._TAG.fullmatch(text),
    "header: X-Forwarded-For": callers._last_hop,
    "json: error": lambda text: decoding.fault_of(f"Object contains unknown field `{text}`", str, ""),
    "json: decoder": lambda text: msgspec.json.decode(json.dumps({text: [text]})),
    "audit: signed note": lambda text: read_note(f"{text}\n\n— {text} AAAA\n", None),  # type: ignore[arg-type] # no signature is looked at
}


def _public(name: str) -> Iterator[tuple[str, Callable[..., object]]]:
    module = importlib.import_module(name)
    for each, function in vars(module).items():
        if not each.startswith("_") and inspect.isfunction(function) and function.__module__ == name:
            yield f"{name}.{each}".removeprefix("daicho."), function


def _found() -> dict[str, Callable[[str], object] | None]:
    """Each public function with a text among its parameters, as a function of that text; None when it is not known
    what else it takes."""
    names = list(MODULES)
    for package in (nihongo, fields):
        names += [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    found: dict[str, Callable[[str], object] | None] = {}
    for name, function in itertools.chain.from_iterable(map(_public, names)):
        given = list(inspect.signature(function).parameters.values())
        kinds = [str(each.annotation) for each in given]
        place = next((place for place, kind in enumerate(kinds) if kind in TEXTUAL), None)
        if place is None or name in NO_TEXT:
            continue
        needed = [
            (n, kind) for n, kind in enumerate(kinds) if n != place and given[n].default is given[n].empty
        ]
        is_known = all(kind in ARGUMENTS for _, kind in needed)
        others = {given[n].name: ARGUMENTS.get(kind) for n, kind in needed}
        found[name] = CALLS.get(name) or (_of_text(function, given[place].name, others) if is_known else None)
    return found


def _of_text(
    function: Callable[..., object], name: str, others: dict[str, object]
) -> Callable[[str], object]:
    return lambda text: function(**{name: text}, **others)


FOUND: Final = _found()
ALL: Final = {**{name: each for name, each in FOUND.items() if each is not None}, **CALLS}


def _slow_text(read: Callable[[str], object]) -> str | None:
    for first, part, last in itertools.product(BEGINNINGS, PARTS, ENDS):

        def build(size: int, first: str = first, part: str = part, last: str = last) -> str:
            return first + part * (size // len(part)) + last

        if cpu_time(read, build(LENGTH), 0.1) > SUSPICIOUS and (grown := superlinear_growth(read, build)):
            return f"{first!r} + {part!r}… + {last!r}: {grown}"
    return None


def test_every_reader_of_text_is_known() -> None:
    assert not [name for name, read in FOUND.items() if read is None]
    assert len(FOUND) > 50


@pytest.mark.parametrize("name", ALL)
def test_reading_is_linear(name: str) -> None:
    assert _slow_text(ALL[name]) is None


@pytest.mark.parametrize("name", FOUND)
def test_reading_makes_no_text_many_times_longer(name: str) -> None:
    assert _outgrown(ALL[name]) == []


def _outgrown(read: Callable[[str], object]) -> list[str]:
    """The characters of which ``read`` makes a text that is too long."""
    return [character for character in OUTGROWING if _is_outgrown(read, character * 500)]


def _is_outgrown(read: Callable[[str], object], text: str) -> bool:
    try:
        made = read(text)
    except Exception:  # noqa: BLE001 a refusal of any kind
        return False
    parts = made if isinstance(made, (list, tuple)) else [made]
    return sum(len(part) for part in parts if isinstance(part, str)) > MOST_GROWN * len(text) + SPARE


def test_reader_that_makes_a_text_many_times_longer_is_named() -> None:
    assert "\ufdfa" in OUTGROWING
    assert _outgrown(lambda text: unicodedata.normalize("NFKC", text)) == ["\ufdfa", "\ufdfb"]


def test_reader_that_is_not_linear_is_named() -> None:
    assert _slow_text(lambda text: re.search(r" +$", text)) is not None
    assert _slow_text(lambda text: [sorted(text[:n]) for n in range(len(text))]) is not None
