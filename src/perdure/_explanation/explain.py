"""Why a run called its function, or did not: from the records of it and of the runs before it."""

from typing import cast
from uuid import UUID

from perdure._explanation.comparison import compared, nearest_of
from perdure._explanation.facts import gather
from perdure._explanation.types import Component, Explanation, Involved
from perdure._explanation.verdict import verdict_of
from perdure._model.errors import RunMissing
from perdure._model.states import State
from perdure._results.lookup import find_run, known_runs
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure._run.pending import Pending
from perdure._store.protocol import Orchestrator

__all__ = ["Component", "Explanation", "Involved", "explain", "explain_run"]


def explain(run: "str | UUID | State[object] | Pending") -> Explanation:
    """Why a flow run or task run called its function, or why it did not; `str()` of it is to be read.

    The run is given by its id, its state or its future. It is compared with the nearest of the newest 1,000 runs of the
    same task or flow before it.

    Raises:
        RunMissing: there is no such run, or the state was made by hand.
    """
    known = cast("Orchestrator", known_runs())
    return explain_run(known, find_run(known, _id_of(run)))


def explain_run(known: Orchestrator, run: FlowRun | TaskRun) -> Explanation:
    """Why a run called its function, or why it did not, by what an orchestrator knows."""
    facts = gather(known, run)
    nearest = nearest_of(facts)
    components = compared(facts, nearest, known)
    return verdict_of(facts, nearest, components, known)


def _id_of(run: "str | UUID | State[object] | Pending") -> str:
    id = run.run_id if isinstance(run, State) else run.task_run_id if isinstance(run, Pending) else str(run)
    if id is None:
        raise RunMissing(
            f"{run!r} came from no run: it was made by hand. Give the state, the future or the id of a run."
        )
    return id
