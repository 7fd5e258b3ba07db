"""What programs that were written for Prefect use, and what of it Perdure has: counted over a folder of them.

    python tests/names/census.py names FOLDER [--package prefect] > names.jsonl
    python tests/names/census.py migrate FOLDER > migrated.jsonl

A name is looked up as it would be with the import changed and nothing else: `prefect.x.y` is `perdure.x.y`. Looked up
are imports, attributes of what was imported, keywords of calls, and attributes of flows, tasks, futures, clients and
objects that one call made. What lies behind a variable of another kind is not seen. `names` needs the standard library
alone, so that the same counting runs beside Prefect itself, which shows which files are right for one version of it.
"""

import argparse
import ast
import contextlib
import functools
import importlib
import inspect
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ORIGIN = "prefect"
OURS = "perdure"


class Missing(NamedTuple):
    """A use of a name that the package does not have."""

    line: int
    name: str


class Names(NamedTuple):
    """What one file uses: names with their uses, those that are missing, and the collections that it needs."""

    used: dict[str, int]
    missing: list[Missing]
    collections: list[str]


def names(text: str, package: str = OURS, origin: str = ORIGIN) -> Names:
    """Look up every name of one package that a program uses in another, by the same path."""
    return _Names(ast.parse(text), package, origin).look()


class Migrated(NamedTuple):
    """What `perdure migrate` made of one file."""

    lines: int
    decide: list[str]  # what a person has to decide: each place
    missing: list[Missing]  # names of Perdure's in what it made that are not there
    is_same_again: bool  # rewriting what it made changes nothing
    keeps_comments: bool
    keeps_other_lines: bool  # those without a word of Prefect are all there, in their order


def migrated(text: str) -> Migrated:
    """Rewrite a program, and compare."""
    from perdure._migration.import_rewriting import rewrite
    from perdure._migration.sources import SOURCES

    made = rewrite(text, [SOURCES[ORIGIN]])
    again = rewrite(made.text, [SOURCES[ORIGIN]])
    after = iter(made.text.splitlines())
    return Migrated(
        lines=len(text.splitlines()),
        decide=[f"{each.line}: {each.what}" for each in made.findings],
        missing=names(made.text, OURS, OURS).missing,
        is_same_again=again.text == made.text,
        keeps_comments=_comments(text) == _comments(made.text),
        keeps_other_lines=all(line in after for line in text.splitlines() if ORIGIN not in line.lower()),
    )


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [each.string for each in tokens if each.type == tokenize.COMMENT]


