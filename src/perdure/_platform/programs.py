"""The program: the file that a process runs as `__main__`, or has loaded by its path, and what its code is called.

The same file is the same program however it was started: `python sales.py`, `perdure run sales.py`, and a process that
resumes one of its flow runs call its classes `sales.Order`, and mean the one class that this process has.
"""

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from perdure._platform import projects

_MAIN = frozenset({"__main__", "__mp_main__"})
_loaded: dict[str, str] = {}  # of modules that were loaded by their paths, the programs' names
Program = tuple[str, str]  # its name and its project
_elsewhere: dict[str, Program] | None = None  # in a process that runs another one's tasks: its programs, by module


def name_of_module(module: str) -> str:
    """The name by which a module is known in every process: a script's is the one that others would import it by."""
    if _elsewhere is not None and module in _elsewhere:
        return _elsewhere[module][0]
    return _main_name() if module in _MAIN else _loaded.get(module, module)


def project_of_module(module: str) -> str:
    """The project that a module belongs to: see `projects`."""
    if _elsewhere is not None and module in _elsewhere:
        return _elsewhere[module][1]
    found = sys.modules.get(module)
    file, spec = getattr(found, "__file__", None), getattr(found, "__spec__", None)
    if file is None:
        return projects.project_of(None, 0) if module in _MAIN else ""
    name = str(spec.name) if spec is not None else "" if module in _MAIN else module
    return projects.project_of(str(file), name.count("."))


def modules_named(name: str) -> Iterator[ModuleType]:
    """The modules of a name that this process has: its main program, those loaded by their paths, and the imported."""
    if _elsewhere is None and _main_name() == name:
        yield sys.modules["__main__"]
    yield from (sys.modules[module] for module, program in _loaded.items() if program == name)
    if name in sys.modules and name not in _loaded:
        yield sys.modules[name]


def loaded_modules() -> Iterator[ModuleType]:
    """The modules that were loaded by their paths."""
    yield from (sys.modules[module] for module in _loaded)


def is_program(module: str) -> bool:
    """Whether a module is the main program or was loaded by its path, so that other processes cannot import it."""
    return module in _MAIN or module in _loaded or (_elsewhere is not None and module in _elsewhere)


def programs() -> list[str]:
    """The modules of this process's programs, as `sys.modules` has them."""
    return [*_loaded, *(_elsewhere or ("__main__",))]


def note_loaded(module: ModuleType, name: str) -> None:
    """A program was loaded by its path; `name` is what it would be imported by."""
    _loaded[module.__name__] = name


def runs_tasks_of(programs: dict[str, Program]) -> None:
    """What is of these modules here is another process's: this one runs the tasks that it was sent."""
    global _elsewhere
    _elsewhere = programs


def is_worker() -> bool:
    """Whether this process runs tasks of another one's program."""
    return _elsewhere is not None


def walk(found: object, qualified_name: str) -> object:
    """What a module holds under a qualified name; None if it holds nothing there. Runs no code of the module's."""
    for part in qualified_name.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found


@functools.lru_cache(maxsize=10)
def _stem(file: str) -> str:
    return Path(file).stem


def _main_name() -> str:
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name)
    if file is not None:
        return _stem(file)
    notebook = getattr(main, "__vsc_ipynb_file__", None) or os.environ.get("JPY_SESSION_NAME") or ""
    return Path(notebook).stem if notebook.endswith(".ipynb") else "__main__"
