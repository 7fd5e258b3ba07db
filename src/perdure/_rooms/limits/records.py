"""What is kept of limits, and of who holds or waits for their slots."""

from perdure._model.fields import Id, Small
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

MISSING = "limit.missing"  # the kind of events of limits that runs ask for and that are not there
RESOURCE = "perdure.limit."  # what the id of such an event's resource begins with: the limit's name follows


class Limit(NamedTuple):
    """How many may be at something at once or, with `decay`, how often."""

    name: str  # tasks with this tag are limited by it
    slots: Small
    decay: float | None  # slots that come back each second; None where they come back when they are released
    created: Micros


class Slot(NamedTuple):
    """Slots of a limit that somebody holds, or waits for. They go with their process."""

    id: Id
    name: str  # the limit's
    occupy: Small  # how many slots
    process_id: Id
    run_id: Id | None
    asked: Micros
    taken: Micros | None = None  # None while it waits
