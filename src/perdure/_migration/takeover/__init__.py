"""Taking over from Prefect's own database: what it knows of runs, blocks, variables and limits.

The source is read in one transaction and never written to. Everything has an id that follows from its id there, so that
taking over again adds only what is new since. What has no place here is kept in a file, row by row.
"""

from collections.abc import Mapping

from perdure._migration.takeover import artifacts, blocks, deployments, logs, others, runs
from perdure._migration.takeover.context import Context, Progress
from perdure._migration.takeover.left_over import KeptRows
from perdure._migration.takeover.source import Source, open_source
from perdure._migration.takeover.tally import Tallies, Tally
from perdure._model.errors import MigrationError
from perdure._platform.files import locked, make_private
from perdure._platform.named import NamedTuple
from perdure._settings import settings
from perdure._store.protocol import Orchestrator

__all__ = ["Takeover", "Tally", "take_over"]

_PREFECTS = {"flow", "flow_run", "flow_run_state", "task_run", "task_run_state", "log", "block_document"}


class Takeover(NamedTuple):
    """The outcome of taking a database over."""

    place: str  # the source, for people
    tallies: tuple[Tally, ...]
    file: str | None  # with the rows that are kept; None if there are none, or for a dry run
    kept_rows: int
    left: Mapping[str, int]  # rows of tables that are not read
    notes: tuple[str, ...] = ()  # what a person has to know or do

    @property
    def is_whole(self) -> bool:
        """Whether all that was read is in the target, or in the file."""
        return all(tally.is_whole for tally in self.tallies)


def take_over(url: str, target: Orchestrator, progress: Progress, *, dry_run: bool = False) -> Takeover:
    """Take over a database of Prefect 2's or 3's into an orchestrator. With `dry_run`, nothing is kept.

    Raises:
        MigrationError: it cannot be read, or is not one of Prefect's.
        OrchestratorError: the target refuses; what was taken until then stays, and taking over again adds the rest.
    """
    source = open_source(url)
    try:
        _check(source)
        home = settings.current().home
        make_private(home)
        with locked(home / "take-over.lock"):
            return _taken(source, target, progress, KeptRows(home, source.place, dry_run), dry_run)
    finally:
        source.close()


def _check(source: Source) -> None:
    missing = sorted(_PREFECTS - source.columns.keys())
    if missing:
        raise MigrationError(
            f"{source.place} is no database of Prefect 2's or 3's: it has no table {missing[0]!r}."
            " `prefect config view` shows PREFECT_API_DATABASE_CONNECTION_URL, which names it."
        )


def _taken(source: Source, target: Orchestrator, progress: Progress, kept: KeptRows, dry_run: bool) -> Takeover:
    context = Context(source, target, kept, Tallies(), progress, dry_run, [])
    for of in ("flows", "flow runs", "task runs", "states", "results", "log lines", "artifacts", "blocks"):
        context.tallies[of]  # in this order
    try:
        blocks.take_blocks(context)  # first: results lie in them
        others.take_variables(context)
        others.take_limits(context)
        before = others.flows_here(context)
        runs.take_flow_runs(context)
        runs.take_task_runs(context)
        logs.keep_orphans(context)
        artifacts.take_artifacts(context)
        deployments.take_deployments(context)
        others.keep_flows(context, before)
        others.keep_others(context)
        kept.finish()
    except BaseException:
        kept.abandon()
        raise
    file = str(kept.path) if kept.count and not dry_run else None
    tallies, left = tuple(context.tallies.values()), others.left_behind(context)
    return Takeover(source.place, tallies, file, kept.count, left, tuple(context.notes))
