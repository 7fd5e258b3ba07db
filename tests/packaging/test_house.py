"""What keeps the code easy to read: short files of one subject, types, and imports at the top of files."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

import perdure

HOUSE = Path(perdure.__file__).parent
PAGE = Path(__file__).parents[2] / "ui" / "src"
GENERATED = {"_platform/moved_names.py", "api/schema.d.ts"}
# Imported by what uses them alone, since each takes as long as all the rest of a small program.
HEAVY = {"asyncio", "concurrent", "ctypes"}
IMPORTING = {"LazyModule", "__import__", "import_module"}
NOT_ON_EVERY_SYSTEM = {"fcntl", "msvcrt", "resource"}


# Where statements of SQL may be, and why there; elsewhere a port is asked.
PLACES_OF_SQL = {
    "_store/": "the store itself: dialects, migrations, fencing within the transaction that writes, lists over rooms",
    "_rooms/*/store.py": "the statements of a room, behind its port",
    "_rooms/*/store/": "the statements of a large room, behind its port",
    "_migration/takeover/": "reads the tables of another system's database, which no port of ours has",
}
SQL = re.compile(
    r"\b(?:SELECT\b.*\bFROM\b|SELECT 1\b|INSERT (?:OR \w+ )?INTO|UPDATE \S+ SET|DELETE FROM"
    r"|CREATE (?:\w+ )?(?:TABLE|INDEX)|PRAGMA \w)",
    re.DOTALL,
)


@cache
def sources() -> dict[str, str]:
    return {path.relative_to(HOUSE).as_posix(): path.read_text("utf-8") for path in sorted(HOUSE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(source) for name, source in sources().items()}


def a_thousand_lines(count: int) -> float:
    return 1_000 * count / sum(source.count("\n") for source in sources().values())


def imported_in_functions(node: ast.AST, inside: bool = False) -> Iterator[str]:
    """The modules that functions import when they are called."""
    for child in ast.iter_child_nodes(node):
        if inside and isinstance(child, ast.ImportFrom):
            yield child.module or ""
        elif inside and isinstance(child, ast.Import):
            yield from (each.name for each in child.names)
        yield from imported_in_functions(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def sources_of_the_page() -> dict[str, str]:
    paths = (path for path in PAGE.rglob("*") if path.suffix in {".ts", ".tsx", ".css"})
    return {path.relative_to(PAGE).as_posix(): path.read_text("utf-8") for path in paths}


@pytest.mark.parametrize("sources", [sources, sources_of_the_page])
def test_no_file_has_more_than_450_lines(sources: Callable[[], dict[str, str]]) -> None:
    lines = {name: source.count("\n") for name, source in sources().items() if name not in GENERATED}
    assert len(lines) > 100
    assert {name for name, count in lines.items() if count > 450} == set()


def texts(node: ast.AST) -> Iterator[str]:
    """The texts of code, f-strings with {} for what they insert; neither docstrings nor what is alone in a line."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        else:
            yield from texts(child)


def test_statements_of_sql_are_in_stores() -> None:
    elsewhere = [
        name
        for name, source in sources().items()
        if not any(fnmatch(name, f"{place}*") for place in PLACES_OF_SQL) and SQL.search(source)
    ]
    assert [name for name in elsewhere if any(map(SQL.search, texts(ast.parse(sources()[name]))))] == []


def test_whether_a_cached_result_is_too_old_is_decided_in_one_module() -> None:
    compared = re.compile(r"expires(?:\.is_\(None\)|\} IS NULL| IS NULL)")
    assert [name for name, source in sources().items() if compared.search(source)] == ["_rooms/cache/expiry.py"]


@pytest.mark.parametrize("place", PLACES_OF_SQL)
def test_no_place_is_let_have_sql_that_has_none(place: str) -> None:
    assert any(fnmatch(name, f"{place}*") and SQL.search(source) for name, source in sources().items())


def named_by_texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Functions that are called with the name of one of our modules, and the names."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    for function, name in ((call.func, call.args[0]) for call in calls):
        called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        text = name.value if isinstance(name, ast.Constant) else None
        if called in IMPORTING and isinstance(text, str) and f"{text}.".startswith(("perdure.", ".")):
            yield called, text


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (node.module, *(f"{node.module}.{each.name}" for each in node.names))
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_no_text_names_a_module_that_is_imported() -> None:
    """The linter does not see such an import, so that it could pass by the layers.

    What is a `LazyModule` is imported beside it, for type checkers and the linter. What remains is tables that choose a
    module by a name of the user's: `_LATER` and `_ELSEWHERE` of public modules, commands, rooms, other systems' names.
    """
    unseen = [
        (name, called, text)
        for name, tree in trees().items()
        for called, text in named_by_texts(tree)
        if called != "LazyModule" or text not in imported(tree)
    ]
    assert unseen == []


@pytest.mark.slow
def test_few_types_are_any() -> None:
    names = (node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.Name))
    assert a_thousand_lines(sum(node.id == "Any" for node in names)) < 12


@pytest.mark.slow
def test_few_functions_import_what_is_light() -> None:
    found = (module.partition(".")[0] for tree in trees().values() for module in imported_in_functions(tree))
    light = {"perdure", *sys.stdlib_module_names} - HEAVY - NOT_ON_EVERY_SYSTEM
    assert a_thousand_lines(sum(name in light for name in found)) < 2
