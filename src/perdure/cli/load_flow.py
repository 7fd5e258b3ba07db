"""Finding a flow in a file or a module, as `python FILE.py` or `python -m MODULE` would see it."""

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

import typer

from perdure._execution.entrypoints import is_file, load_place, split
from perdure._execution.flows import Flow
from perdure._model.errors import EntrypointError, PerdureError
from perdure._platform.suggest import nearest
from perdure.cli.output import say

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"


class LoadError(PerdureError):
    """A program raised an exception while it was loaded."""


def load_flow(target: str, calls_refused: str | None = None) -> Flow[..., object]:
    """The flow that `FILE.py:FLOW`, `MODULE:FLOW`, or one of them without the flow, names.

    `calls_refused` says why no flow may be called by the program while it is loaded, if none may.

    Raises:
        typer.BadParameter: there is no such file, module or flow, or it is not clear which flow.
        LoadError: the program raised an exception; its traceback was printed.
    """
    place, name = split(target)
    if is_file(place) and Path(place).is_file():
        sys.argv[:] = [str(Path(place).resolve())]
    Flow.calls_refused = calls_refused
    try:
        module = load_place(place)
    except EntrypointError as error:
        if isinstance(error.__cause__, Exception):
            raise _unloadable(place, error.__cause__) from error
        raise typer.BadParameter(str(error)) from None
    finally:
        Flow.calls_refused = None
    flows = {key: value for key, value in vars(module).items() if isinstance(value, Flow)}
    return _only(flows, module, place) if name is None else _named(flows, name, place)


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
