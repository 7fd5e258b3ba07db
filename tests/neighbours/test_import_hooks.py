"""Programs whose modules are imported by hooks that change them, or that have them from no file."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

PROGRAM = """
from perdure import flow, task
from perdure.caching import INPUTS, TASK_SOURCE

def checked(function):
    def call(*args, **kwargs):
        CALLS.append((args, kwargs))
        return function(*args, **kwargs)
    return call

CALLS = []

@task(cache_policy=INPUTS + TASK_SOURCE)
def total(a, /, *rest, by=1):
    return [(a + sum(rest)) * by]

@flow
def totals(numbers):
    direct = total(*numbers, by=10)
    return direct + total.submit(*numbers, by=100).result()
"""


class Hook(MetaPathFinder, Loader):
    """Imports `hooked` from no file; `adds` is the decorator that it puts below those of each function."""

    adds = ""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == "hooked" else None

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.parse(PROGRAM)
        for each in ast.walk(tree):
            if isinstance(each, ast.FunctionDef) and each.decorator_list and self.adds:
                each.decorator_list.append(ast.Name(self.adds, ast.Load()))
        exec(compile(ast.fix_missing_locations(tree), "<hooked>", "exec"), vars(module))


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    hook = Hook()
    monkeypatch.setattr(sys, "meta_path", [hook, *sys.meta_path])
    yield hook
    sys.modules.pop("hooked", None)


def imported() -> ModuleType:
    """The module, as the hook makes it now."""
    sys.modules.pop("hooked", None)
    return importlib.import_module("hooked")


def test_functions_of_a_module_without_a_file_are_called_and_found_again(hook: Hook) -> None:
    assert [imported().totals([1, 2]) for _ in range(2)] == [[30, 300]] * 2
    hooked = imported()
    assert hooked.total(1, 2, by=10, return_state=True).name == "Cached"


def test_what_a_hook_puts_below_our_decorators_is_called_as_the_call_was_made(hook: Hook) -> None:
    hook.adds = "checked"
    hooked = imported()

    assert hooked.totals([1, 2]) == [30, 300]
    assert hooked.CALLS == [(([1, 2],), {}), ((1, 2), {"by": 10}), ((1, 2), {"by": 100})]


def test_what_a_hook_changes_is_another_source(hook: Hook) -> None:
    imported().total(1, by=2)
    hook.adds = "checked"

    assert imported().total(1, by=2, return_state=True).name == "Completed"
    assert imported().total(1, by=2, return_state=True).name == "Cached"
