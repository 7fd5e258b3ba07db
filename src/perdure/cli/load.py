"""Finding a flow in a file or a module, as `python FILE.py` or `python -m MODULE` would see it."""

import importlib
import importlib.util
import itertools
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

import typer

from perdure.cli.output import say
from perdure.core import programs
from perdure.core.errors import PerdureError
from perdure.core.suggest import nearest
from perdure.flows import Flow

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"


class LoadError(PerdureError):
    """A program raised an exception while it was loaded."""


def load_flow(target: str, calls_refused: str | None = None) -> Flow[..., object]:
    """The flow that `FILE.py:FLOW`, `MODULE:FLOW`, or one of them without the flow, stands for.

    `calls_refused` says why no flow may be called by the program while it is loaded, if none may.

    Raises:
        typer.BadParameter: there is no such file, module or flow, or it is not clear which flow.
        LoadError: the program raised an exception; its traceback was printed.
    """
    place, name = _split(target)
    Flow.calls_refused = calls_refused
    try:
        module = _file(Path(place)) if _is_file(place) else _module(place)
    finally:
        Flow.calls_refused = None
    flows = {key: value for key, value in vars(module).items() if isinstance(value, Flow)}
    return _only(flows, module, place) if name is None else _named(flows, name, place)


def _split(target: str) -> tuple[str, str | None]:
    place, colon, name = target.rpartition(":")
    return (place, name) if colon and not target.endswith(".py") else (target, None)


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        hint = nearest(path.name, [each.name for each in path.parent.glob("*.py")]) if path.parent.is_dir() else ""
        raise typer.BadParameter(f"There is no file {str(path)!r}.{hint}")
    path = path.resolve()
    if path in _loaded:  # as once more, its flows would be others, under another name
        return _loaded[path]
    _lead_path(path.parent)
    sys.argv[:] = [str(path)]
    known = sys.modules.get(path.stem)
    if known is not None and _is_file_of(known, path):
        return known
    name = _free_name(path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise typer.BadParameter(f"{str(path)!r} is not a Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    import perdure.serializers  # noqa: F401 - as a whole first: another thread may be importing it
    from perdure.serializers.references import pickle_by_value  # help and versions do without

    # Before it runs: it may call flows, and what these return is pickled as a main program's values are.
    programs.note_loaded(module, path.stem)
    pickle_by_value(name)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _unloadable(str(path), error) from error
    _loaded[path] = module
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
        raise typer.BadParameter(
            f"There is no module {name!r}. Name a file such as {name}.py, or a module that can be imported from here."
        ) from None
    except Exception as error:
        raise _unloadable(name, error) from error


def _lead_path(directory: Path) -> None:
    if sys.path[:1] != [str(directory)]:
        sys.path.insert(0, str(directory))


def _unloadable(place: str, error: Exception) -> LoadError:
    """The error to raise; the program's own part of the traceback is printed here."""
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = traceback.StackSummary.from_list([each for each in shown.stack if not _is_machinery(each.filename)])
    say("".join(shown.format()).rstrip())
    return LoadError(f"{place} could not be loaded, so nothing was run.")


def _is_machinery(file: str) -> bool:
    return file.startswith(("<frozen importlib", _PACKAGE)) or file == importlib.__file__


def _named(flows: dict[str, Flow[..., object]], name: str, place: str) -> Flow[..., object]:
    found = flows.get(name) or next((each for each in flows.values() if each.name == name), None)
    if found is None:
        raise typer.BadParameter(f"{place} has no flow {name!r}.{nearest(name, flows) or _list_of(flows)}")
    return found


def _only(flows: dict[str, Flow[..., object]], module: ModuleType, place: str) -> Flow[..., object]:
    own = {key: each for key, each in flows.items() if each.fn.__module__ == module.__name__} or flows
    if len({id(each) for each in own.values()}) != 1:
        example = next(iter(own), "FLOW")
        raise typer.BadParameter(f"It is not clear which flow to run.{_list_of(own)} Write it as {place}:{example}.")
    return next(iter(own.values()))


def _list_of(flows: dict[str, Flow[..., object]]) -> str:
    return f" Its flows are {', '.join(flows)}." if flows else " It has no flow: decorate a function with @flow."
