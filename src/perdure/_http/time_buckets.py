"""Times in steps, for what is shown over time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from perdure._http.models import moment
from perdure._http.pages import Moment, micros
from perdure._model.errors import PerdureError
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros, system_clock

_DAY = 86_400_000_000  # microseconds


class Span(BaseModel):
    """A time, in equal steps."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[Moment | None, Field(description="A day ago, by default.")] = None
    until: Annotated[Moment | None, Field(description="Now, by default.")] = None
    steps: Annotated[int, Field(ge=1, le=200)] = 24

    def bounds(self) -> tuple[Micros, Micros, Micros]:
        """The beginning, the end, and the length of a step, at least a second."""
        until = micros(self.until)
        until = system_clock() if until is None else until
        since = micros(self.since)
        since = until - _DAY if since is None else since
        if since >= until:
            raise PerdureError("`since` must be before `until`.")
        return since, until, max(-(-(until - since) // self.steps), 1_000_000)


class Step(BaseModel):
    """The flow runs that were made in a step of the time."""

    begin: datetime
    counts: dict[StateType, int]


def steps_of(counted: Iterable[tuple[int, str, int]], since: Micros, length: Micros) -> list[Step]:
    """The steps of what was counted: (step, type of state, count)."""
    steps: dict[int, Step] = {}
    for which, kind, count in counted:
        step = steps.setdefault(which, Step(begin=moment(since + which * length), counts={}))
        step.counts[StateType(kind)] = count
    return list(steps.values())
