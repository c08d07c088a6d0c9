"""Where a source file leaves the rails: each rule reads one file's text and names what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

LONGEST = 400
"""Lines of a file."""
CONNECTING = frozenset(
    [
        "libs/tenancy/src/daicho/tenancy/pool.py",
        "libs/tenancy/src/daicho/tenancy/provision.py",
        "libs/tenancy/src/daicho/tenancy/migrate.py",
        # As roles of their own, which see the outbox and the bus and no tenant's table.
        "libs/events/src/daicho/events/relay.py",
        "libs/events/src/daicho/events/postgres_bus.py",
    ]
)
"""Where connections to PostgreSQL are made."""
CONNECTS = frozenset(["connect", "create_pool", "create_engine", "create_async_engine", "create_async_pool"])
DRIVERS = frozenset(["asyncpg", "psycopg", "psycopg2", "sqlalchemy", "sa"])
EDGE = frozenset(["app", "routes", "schemas", "edge", "openapi", "uploads", "requests"])
"""Modules of a service that may know Litestar."""

Rule = Callable[[PurePosixPath, ast.Module], Iterator[str]]


def connects_by_itself(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """A connection that no tenant was set on: only tenancy and the bus open any."""
    if str(path) in CONNECTING:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            module = node.func.value
            if isinstance(module, ast.Name) and module.id in DRIVERS and node.func.attr in CONNECTS:
                yield f"{module.id}.{node.func.attr} outside of tenancy"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in DRIVERS:
            yield from (f"{each.name} outside of tenancy" for each in node.names if each.name in CONNECTS)


def knows_litestar(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """REST beyond the edge."""
    at_edge = path.stem in EDGE if path.parts[0] == "services" else path.parts[:2] == ("libs", "web")
    if not at_edge and any(name.partition(".")[0] == "litestar" for name in _imported(tree)):
        yield "imports litestar beyond the edge"


def reads_environment(_path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Importing a module reads nothing: settings are handed in."""
    for statement in tree.body:
        for node in _outside_functions(statement):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                yield "reads the environment on import"


def is_too_long(_path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """A file that a reader does not hold in mind."""
    last = max((getattr(node, "end_lineno", 0) or 0 for node in tree.body), default=0)
    if last > LONGEST:
        yield f"has {last} lines, more than {LONGEST}"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported; the block behind ``if __name__ == "__main__"`` does not."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_main(node):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _outside_functions(child)


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)


RULES: tuple[Rule, ...] = (connects_by_itself, knows_litestar, reads_environment, is_too_long)


def complaints(path: PurePosixPath, text: str) -> list[str]:
    """Everything in a file that leaves the rails; ``path`` is within the tree."""
    tree = ast.parse(text)
    return [f"{path}: {found}" for rule in RULES for found in rule(path, tree)]
