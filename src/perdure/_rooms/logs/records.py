"""Rows and the filter of logged lines."""

from typing import Annotated

from perdure._model.fields import Id, Number, Small
from perdure._model.filters import Rows, holds
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple


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

    # Of these flow runs, and of the task runs that they called themselves.
    flow_run_ids: Annotated[tuple[str, ...], Rows("flow_run_id IN ({})")] = ()
    task_run_ids: Annotated[tuple[str, ...], Rows("task_run_id IN ({})")] = ()
    flow: str | None = None  # the flow's name, by either of its spellings
    min_level: Annotated[int | None, Rows("level >= {}")] = None
    since: Annotated[Micros | None, Rows("time >= {}")] = None  # logged at or after
    after: Annotated[int | None, Rows("id > {}")] = None  # with numbers above this one: the oldest of them first
    before: Annotated[int | None, Rows("id < {}")] = None  # with numbers below this one
    limit: int | None = None
    part: Annotated[str | None, Rows(holds("message"))] = None  # somewhere in the message
    above: Annotated[int | None, Rows("id > {}")] = None  # with numbers above this one, in whatever order
