"""Digests of source, for `TASK_SOURCE`: of a function, and of what it reaches of its own project.

The problem: a cached result is wrong once the code that made it has changed. The text of the task alone does not say
so: it calls helpers, reads constants and has defaults. The whole project says it too often: each commit would empty
the cache.

The idea: walk from the function along the names that its code uses, as far as the project goes, and digest what
counts:

    RATE = 1.2                          task f counts with: its own source, normalised (no comments, docstrings,
    def tax(x): return x * RATE         decorators, formatting, line numbers); `tax` with *its* source; RATE's value;
    @task                               and `np.sum` by its name alone, since others have written it
    def f(x): return np.sum(tax(x))

A function counts also with its closure and defaults, a class with its members. The source is taken from the file only
if it is what really runs: the file may have been changed since it was imported. Elsewhere, and for lambdas, the code
object itself counts. There are two digests, of the own source and of the rest, so that an explanation can tell them
apart.

What always holds:

- What is met is numbered in the order of the walk, and counts by its number where it is met again: so cycles end.
- The walk is repeated only when it could come out otherwise. Every look at a name is remembered (`looks`), and the
  digests are used again as long as each still finds the same object, and nothing was met that changes in place.
- A module that is imported inside a function counts with its whole file: it need not have been imported yet.
"""

import dataclasses
import dis
import enum
import functools
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from perdure._engine.identity.class_members import (
    count_of_members,
    is_made,
    members_not_said,
    significant_members,
)
from perdure._engine.identity.contents.reduction import reduced
from perdure._engine.identity.digests import digest_of_values
from perdure._engine.identity.names import name_of
from perdure._engine.identity.source_constants import pickled_constant
from perdure._engine.identity.source_files import body_of_class, file_of, own_source, source_of_class
from perdure._model.errors import SerializationError
from perdure._platform import programs
from perdure._platform.annotations import without_annotating
from perdure._platform.lazy_import import imported_value
from perdure._platform.named import NamedTuple

_MOST = 10_000  # functions and classes that one task may reach, and objects; those after count by their names and types
_DEEPEST = 30  # objects, one inside the other
_ABSENT = object()
_PACKAGES = ("site-packages", "dist-packages")
# What a module has of its own: where it is, how it was loaded, and what it says of itself.
_OF_MODULES = frozenset(
    f"__{name}__" for name in ("builtins", "cached", "dict", "doc", "file", "loader", "package", "path", "spec")
)
_BY_CONTENT = (list, tuple, dict, set, frozenset)
# Modules whose objects do not change, or count by their names.
_LASTING = frozenset({"datetime", "decimal", "fractions", "logging", "pathlib", "re", "typing", "uuid", "zoneinfo"})


def digests_of_source(function: Callable[..., object]) -> tuple[str, str]:
    """Digests of a function's own source, and of all that it reaches."""
    known = _known.get(function) if isinstance(function, FunctionType) else None
    if known is not None and all(look() is found for look, found in known.looks):
        return known.digests
    walk = Walk(function)
    digests = walk.digests()
    if isinstance(function, FunctionType):
        if walk.is_lasting:
            _known[function] = _Known(tuple(walk.looks), digests)
        else:
            _known.pop(function, None)
    return digests


class _Known(NamedTuple):
    """What was found for a function; it holds as long as all names still stand for the same."""

    looks: tuple[tuple[Callable[[], object], object], ...]
    digests: tuple[str, str]


_known: "WeakKeyDictionary[FunctionType, _Known]" = WeakKeyDictionary()


