"""Every regular expression of the source, with the way in which it is used."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any, Final

_AT_START: Final = frozenset(["match", "fullmatch"])
_WITH_PATTERN: Final = frozenset(
    ["compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"]
)

_PLACE_OF_FLAGS: Final = {"compile": 1, "split": 3, "sub": 4, "subn": 4}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, where it stands, and the methods that its module calls on it; none when that is not to be seen."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]

    @property
    def is_searched(self) -> bool:
        """Whether it is tried at each place of a text, as far as one can see."""
        return not self.methods or bool(self.methods - _AT_START)


class NotConstant(Exception):
    """A pattern is put together when the program runs, so no test sees it."""


def find_patterns(path: PurePosixPath, source: str) -> Iterator[Pattern]:
    """The patterns of the module at ``path`` of the repository.

    Raises:
        NotConstant: for one whose text does not follow from the module's constants.
    """
    tree = ast.parse(source)
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    patterns = [(call, argument) for call in calls if (argument := _argument(call)) is not None]
    if not patterns:
        return
    module = importlib.import_module(_module_name(path))
    uses = _uses(tree)
    names = _names(tree)
    for call, argument in patterns:
        place = f"{path}:{call.lineno}"
        methods = uses.get(names.get(call, ""), frozenset())
        if isinstance(call.func, ast.Attribute) and call.func.attr != "compile":
            methods = frozenset([call.func.attr])
        yield Pattern(place, _compile(place, call, argument, module), methods)


def takes_re_apart(tree: ast.Module) -> bool:
    """Whether a module imports ``re`` in a way in which its calls are not recognised."""
    return any(
        (isinstance(each, ast.ImportFrom) and each.module in ("re", "regex"))
        or (isinstance(each, ast.Import) and any(name.name == "re" and name.asname for name in each.names))
        for each in ast.walk(tree)
    )


def normalises(tree: ast.Module) -> bool:
    """Whether a module calls ``unicodedata.normalize``, which takes the square of the marks in a row."""
    return any(
        (
            isinstance(each, ast.Attribute)
            and each.attr == "normalize"
            and _is_named(each.value, "unicodedata")
        )
        or (isinstance(each, ast.ImportFrom) and each.module == "unicodedata")
        for each in ast.walk(tree)
    )


def _is_named(expression: ast.expr, name: str) -> bool:
    return isinstance(expression, ast.Name) and expression.id == name


def _argument(call: ast.Call) -> ast.expr | None:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr in _WITH_PATTERN and call.args:
        return call.args[0] if _is_named(function.value, "re") else None
    if isinstance(function, ast.Name) and function.id == "Meta":
        return next((each.value for each in call.keywords if each.arg == "pattern"), None)
    return None


def _compile(place: str, call: ast.Call, argument: ast.expr, module: ModuleType) -> re.Pattern[Any]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    flags = next((each.value for each in call.keywords if each.arg == "flags"), None)
    if flags is None and len(call.args) > _PLACE_OF_FLAGS.get(name, 2):
        flags = call.args[_PLACE_OF_FLAGS.get(name, 2)]
    try:
        text = _value(argument, module)
        return re.compile(text, _value(flags, module) if flags is not None else 0)
    except NameError as error:
        raise NotConstant(f"{place}: {error}") from error


def _value(expression: ast.expr, module: ModuleType) -> Any:
    code = compile(ast.Expression(expression), "<pattern>", "eval")
    return eval(code, dict(vars(module)))  # noqa: S307 the source of this repository


def _names(tree: ast.Module) -> dict[ast.AST, str]:
    """The constant that a call of ``re.compile`` is bound to, alone."""
    found: dict[ast.AST, str] = {}
    for each in ast.walk(tree):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            found[each.value] = each.target.id
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            found[each.value] = each.targets[0].id
    return found


def _uses(tree: ast.Module) -> dict[str, frozenset[str]]:
    """By name: the methods that the module calls on it."""
    found: dict[str, frozenset[str]] = {}
    for each in ast.walk(tree):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            found[each.value.id] = found.get(each.value.id, frozenset()) | {each.attr}
    return found


def _module_name(path: PurePosixPath) -> str:
    return ".".join(path.parts[path.parts.index("src") + 1 :]).removesuffix(".py")