class _Names:
    def __init__(self, tree: ast.Module, package: str, origin: str) -> None:
        self._tree = tree
        self._origin = origin
        self._package = package
        self._bound: dict[str, str] = {}  # what a file calls something: the full name
        self._objects: dict[str, Any] = {}  # variables: the class of what they are
        self._used: dict[str, int] = {}
        self._missing: list[Missing] = []
        self._collections: set[str] = set()

    def look(self) -> Names:
        guarded = set(_guarded(self._tree))
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, node in guarded)
        for name in _rebound(self._tree):
            self._bound.pop(name, None)
        self._see_objects()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Call):
                self._call(node)
        return Names(self._used, sorted(set(self._missing)), sorted(self._collections))

    # Imports

    def _import(self, node: ast.Import | ast.ImportFrom, is_guarded: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if self._is_ours(alias.name):
                    self._check(node, alias.name, is_guarded)
                    full = alias.name if alias.asname else self._origin
                    self._bound[alias.asname or self._origin] = full
            return
        if node.level or not node.module or not self._is_ours(node.module):
            return
        for alias in node.names:
            full = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
            self._check(node, full, is_guarded)
            if alias.name != "*":
                self._bound[alias.asname or alias.name] = full

    def _is_ours(self, module: str) -> bool:
        first = module.partition(".")[0]
        if first.startswith(f"{self._origin}_"):
            self._collections.add(first)
        return first == self._origin

    def _check(self, node: ast.stmt | ast.expr, full: str, is_guarded: bool = False) -> None:
        self._used[full] = self._used.get(full, 0) + 1
        if not is_guarded and _resolve(full, self._package) is None:
            self._missing.append(Missing(node.lineno, full))

    # Uses

    def _full(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self._bound.get(node.id)
        if isinstance(node, ast.Attribute):
            above = self._full(node.value)
            return f"{above}.{node.attr}" if above else None
        return None

    def _attribute(self, node: ast.Attribute) -> None:
        above, full = self._full(node.value), self._full(node)
        if above and full:
            if (found := _resolve(above, self._package)) is not None and _is_known(found[0]):
                self._check(node, full)
            return
        kind = self._kind(node.value)
        if kind is not None:
            name = f"{self._origin}:{kind.__name__}.{node.attr}"
            self._used[name] = self._used.get(name, 0) + 1
            if not _has(kind, node.attr):
                self._missing.append(Missing(node.lineno, name))

    def _call(self, node: ast.Call) -> None:
        full = self._full(node.func)
        found = _resolve(full, self._package) if full else None
        if not found or not callable(found[0]):
            return
        known = _keywords(found[0])
        for keyword in node.keywords:
            if keyword.arg and known is not None and keyword.arg not in known:
                self._missing.append(Missing(node.lineno, f"{full}({keyword.arg}=)"))

    # What variables are

    def _see_objects(self) -> None:
        times: dict[str, int] = {}
        for node in ast.walk(self._tree):
            for name in _stored(node):
                times[name] = times.get(name, 0) + 1
        for node in ast.walk(self._tree):
            for name, kind in self._made(node):
                if kind is not None and times.get(name) == 1:
                    self._objects[name] = kind

    def _made(self, node: ast.AST) -> Iterator[tuple[str, Any]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                full = self._full(decorator.func if isinstance(decorator, ast.Call) else decorator)
                if full in (f"{self._origin}.flow", f"{self._origin}.flows.flow"):
                    yield node.name, self._class("flows.Flow")
                elif full in (f"{self._origin}.task", f"{self._origin}.tasks.task"):
                    yield node.name, self._class("tasks.Task")
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, self._kind(node.value)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            yield node.optional_vars.id, self._kind(node.context_expr)

    def _kind(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self._objects.get(node.id)
        if not isinstance(node, ast.Call):
            return None
        full = self._full(node.func)
        if full is not None:
            if full.endswith(".get_client"):
                return self._class("client.orchestration.PrefectClient")
            found = _resolve(full, self._package)
            return found[0] if found and isinstance(found[0], type) else None
        if isinstance(node.func, ast.Attribute) and node.func.attr == "submit":
            of = self._kind(node.func.value)
            return self._class("futures.PrefectFuture") if of is not None and of.__name__ == "Task" else None
        return None

    def _class(self, path: str) -> Any:
        found = _resolve(f"{self._origin}.{path}", self._package)
        return found[0] if found else None


def _resolve(full: str, package: str) -> tuple[Any] | None:
    """What a full name of Prefect's stands for in the package, in a tuple; None if it stands for nothing."""
    key = (full, package)
    if key not in _RESOLVED:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            _RESOLVED[key] = _look_up([package, *full.split(".")[1:]])
    return _RESOLVED[key]


_RESOLVED: dict[tuple[str, str], tuple[Any] | None] = {}


def _look_up(parts: list[str]) -> tuple[Any] | None:
    with contextlib.suppress(Exception):  # `perdure.concurrency` is a function, and a module with modules in it
        above = importlib.import_module(".".join(parts[:-1]))
        if hasattr(above, parts[-1]):
            return (getattr(above, parts[-1]),)
    found = importlib.import_module(parts[0])
    for index, part in enumerate(parts[1:], 2):
        is_module = inspect.ismodule(found)
        try:
            found = getattr(found, part)
            continue
        except Exception:
            if not is_module:
                return (None,) if _has(found, part) and index == len(parts) else None
        try:
            found = importlib.import_module(".".join(parts[:index]))
        except Exception:
            return None
    return (found,)


def _is_known(found: Any) -> bool:
    """Whether attributes of it can be looked up without a run: of modules and classes, but not of values of a run."""
    is_module = inspect.ismodule(found) and not found.__name__.partition(".")[2].startswith("runtime.")
    return is_module or isinstance(found, type)


def _has(kind: Any, name: str) -> bool:
    return hasattr(kind, name) or (isinstance(kind, type) and name in _fields(kind))


def _keywords(called: Any) -> set[str] | None:
    """The keywords that something takes; None where it takes any."""
    found = set(getattr(called, "former_names", ()))
    try:
        parameters = inspect.signature(called).parameters
    except (TypeError, ValueError):
        return None
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return None if takes_any else found.union(parameters)


@functools.cache
def _fields(kind: type) -> set[str]:
    """Attributes that objects of a class have, and not the class: what is annotated, and what methods set."""
    found = {*getattr(kind, "model_fields", ()), *getattr(kind, "__fields__", ())}
    for each in inspect.getmro(kind):
        found.update(getattr(each, "__annotations__", ()))
        with contextlib.suppress(OSError, TypeError):
            found.update(re.findall(r"\bself\.(\w+)\b", inspect.getsource(each)) if each is not object else ())
    return found


def _guarded(tree: ast.Module) -> Iterator[ast.AST]:
    """Imports that may fail: those in a `try` that takes their errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_takes_import_errors(each) for each in node.handlers):
            for statement in node.body:
                yield from ast.walk(statement)
            for each in node.handlers:
                yield from ast.walk(each)


def _takes_import_errors(handler: ast.ExceptHandler) -> bool:
    taken = ast.unparse(handler.type) if handler.type else "Exception"
    return any(each in taken for each in ("ImportError", "ModuleNotFoundError", "Exception"))


def _stored(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name


def _rebound(tree: ast.Module) -> set[str]:
    """Names that are also something else somewhere in the file."""
    return {name for node in ast.walk(tree) for name in _stored(node)}


def programs(folder: Path) -> Iterator[tuple[str, str]]:
    """Every Python file below a folder that imports Prefect, by its path in there, with its text."""
    for file in sorted(folder.rglob("*.py")):
        text = file.read_text()
        if ORIGIN in text:
            yield str(file.relative_to(folder)), text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["names", "migrate"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--package", default=OURS)
    options = parser.parse_args()
    for file, text in programs(options.folder):
        found = migrated(text) if options.what == "migrate" else names(text, options.package)
        print(json.dumps({"file": file, **found._asdict()}), flush=True)


if __name__ == "__main__":
    main()