class Walk:
    """All that is reached from a function, the nearest first."""

    def __init__(self, function: object) -> None:
        self.looks: list[tuple[Callable[[], object], object]] = []
        self.is_lasting = True  # whether nothing was reached that can change in place
        self._function = function
        self._project = _Project(function)
        self._places: dict[int, int] = {}  # of what has been reached, by identity
        self.reached: list[object] = []
        self._digests: dict[int, tuple[object, str | None]] = {}  # of objects, which it keeps
        self._depth = 0

    def digests(self) -> tuple[str, str]:
        described = self.describe((self._function,))
        records = self.records()
        own, names = records[0] if records else ((), ())
        return digest_of_values(described, own), digest_of_values(names, records[1:])

    def records(self) -> list[tuple[object, ...]]:
        """What was found for each of what was reached: its own, and what it names."""
        return list(map(self._record, self.reached))  # more is reached on the way

    def _record(self, reached: Any) -> tuple[object, ...]:
        return self._record_of_class(reached) if isinstance(reached, type) else self._record_of_function(reached)

    def _record_of_function(self, function: FunctionType) -> tuple[object, ...]:
        self._look(functools.partial(getattr, function, "__code__"))
        self._look(functools.partial(getattr, function, "__defaults__"))
        defaults = (function.__defaults__, function.__kwdefaults__)
        own = (own_source(function.__code__), self._held(function))
        named = self._named(function.__globals__, _names(function.__code__))
        named += self._siblings(function)
        named += self._implementations(function.__name__, vars(function).get("registry"))
        return (*own, self.describe(defaults)), [*named, *self._imported(function)]

    def _held(self, function: FunctionType) -> list[tuple[str, Any]]:
        """What a function's closure holds."""
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        held = [(name, self._look(functools.partial(_content, cell))) for name, cell in cells]
        return [(name, self.describe(value)) for name, value in held]

    def _siblings(self, function: FunctionType) -> list[tuple[str, Any]]:
        """Of a method: the other members of its class, or of the classes above, that it names."""
        above = programs.walk(sys.modules.get(function.__module__), function.__qualname__.rpartition(".")[0])
        if not isinstance(above, type):
            return []
        found = []
        for name in _names(function.__code__):
            member = self._look(functools.partial(_member, above, name))
            if member is not _ABSENT and not name.startswith("__"):
                found.append((f"{above.__qualname__}.{name}", self.describe(_plain(member))))
        return found

    def _implementations(self, of: str, registry: object) -> list[tuple[str, Any]]:
        """What a generic function of `functools.singledispatch` calls, by the types that it is for."""
        if not isinstance(registry, MappingProxyType):
            return []
        self._look(functools.partial(len, registry))
        found = [(name_of(kind), self._look(functools.partial(registry.get, kind))) for kind in registry]
        return sorted((f"{of} for {name}", self.describe(each)) for name, each in found)

    def _record_of_class(self, kind: type) -> tuple[object, ...]:
        self._look_at_members(kind)
        own = map(_plain, without_annotating(vars(kind)).values())
        functions = [each for each in own if isinstance(each, FunctionType)]
        source, names = source_of_class(kind, functions)
        namespace = vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {}
        if source is None:
            members = {name: self.describe(_plain(value)) for name, value in significant_members(kind).items()}
            return ("class", kind.__qualname__, [self.describe(base) for base in kind.__bases__], members), None
        used = {name for each in functions for name in _names(each.__code__)}
        named = self._named(namespace, sorted({*names, *used}))
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        written = (each for each in functions if each.__code__.co_filename == file)  # others are made by `dataclass`
        held = [each for function in written for each in self._held(function) if each[0] != "__class__"]
        return ("class", kind.__qualname__, source, *held), named + self._set_outside(kind)

    def _look_at_members(self, kind: type) -> None:
        """Note what the class has, so that what is set on it later is seen."""
        self._look(functools.partial(getattr, kind, "__bases__"))
        self._look(functools.partial(count_of_members, kind))
        for name in vars(kind):
            if not is_made(name):
                value = self._look(functools.partial(vars(kind).get, name))
                self.is_lasting = self.is_lasting and not isinstance(value, list | dict | set)

    def _set_outside(self, kind: type) -> list[tuple[str, Any]]:
        """The members of a class that its source does not say: set from outside, or of another value than there."""
        described: list[tuple[str, object]] = []
        for name, value in members_not_said(kind, body_of_class(kind)):
            path = f"{kind.__qualname__}.{name}"
            if isinstance(value, functools.singledispatchmethod):
                described += self._implementations(path, value.dispatcher.registry)
            else:
                described.append((path, self.describe(_plain(value))))
        return described

    def _named(self, namespace: dict[str, object], names: Sequence[str]) -> list[tuple[str, Any]]:
        """What the names stand for; after a module of the project, what they stand for in that."""
        described: list[tuple[str, object]] = []
        modules: set[int] = set()
        names = [name for name in names if name not in _OF_MODULES]

        def note(path: str, value: object) -> None:
            if path.endswith("__name__") and isinstance(value, str):
                value = programs.name_of_module(value)
            if isinstance(value, ModuleType) and self._project.has(value):
                if id(value) not in modules:
                    modules.add(id(value))
                    for inner in names:
                        note(f"{path}.{inner}", self._look(functools.partial(getattr, value, inner, _ABSENT)))
            elif value is not _ABSENT:
                described.append((path, self.describe(value)))

        for name in names:
            note(name, self._look(functools.partial(imported_value, namespace, name, _ABSENT)))
        return described

    def _imported(self, function: FunctionType) -> list[tuple[str, Any]]:
        """Modules of the project that are imported inside the function: their whole files, which need not run."""
        found = []
        for level, name in _imports(function.__code__):
            above = Path(function.__code__.co_filename).absolute().parents
            file = self._project.file_of_module(name, above[min(max(level, 1), len(above)) - 1], level > 0)
            if file is not None:
                self.is_lasting = False
                found.append((name, file_of(str(file)).whole))
        return found

    def _look(self, look: Callable[[], object]) -> object:
        found = look()
        self.looks.append((look, found))
        return found

    def describe(self, value: object) -> str:
        """What stands for the value."""
        try:
            return digest_of_values(value, stand_in=self._standing_for)
        except SerializationError:  # an array of objects that cannot be pickled
            return _kind(value)

    def _standing_for(self, value: Any) -> str | None:
        """Text for what does not count by its content; what is the project's own is looked into later."""
        if not self._is_own_wrapper(value):
            value = _plain(value)
        if isinstance(value, FunctionType | type):
            name = f"{value.__module__}.{value.__qualname__}"
            return f"own {self.place(value)}" if self._project.has(value) else name
        if isinstance(value, MethodType):
            return f"{self._called(value.__func__)} of {self.describe(value.__self__)}"
        if isinstance(value, functools.partial):
            return f"{self._called(value.func)} {self.describe((value.args, value.keywords))}"
        if isinstance(value, ModuleType | BuiltinFunctionType):
            return str(value.__name__)
        self.is_lasting = self.is_lasting and _lasts(value)
        if type(value) in (set, frozenset):
            self._reach_in_order(value)
        if type(value) in _BY_CONTENT:
            return None
        own = self.place(type(value)) if self._project.has(type(value)) else None
        if _has_content(value):
            return None
        kind = _kind(value) if own is None else f"own {own}"
        digest = self._digest_once(value)
        return kind if digest is None else f"{kind} {digest}"

    def _digest_once(self, value: object) -> str | None:
        """The digest of an object, which may be held again and again; None if it counts by its type alone."""
        if id(value) in self._digests:
            return self._digests[id(value)][1]
        if self._depth >= _DEEPEST or len(self._digests) >= _MOST:
            return None
        self._digests[id(value)] = value, "itself"  # if it is met again inside itself
        self._depth += 1
        digest = None
        try:
            digest = self._digest_of(value)
        except Exception:  # a lock, a connection: it cannot be part of what is computed
            pass
        finally:
            self._depth -= 1
            self._digests[id(value)] = value, digest
        return digest

    def _is_own_wrapper(self, value: object) -> bool:
        """Whether an object of a class of the project wraps a function, so that what it does counts as well."""
        if isinstance(value, FunctionType | type) or "__wrapped__" not in getattr(value, "__dict__", ()):
            return False
        return self._project.has(type(value))

    def _called(self, function: object) -> str:
        """What stands for what a method or a partial calls."""
        text = self._standing_for(function)
        return self.describe(function) if text is None else text

    def _reach_in_order(self, members: Iterable[object]) -> None:
        """Reach what a set has of the project's functions and classes in an order that is the same in every process."""
        plain = map(_plain, members)
        named = [each if isinstance(each, FunctionType | type) else type(each) for each in plain]
        for each in sorted(named, key=lambda each: (str(each.__module__), each.__qualname__)):
            if self._project.has(each):
                self.place(each)

    def _digest_of(self, value: object) -> str:
        """The digest of an object that is a constant of the project; what it holds of the project is reached."""
        pickled = pickled_constant(value, self._own_name)
        if pickled is not None:
            return digest_of_values(pickled)
        return digest_of_values(reduced(value), stand_in=self._standing_for)

    def _own_name(self, value: FunctionType | type) -> str | None:
        """What stands for a function or class of the project; None for others."""
        value = _plain(value)
        return f"own {self.place(value)}" if self._project.has(value) else None

    def place(self, value: object) -> int | str:
        """Its number among what was reached, so that cycles end."""
        if id(value) not in self._places:
            if len(self.reached) >= _MOST:
                return -1
            self._places[id(value)] = len(self.reached)
            self.reached.append(value)
        return self._places[id(value)]


