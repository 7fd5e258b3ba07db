"""The outermost flow runs that are this process's, and what becomes of one that no longer is.

That a run is lost is noticed in two ways: a batch is refused (`_store.sql.fencing`), or the heartbeat finds, while
nothing is written, that another process has claimed the run. It may find, too, that the run is to be cancelled, or was
taken for crashed.
"""

from weakref import WeakValueDictionary

from perdure._engine.control.cancellation import stop_from_outside
from perdure._engine.port import Runtime
from perdure._engine.recovery.taken_over import lose, reclaimed
from perdure._model.records import Owner
from perdure._model.state_types import StateType
from perdure._run.context import FlowRunContext


class OwnedRuns:
    """Those of a session."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._runs: WeakValueDictionary[str, FlowRunContext] = WeakValueDictionary()
        runtime.orchestrator.hear_of_lost(self._lose)

    def add(self, run: FlowRunContext) -> None:
        """Report what comes of a flow run, and of all below it, under the claim by which it is ours."""
        self._runs[run.id] = run
        self._runtime.orchestrator.own(run.claim_of_root)

    def remove(self, run: FlowRunContext) -> None:
        """The run has ended here, and all of it is committed."""
        self._runs.pop(run.id, None)
        self._runtime.orchestrator.disown(run.id)

    def look_after(self, run: FlowRunContext) -> None:
        """Do what follows from how the run stands in the database.

        Raises:
            OrchestratorError: it cannot be asked.
        """
        standing = self._runtime.orchestrator.standing(run.id)
        if standing is None:
            return
        if abs(standing.epoch) > run.epoch:
            lose(run, self._runtime)
        elif standing.cancellation is not None:
            stop_from_outside(run, standing.cancellation, self._runtime)
        elif standing.state_type is StateType.CRASHED:
            self._runtime.report(reclaimed(run, self._runtime))

    def _lose(self, owner: Owner) -> None:
        run = self._runs.get(owner.flow_run_id)
        if run is not None and run.epoch == owner.epoch:
            lose(run, self._runtime)
