"""What a shell offers after Tab: names that are there.

A shell shows no errors: what cannot be read is not offered. And it inserts a name as it is: one that it would not take
as one plain word, but for instance as a command, is not offered either.
"""

import ast
import io
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from itertools import islice
from pathlib import Path

from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.automations.port import Automations
from perdure._rooms.runs.records import RunFilter
from perdure._rooms.runs.runs_by_name import flow_runs_called
from perdure._session import session
from perdure._settings import settings
from perdure.cli import find

_NEWEST = 200  # runs that names are taken from
_FILES = 100  # files of a folder that are read for flows


def _offered(names: Callable[[str], Iterable[str]]) -> Callable[[str], list[str]]:
    """What typer calls with the beginning of a word, for the words that begin so."""

    def offer(incomplete: str) -> list[str]:
        session.be_impatient(only_reads=True)
        try:
            with redirect_stderr(io.StringIO()):
                found = dict.fromkeys(name for name in names(incomplete) if name.startswith(incomplete))
                return [name for name in found if shlex.quote(name) == name]
        except Exception:  # whatever it is, the command itself will say it
            return []

    return offer


@_offered
def flow_runs(incomplete: str) -> Iterator[str]:
    """Names of the newest flow runs, and ids that begin so."""
    known = find.orchestrator()
    yield from (run.name for run in known.flow_runs(RunFilter(limit=_NEWEST)))
    if incomplete:
        yield from (run.id for run in known.flow_runs(RunFilter(ids=(incomplete,), limit=_NEWEST)))


@_offered
def task_runs(incomplete: str) -> Iterator[str]:
    """FLOW-RUN/NAME of the newest task runs, or of those in the flow run that is written already."""
    known = find.orchestrator()
    above, slash, _ = incomplete.rpartition("/")
    inside = tuple(run.id for run in flow_runs_called(above, known).runs[:_NEWEST]) if slash else ()
    found = known.task_runs(RunFilter(flow_run_ids=inside, limit=_NEWEST))
    parents = find.runs_by_id([run.flow_run_id for run in found if run.flow_run_id], known.flow_runs)
    for run in found:
        parent = parents.get(run.flow_run_id or "")
        yield run.name if parent is None else f"{parent.name}/{run.name}"


@_offered
def runs(incomplete: str) -> Iterator[str]:
    """Runs of both kinds."""
    yield from flow_runs(incomplete)
    yield from task_runs(incomplete)


@_offered
def flows(_: str) -> Iterator[str]:
    """Flows of the newest runs."""
    return (run.flow_name for run in find.orchestrator().flow_runs(RunFilter(limit=_NEWEST)))


@_offered
def tasks(_: str) -> Iterator[str]:
    """Tasks of the newest runs."""
    return (run.task_name for run in find.orchestrator().task_runs(RunFilter(limit=_NEWEST)))


@_offered
def blocks(_: str) -> Iterator[str]:
    """Slugs of the saved blocks."""
    return (f"{each.type}/{each.name}" for each in find.orchestrator().blocks() if each.name is not None)


@_offered
def artifacts(_: str) -> Iterator[str]:
    """Keys of the newest artifacts."""
    return (each.key for each in find.orchestrator().artifacts(ArtifactFilter(limit=_NEWEST)) if each.key is not None)


@_offered
def automations(_: str) -> Iterator[str]:
    """Automations."""
    return (each.name for each in find.orchestrator().room(Automations).all())


@_offered
def deployments(_: str) -> Iterator[str]:
    """Deployments, as FLOW/NAME."""
    return (f"{each.flow_name}/{each.name}" for each in find.orchestrator().deployments.all())


@_offered
def work_pools(_: str) -> Iterator[str]:
    """Work pools."""
    return (each.name for each in find.orchestrator().deployments.pools())


@_offered
def limits(_: str) -> Iterator[str]:
    """Concurrency and rate limits."""
    return (each.name for each in find.orchestrator().limits.all())


@_offered
def variables(_: str) -> Iterator[str]:
    """Variables."""
    return (each.name for each in find.orchestrator().variables())


@_offered
def setting_names(incomplete: str) -> Iterator[str]:
    """Names of settings, as one has begun to write them."""
    return (each.variable if incomplete.isupper() else name for name, each in settings.SETTINGS.items())


@_offered
def assignments(incomplete: str) -> Iterator[str]:
    """Names of settings, each before its value."""
    return (f"{name}=" for name in setting_names(incomplete))


@_offered
def profiles(_: str) -> Iterator[str]:
    """Saved profiles."""
    return iter(settings.profiles().names())


@_offered
def targets(incomplete: str) -> Iterator[str]:
    """Folders, and FILE.py:FLOW of the flows that files define; no file is imported."""
    written = incomplete.partition(":")[0]
    above = written.rpartition("/")[0] + "/" if "/" in written else ""
    for path in islice(sorted(Path(above or ".").iterdir()), _FILES):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield f"{above}{path.name}/"
        elif path.suffix == ".py":
            yield from (f"{above}{path.name}:{name}" for name in _flows_in(path))


def _flows_in(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                named = decorator.func if isinstance(decorator, ast.Call) else decorator
                if (named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", None)) == "flow":
                    yield node.name
