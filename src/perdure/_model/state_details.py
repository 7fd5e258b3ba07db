"""What a state says besides its type, name and message: for code that looks at single facts of a run's state."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDetails:
    """Facts of a state; those that nobody has given, or that are not known, are None. Times are aware, in UTC."""

    flow_run_id: str | None = None
    task_run_id: str | None = None
    child_flow_run_id: str | None = None
    scheduled_time: datetime | None = None  # when the run is to begin, or to be tried again
    cache_key: str | None = None  # under which the value was kept or found
    cache_expiration: datetime | None = None  # until when it is used
    pause_timeout: datetime | None = None  # until when a paused run waits
    pause_reschedule: bool = False  # whether its process ends meanwhile
    pause_key: str | None = None


DETAILS = frozenset(field.name for field in fields(StateDetails))


def details_of(given: StateDetails | Mapping[str, object]) -> Mapping[str, object]:
    """Details by their names."""
    return asdict(given) if isinstance(given, StateDetails) else given
