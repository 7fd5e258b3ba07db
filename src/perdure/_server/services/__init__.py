"""The background services of a server: each in a thread, and on one server of a database at a time."""

from perdure._server.services.deliveries import Deliveries
from perdure._server.services.events import Events
from perdure._server.services.late import find_late
from perdure._server.services.loop import Loop, Work
from perdure._server.services.lost import end_lost_runs
from perdure._server.services.runtime import ServiceRuntime
from perdure._server.services.schedules import make_scheduled_runs

_GRACE_SECONDS = 5.0  # for what is being sent; what was not is sent again by another server
SERVICES = {
    "lost": "Marks runs Crashed whose process is lost, and releases their slots of limits.",
    "late": "Finds flow runs that are late or stuck.",
    "schedules": "Makes the runs that schedules are due for.",
    "events": "Makes events of states.",
    "hooks": "Tells webhooks and notifications of events.",
}


class Services:
    """The services that the settings switch on."""

    def __init__(self, runtime: ServiceRuntime) -> None:
        self._runtime = runtime
        self._deliveries = Deliveries()
        works: dict[str, Work] = {
            "lost": end_lost_runs,
            "late": find_late,
            "schedules": make_scheduled_runs,
            "events": Events(),
            "hooks": self._deliveries,
        }
        intervals = {name: getattr(runtime.settings, f"service_{name}_seconds") for name in works}
        self._loops = [Loop(name, intervals[name], work, runtime) for name, work in works.items() if intervals[name]]

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
