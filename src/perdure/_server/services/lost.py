"""Lost runs: those whose process has ended, and the slots that it held."""

from perdure._engine.coordination.limiter import free_lost
from perdure._engine.recovery.lost_runs import end_lost
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime


def end_lost_runs(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Mark runs Crashed whose process is lost, and release their slots."""
    orchestrator = runtime.orchestrator
    ended = end_lost(runtime)
    freed = sum(free_lost(limit.name, orchestrator, runtime.liveness) for limit in orchestrator.limits.all())
    return Outcome(f"{len(ended)} marked Crashed, {freed} slots freed")
