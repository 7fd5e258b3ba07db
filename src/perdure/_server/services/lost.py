"""Lost runs: those whose process has ended, and the slots that it held."""

from perdure._engine.coordination.limiter import free_lost
from perdure._engine.recovery.resumption import end_lost
from perdure._server.services.loop import Outcome
from perdure._server.services.world import ServiceWorld


def end_lost_runs(world: ServiceWorld, _: int | None) -> Outcome:
    """Mark runs Crashed whose process is lost, and release their slots."""
    known = world.orchestrator
    ended = end_lost(world)
    freed = sum(free_lost(limit.name, known, world.liveness) for limit in known.limits.all())
    return Outcome(f"{len(ended)} marked Crashed, {freed} slots freed")
