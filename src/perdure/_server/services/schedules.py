"""The runs that schedules are due for."""

from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime


def make_scheduled_runs(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Make the runs of all schedules that are due, but of served deployments whose program is down."""
    most = runtime.settings.schedules_waiting_limit
    made = make_due_runs(runtime.clock(), runtime.orchestrator, runtime.serving, most)
    text = f"{made.schedules} schedules were due, and {made.runs} runs were made"
    return Outcome(text, is_done=made.schedules == 0)
