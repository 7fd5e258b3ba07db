"""What is public: modules without an underscore, and in them what `__all__` names.

Names, and which of them are one object, are those of the imported modules; signatures and docstrings are those that
griffe reads in the sources, so that annotations stand here as they were written.
"""

import logging
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import griffe

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"

# Without an underscore, and yet not to be imported: the command line, and what the integrations are made of.
_INNER = (
    "blocks",
    "buckets",
    "calling",
    "github_credentials",
    "sqlalchemy_calls",
    "sqlalchemy_url",
    "tables",
)
NOT_IMPORTED = frozenset(["perdure.cli", *(f"perdure.integrations.{name}" for name in _INNER)])
# What several modules export is documented in the first of them: in one of these, or else in the order of their names.
_FIRST = (
    "perdure",
    "perdure.errors",
    "perdure.states",
    "perdure.records",
    "perdure.blocks",
    "perdure.logging",
    "perdure.cache_policies",
)

logging.getLogger("griffe").setLevel(logging.CRITICAL)


class Exported(NamedTuple):
    """A name that a public module exports, and what it is."""

    module: str
    name: str
    target: Any  # of griffe: Class, Function or Attribute
    value: Any
    home: str  # the path under which it is documented: its own, or that of an earlier export of the same object

    @property
    def path(self) -> str:
        """The dotted path by which it is imported."""
        return f"{self.module}.{self.name}"

    @property
    def is_home(self) -> bool:
        """Whether it is documented here, and not by another name of it."""
        return self.home == self.path


@cache
def modules() -> tuple[str, ...]:
    """The dotted names of all public modules; first those in which what several of them export is documented."""
    names = {_name_of(path) for path in (SOURCES / "perdure").rglob("*.py")}
    found = {name for name in names if _is_public(name)}
    return (*_FIRST, *sorted(found - {*_FIRST}))


def _name_of(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_public(name: str) -> bool:
    parts = name.split(".")
    within = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return not any(part.startswith("_") for part in parts) and NOT_IMPORTED.isdisjoint(within)


@cache
def sources() -> griffe.Module:
    """All of Perdure, as griffe reads it."""
    loaded = griffe.load("perdure", search_paths=[SOURCES], resolve_aliases=True, resolve_external=False)
    assert isinstance(loaded, griffe.Module)
    return loaded


@cache
def surface() -> dict[str, tuple[Exported, ...]]:
    """What each public module exports, in the order of its `__all__`."""
    homes: dict[Any, str] = {}
    return {module: tuple(_exports_of(module, homes)) for module in modules()}


def _exports_of(module: str, homes: dict[Any, str]) -> list[Exported]:
    found = {name: _found(module, name) for name in import_module(module).__all__}
    own = sorted(found, key=lambda name: getattr(found[name][1], "__name__", name) != name)  # other names come after
    for name in own:
        homes.setdefault(_identity(*found[name]), f"{module}.{name}")
    return [Exported(module, name, *found[name], homes[_identity(*found[name])]) for name in found]


def _found(module: str, name: str) -> tuple[Any, Any]:
    """What griffe found, and the object."""
    value = getattr(import_module(module), name)
    target = _target(module, name, value)
    if target.is_module:  # `perdure.concurrency`: a module, and also what it exports by that name
        return _found(f"{module}.{name}", name)
    return target, value


def _identity(target: Any, value: Any) -> Any:
    return value if isinstance(value, type | FunctionType) else target.path


def _target(module: str, name: str, value: Any) -> Any:
    """What griffe found; of another name for a class or function, that class or function."""
    path = module.partition(".")[2]
    inside = (sources()[path] if path else sources()).members
    found = _resolved(inside[name]) if name in inside else None
    if isinstance(value, type | FunctionType) and (found is None or found.is_attribute):
        targets = (_resolved(each) for each in inside.values() if _resolves(each))
        found = next((each for each in targets if each.name == value.__name__ and not each.is_attribute), found)
    assert found is not None, f"griffe finds no {name} in {module}"
    return found


def _resolved(found: Any) -> Any:
    return found.final_target if found.is_alias else found


@cache
def homes() -> dict[str, Exported]:
    """What is documented, by its path."""
    return {each.path: each for exported in surface().values() for each in exported if each.is_home}


@cache
def _public_targets() -> dict[str, str]:
    return {each.target.path: each.path for each in homes().values()}


def home_of(target: Any) -> str | None:
    """The path under which a class or function of the sources is documented; None if it is private."""
    return _public_targets().get(target.path)


def members(kind: Any) -> list[Any]:
    """The public members of a class, with those of private bases; what a documented base has is documented there."""
    found = []
    for name, member in kind.all_members.items():
        if (name.startswith("_") and name != "__call__") or name.startswith("test_") or not _resolves(member):
            continue
        target = _resolved(member)
        if target.is_class or (member.is_alias and home_of(target.parent) not in (None, home_of(kind))):
            continue
        found.append(target)
    return sorted(found, key=lambda each: each.is_function)  # attributes first


def _resolves(member: Any) -> bool:
    if not member.is_alias:
        return not member.is_module
    try:
        return bool(member.final_target)
    except griffe.AliasResolutionError:
        return False


def initialiser(kind: Any) -> Any | None:
    """The `__init__` of a class, its own or one of its bases'; None if it is made by a library."""
    found = kind.all_members.get("__init__")
    if found is None or not _resolves(found):
        return None
    return _resolved(found)
