"""Limits that runs ask for and that are not there: they limit nothing, and nobody is to find that out too late.

A mistyped name limits nothing, as in Prefect. So the run's log says it, once for each name, and an event has the name:
`perdure limit ls` and `perdure doctor` list those that are still not there.
"""

import shlex
from collections.abc import Iterable
from contextlib import suppress

from perdure._model.errors import EventError
from perdure._platform.suggest import nearest
from perdure._rooms.events.emission import emit_event
from perdure._rooms.limits.records import MISSING, RESOURCE
from perdure._run.context import current_run
from perdure._run.log_reporting import run_log

__all__ = ["report_missing"]

_MOST = 1_000  # names of runs that are remembered
_reported: dict[tuple[str | None, str], object] = {}


def report_missing(name: str, known: Iterable[str]) -> None:
    """Log, in the current flow run once, that a limit is not there, and keep an event of it."""
    run = current_run.get()
    mark = object()
    key = (None if run is None else (run.flow or run).id, name)
    if _reported.setdefault(key, mark) is not mark:  # without a lock, which a fork could take along
        return
    if len(_reported) > _MOST:
        _reported.pop(next(iter(_reported)), None)
    run_log("limits").warning(
        "There is no limit %r, so nothing is limited.%s `perdure limit create %s 5` makes it;"
        " with strict=True this is an error.",
        name,
        nearest(name, known),
        shlex.quote(name),
    )
    with suppress(EventError):  # of a name that no database keeps
        emit_event(MISSING, {"perdure.resource.id": f"{RESOURCE}{name}"})
