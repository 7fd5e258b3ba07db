"""What is asked and answered of logged lines."""

from typing import NamedTuple

from perdure._model.fields import Id, Number, Small
from perdure._platform.clock import Micros


class LogLine(NamedTuple):
    """A line that a run logged, with its number: those kept later have higher ones, but for a few at a time."""

    id: Number
    flow_run_id: Id | None
    task_run_id: Id | None
    time: Micros
    level: Small
    logger: str
    message: str


class LogFilter(NamedTuple):
    """Which lines. A field that is None or empty does not filter."""

    flow_run_ids: tuple[str, ...] = ()  # of these flow runs, and of the task runs that they called themselves
    task_run_ids: tuple[str, ...] = ()
    flow: str | None = None  # the flow's exact name
    min_level: int | None = None
    since: Micros | None = None  # logged at or after
    after: int | None = None  # with numbers above this one: the oldest of them first
    before: int | None = None  # with numbers below this one
    limit: int | None = None
    part: str | None = None  # somewhere in the message
