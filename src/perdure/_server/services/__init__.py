"""The background services of a server: each in a thread, and on one server of a database at a time.

What a service does is in the room or the part of the engine that it is about; here is when, and what it came to.
"""

from collections.abc import Collection

from perdure._engine.control.requests import end_unanswered
from perdure._engine.coordination.limiter import free_lost
from perdure._engine.recovery.lost_runs import end_lost
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._server.services.automations import AutomationService
from perdure._server.services.deliveries import Deliveries
from perdure._server.services.events import Events
from perdure._server.services.file_triggers import Files
from perdure._server.services.late_runs import find_late
from perdure._server.services.loop import Loop, Outcome, Work
from perdure._server.services.runtime import ServiceRuntime
from perdure._settings.fields import Settings

_GRACE_SECONDS = 5.0  # for what is being sent; what was not is sent again by another server
SERVICES = {
    "lost": "Marks runs Crashed whose process is lost, and releases their slots of limits.",
    "late": "Finds flow runs that are late or stuck.",
    "schedules": "Makes the runs that schedules are due for.",
    "events": "Makes events of states, and of results with names of the user's.",
    "files": "Looks for the files that automations wait for.",
    "automations": "Does what automations say about events, and about their absence.",
    "hooks": "Sends events to webhooks and notifications.",
}


def interval_of(name: str, chosen: Settings) -> float:
    """How often a service runs, in seconds; 0 if it is switched off."""
    found: float = getattr(chosen, f"service_{'automations' if name == 'files' else name}_seconds")
    return found


def end_lost_runs(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Mark runs Crashed whose process is lost, release their slots, and mark those Failed that nobody continued."""
    orchestrator = runtime.orchestrator
    ended, unanswered = end_lost(runtime), end_unanswered(runtime)
    freed = sum(free_lost(limit.name, orchestrator, runtime.liveness) for limit in orchestrator.limits.all())
    return Outcome(f"{len(ended)} marked Crashed, {freed} slots freed, {len(unanswered)} not continued in time")


def make_scheduled_runs(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Make the runs of all schedules that are due, but of served deployments whose program is down."""
    most = runtime.settings.schedules_waiting_limit
    made = make_due_runs(runtime.clock(), runtime.orchestrator, runtime.serving, most)
    text = f"{made.schedules} schedules were due, and {made.runs} runs were made"
    return Outcome(text, is_done=made.schedules == 0)


class Services:
    """The services that the settings switch on; of them those with some names, or all."""

    def __init__(self, runtime: ServiceRuntime, names: Collection[str] = tuple(SERVICES)) -> None:
        self._runtime = runtime
        self._deliveries = Deliveries()
        works: dict[str, Work] = {
            "lost": end_lost_runs,
            "late": find_late,
            "schedules": make_scheduled_runs,
            "events": Events(),
            "files": Files(),
            "automations": AutomationService(),
            "hooks": self._deliveries,
        }
        intervals = {name: interval_of(name, runtime.settings) for name in works}
        chosen = {name: work for name, work in works.items() if intervals[name] and name in names}
        self._loops = [Loop(name, intervals[name], work, runtime) for name, work in chosen.items()]

    def start(self) -> None:
        """Begin."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Finish what is being done, and end."""
        for loop in self._loops:
            loop.stop()
        for loop in self._loops:
            loop.join()
        self._deliveries.join(_GRACE_SECONDS)
        self._runtime.close()