class _Project:
    """What belongs to a function's project: its package, or the directory of its script and all below."""

    def __init__(self, function: object) -> None:
        function = inspect.unwrap(_plain(function))
        self._globals = getattr(function, "__globals__", {})
        self._module = str(getattr(function, "__module__", ""))
        file = _file_of(function)
        package = sys.modules.get(self._module.partition(".")[0])
        places = getattr(package, "__path__", None) if package is not None else None
        if file is None:
            self._roots: tuple[Path, ...] = ()
        elif places:
            self._roots = tuple(Path(each).absolute() for each in places)
        else:
            self._roots = (Path(file).absolute().parent,)

    def has(self, value: object) -> bool:
        """Whether a function, class or module is the project's own."""
        if getattr(value, "__globals__", None) is self._globals:
            return True
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if module == self._module:
            return True
        file = getattr(sys.modules.get(str(module)), "__file__", None) or _file_of(value)
        return file is not None and self._holds(Path(file).absolute())

    def file_of_module(self, name: str, beside: Path, is_relative: bool) -> Path | None:
        """The file of a module of the project, which need not have been imported."""
        inside = name.replace(".", "/")
        bases = (beside,) if is_relative else (*self._roots, *(root.parent for root in self._roots), beside)
        for base in bases:
            for file in (base / f"{inside}.py", base / inside / "__init__.py"):
                if self._holds(file) and file.is_file():
                    return file
        return None

    def _holds(self, file: Path) -> bool:
        for root in self._roots:
            if file.is_relative_to(root):
                inside = file.relative_to(root).parts
                return not any(each in inside for each in _PACKAGES) and not self._is_others(file, root)
        return False

    def _is_others(self, file: Path, root: Path) -> bool:
        return any(file.is_relative_to(each) and not root.is_relative_to(each) for each in _others())


