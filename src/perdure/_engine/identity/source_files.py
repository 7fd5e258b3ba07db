"""Files of source: where a function or class is in them, and its normalised text."""

import ast
import copy
import functools
import linecache
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType

from perdure._platform.named import NamedTuple


@functools.lru_cache(maxsize=10_000)
def own_source(code: CodeType) -> object:
    """The normalised source of a function's code; what the code does, where that is not to be had."""
    if code.co_name != "<lambda>":
        file = file_of(code.co_filename)
        if code in file.codes and (node := file.nodes.get((code.co_name, code.co_firstlineno))) is not None:
            return _normal(node)
    return _instructions(code)


def _instructions(code: CodeType) -> tuple[object, ...]:
    constants = tuple(_instructions(each) if isinstance(each, CodeType) else _constant(each) for each in code.co_consts)
    return code.co_code, constants, code.co_names, code.co_varnames, *_signature(code), *_handlers(code)


def _signature(code: CodeType) -> tuple[object, ...]:
    """How arguments come to their names, where it is not one after the other."""
    packed = code.co_flags & (CO_VARARGS | CO_VARKEYWORDS)
    if not packed and not code.co_posonlyargcount and not code.co_kwonlyargcount:
        return ()
    return ((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, packed),)


def _handlers(code: CodeType) -> tuple[bytes, ...]:
    """Which of the instructions have which handlers of exceptions."""
    return (code.co_exceptiontable,) if code.co_exceptiontable else ()


def _constant(value: object) -> str:
    """The text of a constant; that of a set is the same whatever the hash seed."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_constant, value))})"
    if isinstance(value, tuple) and any(isinstance(each, tuple | frozenset) for each in value):
        return f"({', '.join(map(_constant, value))})"
    return repr(value)


def body_of_class(kind: type) -> Sequence[ast.stmt]:
    """The statements of a class in its file."""
    name = getattr(sys.modules.get(kind.__module__), "__file__", None)
    nodes = () if name is None else file_of(name).classes.get(kind.__qualname__, ())
    return [each for node in nodes for each in node.body]


def source_of_class(kind: type, functions: Sequence[FunctionType]) -> tuple[str | None, tuple[str, ...]]:
    """A class's normalised source and the names in it; None if the file has no such class, or another one by now.

    Where a file has several classes of the name, as in the branches of an `if`, all of them count.
    """
    name = getattr(sys.modules.get(kind.__module__), "__file__", None)
    file = file_of(name) if name is not None else _NO_FILE
    nodes = file.classes.get(kind.__qualname__, ())
    own = [each.__code__ for each in functions if each.__code__.co_filename == name]
    if not nodes or any(code not in file.codes for code in own):
        return None, ()
    inside = [each for node in nodes for each in ast.walk(node)]
    names = {each.id for each in inside if isinstance(each, ast.Name)}
    names |= {each.attr for each in inside if isinstance(each, ast.Attribute)}
    return "\n".join(map(_normal, nodes)), tuple(names)


class File(NamedTuple):
    """What is in a file of source."""

    codes: frozenset[CodeType]
    nodes: Mapping[tuple[str, int], ast.AST]  # functions by name and first line
    classes: Mapping[str, Sequence[ast.ClassDef]]  # by qualified name
    whole: str  # its normalised source


_NO_FILE = File(frozenset(), {}, {}, "")


# `linecache` fails where one thread looks while another one reads a file again; and Python 3.11 may fail to parse where
# another thread parses at the same time.
_reading = threading.RLock()
_ATTEMPTS = 5  # others parse, too: pytest, and the user's own code


def _renew_lock() -> None:
    """In a forked child: some other thread of the parent may have held it."""
    global _reading
    _reading = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


def file_of(name: str) -> "File":
    """What is in a file."""
    with _reading:
        linecache.checkcache(name)
        return _parsed(name, "".join(linecache.getlines(name)))


@functools.lru_cache(maxsize=200)
def _parsed(name: str, text: str) -> File:
    try:
        tree, whole = _tree_and_code(name, text)
    except (SyntaxError, ValueError, RecursionError, SystemError):
        return _NO_FILE
    nodes: dict[tuple[str, int], ast.AST] = {}
    classes: dict[str, list[ast.ClassDef]] = {}
    _strip_docstrings(tree)
    _note(tree, "", nodes, classes)
    return File(frozenset(_codes(whole)), nodes, classes, ast.unparse(tree))


def _tree_and_code(name: str, text: str) -> tuple[ast.Module, CodeType]:
    for _ in range(_ATTEMPTS - 1):
        with suppress(RecursionError, SystemError):
            return _parse(name, text)
    return _parse(name, text)


def _parse(name: str, text: str) -> tuple[ast.Module, CodeType]:
    tree = ast.parse(text)
    return tree, compile(tree, name, "exec", dont_inherit=True)


def _note(
    above: ast.AST, path: str, nodes: dict[tuple[str, int], ast.AST], classes: dict[str, list[ast.ClassDef]]
) -> None:
    for node in ast.iter_child_nodes(above):
        inside = path
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            nodes[node.name, first] = node
            inside = f"{path}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            classes.setdefault(f"{path}{node.name}", []).append(node)
            inside = f"{path}{node.name}."
        _note(node, inside, nodes, classes)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _normal(node: ast.AST) -> str:
    """The source of a function or class as Python itself would write it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        # What decorators do is done to what a name stands for, and a task's are its options.
        node = copy.copy(node)
        node.decorator_list = []
    return ast.unparse(node)


def _strip_docstrings(tree: ast.AST) -> None:
    for each in ast.walk(tree):
        if isinstance(each, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = each.body[0] if each.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                each.body = each.body[1:] or [ast.Pass()]
