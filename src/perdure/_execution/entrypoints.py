"""Finding what an entrypoint names: `FILE.py:NAME` or `MODULE:NAME`, as `python FILE.py` and `python -m MODULE` do."""

import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from perdure._model.errors import EntrypointError
from perdure._platform import programs
from perdure._platform.suggest import nearest

T = TypeVar("T")

only_loaded: ContextVar[bool] = ContextVar("only_loaded", default=False)  # a program is loaded, and not run


def load_named(entrypoint: str, kind: type[T], name_of: Callable[[T], str]) -> T:
    """What an entrypoint names: `FILE.py:NAME`, `MODULE:NAME` or `MODULE.NAME`; if it is the only one, without a name.

    Raises:
        EntrypointError: there is no such file or module, it cannot be loaded, or it has no such flow or task.
    """
    place, name = split(entrypoint)
    if name is None and not is_file(place) and importlib.util.find_spec(place.partition(".")[0]) is not None:
        parent, _, last = place.rpartition(".")
        if parent and not _is_module(place):
            place, name = parent, last
    token = only_loaded.set(True)
    try:
        module = load_place(place)
    finally:
        only_loaded.reset(token)
    found = {key: value for key, value in vars(module).items() if isinstance(value, kind)}
    what = kind.__name__.lower()
    if name is None:
        own = {id(each): each for each in found.values()}
        if len(own) != 1:
            raise EntrypointError(
                f"{place} has {len(own)} {what}s at its top: {', '.join(found) or 'none'}. Name one, as {place}:NAME."
            )
        return next(iter(own.values()))
    named = found.get(name) or next((each for each in found.values() if name_of(each) == name), None)
    if named is None:
        raise EntrypointError(f"{place} has no {what} {name!r}.{nearest(name, found) or _list_of(found, what)}")
    return named


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _list_of(found: dict[str, T], what: str) -> str:
    return f" It has {', '.join(found) or f'none: decorate a function with @{what}'}."


def split(entrypoint: str) -> tuple[str, str | None]:
    """The file or module, and the name in it, if there is one."""
    place, colon, name = entrypoint.rpartition(":")
    return (place, name) if colon and not entrypoint.endswith(".py") else (entrypoint, None)


def is_file(place: str) -> bool:
    """Whether it names a file rather than a module."""
    return place.endswith(".py") or "/" in place or os.sep in place


def load_place(place: str) -> ModuleType:
    """The module that a file or a module's name stands for, run once in this process.

    Raises:
        EntrypointError: there is none, or it raised an exception, which is the cause then.
    """
    return _file(Path(place)) if is_file(place) else _module(place)


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        hint = nearest(path.name, [each.name for each in path.parent.glob("*.py")]) if path.parent.is_dir() else ""
        raise EntrypointError(f"There is no file {str(path)!r}.{hint}")
    path = path.resolve()
    if path in _loaded:  # as once more, its flows would be others, under another name
        return _loaded[path]
    _lead_path(path.parent)
    known = sys.modules.get(path.stem)
    if known is not None and _is_file_of(known, path):
        return known
    module = _run(path)
    _loaded[path] = module
    return module


def _run(path: Path) -> ModuleType:
    name = _free_name(path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise EntrypointError(f"{str(path)!r} is not a Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    from perdure._serializers.references import pickle_by_value  # help and versions do without

    # Before it runs: it may call flows, and what these return is pickled as a main program's values are.
    programs.note_loaded(module, path.stem)
    pickle_by_value(name)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _unloadable(str(path), error) from error
    return module


_loaded: dict[Path, ModuleType] = {}


def _is_file_of(module: ModuleType, path: Path) -> bool:
    """Whether a module was made from a file."""
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == path


def _free_name(stem: str) -> str:
    """What a program is called in this process: others of the same name may be loaded, too."""
    names = itertools.chain((stem, f"{stem}_program"), (f"{stem}_program_{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in sys.modules)


def _module(name: str) -> ModuleType:
    _lead_path(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _unloadable(name, error) from error
        raise EntrypointError(
            f"There is no module {name!r}. Name a file such as {name}.py, or a module that can be imported from here."
        ) from None
    except Exception as error:
        raise _unloadable(name, error) from error


def _lead_path(directory: Path) -> None:
    if sys.path[:1] != [str(directory)]:
        sys.path.insert(0, str(directory))


def _unloadable(place: str, error: Exception) -> EntrypointError:
    return EntrypointError(f"{place} could not be loaded: it raised {type(error).__name__}: {error}")
