"""A folder for each thing that is kept, all with the same plan: what is not needed of it is left out.

- `records`: what is kept, asked and answered, as named tuples of `_model.fields`
- `port`: what an orchestrator does for it, a protocol
- `tables`: `TABLES`, made from the records
- `store`: the port over a database
- `routes`: `ROUTERS`, what the API does for it

`PACKAGES` lists them. A new one is a folder, and a line here; one whose port is a `Kept` has its store
(`_store.sql.record_store`), its routes and its client without writing them.

Where a room has no `port`, what an orchestrator does for it is in `_store.protocol`. Runs and cache entries have no
`store`: their rows are written with others, many a statement, by `_store.sql.record_batches`, and read by
`_store.sql.queries` and `_store.sql.filtered_lists`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Literal

Part = Literal["records", "port", "tables", "store", "routes"]

# By the names under which orchestrators have what they do for them.
PACKAGES = {
    "tokens": "perdure._rooms.tokens",
    "runs": "perdure._rooms.runs",
    "results": "perdure._rooms.results",
    "logs": "perdure._rooms.logs",
    "cache": "perdure._rooms.cache",
    "blocks": "perdure._rooms.blocks",
    "artifacts": "perdure._rooms.artifacts",
    "variables": "perdure._rooms.variables",
    "views": "perdure._rooms.views",
    "services": "perdure._rooms.events",
    "limits": "perdure._rooms.limits",
    "deployments": "perdure._rooms.deployments",
    "automations": "perdure._rooms.automations",
    "transactions": "perdure._rooms.transactions",
}


_HOUSE = frozenset(PACKAGES)
_followers: list[tuple[Part, Callable[[ModuleType, bool], None]]] = []


@contextmanager
def brought(name: str, package: str) -> Iterator[None]:
    """Within the block there is a room more, from elsewhere: a package with the same plan.

    Databases that are opened meanwhile have its tables; they keep them.
    """
    PACKAGES[name] = package
    try:
        _notify(name, is_there=True)
        yield
    finally:
        _notify(name, is_there=False)
        del PACKAGES[name]


def from_elsewhere() -> Sequence[str]:
    """The names of the rooms that are not of the house."""
    return [name for name in PACKAGES if name not in _HOUSE]


def follow(which: Part, each: Callable[[ModuleType, bool], None]) -> None:
    """Have a function called with the modules of one kind: with those that are there, that come (True) and go."""
    _followers.append((which, each))
    for module in parts(which).values():
        each(module, True)


def _notify(name: str, is_there: bool) -> None:
    for which, each in _followers:
        module = part(name, which)
        if module is not None:
            each(module, is_there)


@cache
def _found(package: str, which: Part) -> ModuleType | None:
    path = f"{package}.{which}"
    return None if find_spec(path) is None else import_module(path)


def part(name: str, which: Part) -> ModuleType | None:
    """A module of a room; None if the room has none, or there is no such room."""
    return _found(PACKAGES[name], which) if name in PACKAGES else None


def parts(which: Part) -> dict[str, ModuleType]:
    """The modules of one kind, by the names of those rooms that have one."""
    return {name: found for name in PACKAGES if (found := part(name, which)) is not None}


def port_of(name: str) -> type | None:
    """The protocol of what an orchestrator does for a room under its name; None if it does nothing there."""
    return getattr(part(name, "port"), "PORT", None)


def name_of(port: type) -> str:
    """The name of the room that a port is of."""
    return next(name for name, package in PACKAGES.items() if port.__module__ == f"{package}.port")