@functools.cache
def _others() -> frozenset[str]:
    """Where what others have written is installed."""
    return frozenset(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _member(kind: type, name: str) -> object:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), _ABSENT)


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return _ABSENT


def _plain(value: Any) -> Any:
    """The function below wrappers such as a task, a static method, a property or a cache."""
    while True:
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        elif not isinstance(value, FunctionType | type) and "__wrapped__" in getattr(value, "__dict__", ()):
            value = value.__wrapped__
        else:
            return value


def counts_apart(value: object) -> bool:
    """Whether a value is not looked into where it is named: a function, class or module."""
    return isinstance(_plain(value), FunctionType | type | ModuleType | BuiltinFunctionType)


def _has_content(value: object) -> bool:
    if isinstance(value, enum.Enum) or dataclasses.is_dataclass(value):
        return True
    return any(type(value).__module__.partition(".")[0] == name for name in ("numpy", "pandas"))


def _lasts(value: object) -> bool:
    """Whether a value cannot change in place, but for what is inside it."""
    if isinstance(value, tuple | frozenset | enum.Enum):
        return True
    return type(value).__module__.partition(".")[0] in _LASTING


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _file_of(value: object) -> str | None:
    code = getattr(value, "__code__", None)
    if code is not None and Path(code.co_filename).is_file():
        return str(code.co_filename)
    return getattr(sys.modules.get(getattr(value, "__module__", None) or ""), "__file__", None)


@functools.lru_cache(maxsize=10_000)
def _names(code: CodeType) -> tuple[str, ...]:
    """The names of globals, attributes and modules that the code and the functions inside it use."""
    inner = [name for each in code.co_consts if isinstance(each, CodeType) for name in _names(each)]
    return tuple(sorted({*code.co_names, *inner}))


@functools.lru_cache(maxsize=10_000)
def _imports(code: CodeType) -> tuple[tuple[int, str], ...]:
    """The modules that may be imported by the code and the functions inside it: levels above, and dotted names."""
    found = {each for inner in code.co_consts if isinstance(inner, CodeType) for each in _imports(inner)}
    module, level, constants = "", 0, [0, 0]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":  # the level and the names to import are on the stack
            module, level = str(instruction.argval), constants[-2] if isinstance(constants[-2], int) else 0
            found.add((level, module))
        elif instruction.opname == "IMPORT_FROM":
            found.add((level, f"{module}.{instruction.argval}".lstrip(".")))
        elif instruction.opname.startswith("LOAD_"):
            constants = [constants[-1], instruction.argval]
    return tuple(sorted(found - {(level, "") for level in range(10)}))
