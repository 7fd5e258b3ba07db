"""What another process needs to resume a flow run: where its flow is found, and its arguments."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from perdure._engine.identity.projects import project_of
from perdure._engine.recovery.kept_values import checked, packed, place_of_start, unpacked
from perdure._model.errors import ResultUntrusted, ResumeError
from perdure._model.options import RunOptions
from perdure._model.records import StartRecord
from perdure._platform.files import working_directory
from perdure._platform.importable import is_importable
from perdure._results import signing
from perdure._rooms.runs.records import FlowRun
from perdure._run.context import Reuse

SOURCE_DIGEST = "source_digest"  # in an entry point: of the `SourceRecord` of the flow's function


def entry_point_of(options: RunOptions, reuses: Reuse | None = None, source: str | None = None) -> str:
    """Which code a flow is, and where another process finds its function, as JSON; and which run it runs again.

    `source` is the digest of what is shown of the function's source.

    The place is left out if another process cannot find it, since it is inside another function. Of a script, it is
    the file; of a module, its name and the directory from which it is imported.
    """
    again = {} if source is None else {SOURCE_DIGEST: source}
    if reuses is not None:
        again["rerun_of"] = reuses.flow_run_id
        again |= {} if reuses.before is None else {"reuses": f"{reuses.flow_run_id}/{reuses.before}"}
    function, origin = _origins.get(id(options.function), (None, {}))
    if function is options.function:
        return json.dumps({**origin, **again})
    code = {"code": options.key, "project": project_of(options.function)}
    return json.dumps({**_place_of(options.function), **code, **again})


# By object identity of a flow's function, with the function, so that ids stay its own.
_origins: dict[int, tuple[Callable[..., object], dict[str, str]]] = {}
_OF_ONE_RUN = ("rerun_of", "reuses", SOURCE_DIGEST)


def note_origin(options: RunOptions, entry: Mapping[str, str]) -> None:
    """Have this process's runs of a flow be found as its entry point says: another machine lacks the copy it is in."""
    origin = {name: said for name, said in entry.items() if name not in _OF_ONE_RUN}
    _origins[id(options.function)] = options.function, origin


def source_digest_of(start: StartRecord | None) -> str | None:
    """Under which digest the source of a flow run's function was recorded as it began; None if it was not."""
    entry = {} if start is None or start.entry_point is None else json.loads(start.entry_point)
    digest = entry.get(SOURCE_DIGEST)
    return digest if isinstance(digest, str) else None


def reuse_of(start: StartRecord) -> Reuse | None:
    """Which earlier flow run a flow run runs again, and what it takes over of it."""
    entry = {} if start.entry_point is None else json.loads(start.entry_point)
    if "reuses" in entry:
        return Reuse(*entry["reuses"].split("/"))
    return Reuse(entry["rerun_of"]) if "rerun_of" in entry else None


def _place_of(function: Callable[..., object]) -> dict[str, str]:
    name = getattr(function, "__qualname__", "<")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if "<" in name or file is None or module is None:
        return {}
    spec = getattr(module, "__spec__", None)
    full_name = module.__name__ if spec is None else spec.name
    path = Path(file).resolve()
    is_script = module.__name__ == "__main__" and spec is None
    if is_script or (module.__name__ != "__main__" and not is_importable(module.__name__)):
        return {"target": f"{path}:{name}", "directory": working_directory() or str(path.parent)}
    levels = full_name.count(".") + (path.name == "__init__.py")
    return {"target": f"{full_name}:{name}", "directory": str(path.parents[levels])}


def kept(run_id: str, flow_name: str, entry_point: str | None, parameters: Mapping[str, object]) -> str | None:
    """A flow run's arguments as text for its `StartRecord`; None if they cannot be kept."""
    return packed(parameters, place_of_start(run_id, flow_name, entry_point))


def arguments_of(start: StartRecord, run: FlowRun) -> dict[str, object]:
    """The arguments that a flow run was begun with.

    Raises:
        ResumeError: they were not kept, are not signed as they should be, or cannot be had here.
    """
    text, place, what = _arguments(start, run)
    return unpacked(text, place, what)


def program_of(start: StartRecord, run: FlowRun) -> dict[str, str] | None:
    """Where the flow of a run is found: its `target`, and the `directory` from which that can be imported.

    None if no other process finds it.

    Raises:
        ResumeError: with signing keys, that it was written by a holder of one is not known.
    """
    if start.entry_point is None:
        return None
    if signing.ring() is not None:
        text, place, what = _arguments(start, run)
        try:
            checked(text, place, what)
        except ResultUntrusted as error:
            raise ResumeError(str(error)) from error
    entry: dict[str, str] = json.loads(start.entry_point)
    return entry if "target" in entry else None


def _arguments(start: StartRecord, run: FlowRun) -> tuple[str, str, str]:
    if start.arguments is None:
        raise ResumeError(
            f"The arguments of the flow run {run.id} were not stored: they could not be pickled, or take more "
            "than 1 MiB. Call the flow again; give it paths or ids instead of large values."
        )
    place = place_of_start(run.id, run.flow_name, start.entry_point)
    return start.arguments, place, f"What is kept to resume the flow run {run.id}"
