"""Runs that end without their process: those that have lost it, with its slots, and suspended ones that time out."""

from perdure._engine.control.requests import end_unanswered
from perdure._engine.coordination.limiter import free_lost
from perdure._engine.recovery.lost_runs import end_lost
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime


def end_lost_runs(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Mark runs Crashed whose process is lost, release their slots, and mark those Failed that nobody continued."""
    orchestrator = runtime.orchestrator
    ended, unanswered = end_lost(runtime), end_unanswered(runtime)
    freed = sum(free_lost(limit.name, orchestrator, runtime.liveness) for limit in orchestrator.limits.all())
    return Outcome(f"{len(ended)} marked Crashed, {freed} slots freed, {len(unanswered)} not continued in time")
