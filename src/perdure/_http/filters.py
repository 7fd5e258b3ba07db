"""Which runs and lines a list shows, by parameters of the request: what a cursor or a text means depends on the others.

They become a filter of `_model.filters`, and that the conditions of a statement: `_store.sql.filtered_lists`.
"""

import re
from typing import Annotated, Literal

from pydantic import Field

from perdure._http.pages import ById, Id, Listing, Moment, Plain, micros
from perdure._model.state_types import StateType
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.runs.records import RunFilter

_Part = Annotated[Plain | None, Field(description="Somewhere in it; upper and lower case differ.")]
_ID_START = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]*")


class RunsWanted(ById):
    """Filters of flow runs and of task runs."""

    q: Annotated[
        Plain | None,
        Field(description="In its name, that of its flow or task, its message or tags, in any case; or an id's start."),
    ] = None
    name: _Part = None
    state: Annotated[tuple[StateType, ...], Field(max_length=10, description="Any of these.")] = ()
    tag: Annotated[tuple[Plain, ...], Field(max_length=10, description="All of these.")] = ()
    created_after: Annotated[Moment | None, Field(description="At or after it.")] = None
    created_before: Moment | None = None
    started_after: Moment | None = None
    started_before: Moment | None = None
    ended_after: Moment | None = None
    ended_before: Moment | None = None

    def _filter(self, of: str | None, flow_run_id: str | None) -> RunFilter:
        is_oldest_first = self.sort == "created"
        is_id = self.q is not None and _ID_START.fullmatch(self.q) is not None
        return RunFilter(
            ids=(self.q.lower(),) if self.q is not None and is_id else (),
            text=None if is_id else self.q,
            name_part=self.name,
            of=of,
            states=self.state,
            flow_run_ids=() if flow_run_id is None else (flow_run_id,),
            tags=self.tag,
            after=micros(self.created_after),
            before=micros(self.created_before),
            started_after=micros(self.started_after),
            started_before=micros(self.started_before),
            ended_after=micros(self.ended_after),
            ended_before=micros(self.ended_before),
            older_than=None if is_oldest_first else self.cursor,
            newer_than=self.cursor if is_oldest_first else None,
            oldest_first=is_oldest_first,
            limit=self.limit,
        )


class FlowRunsWanted(RunsWanted):
    """Filters of flow runs."""

    flow: Annotated[Plain | None, Field(description="The flow's name, with underscores or with dashes.")] = None
    parent: Annotated[Id | None, Field(description="The flow run that called them.")] = None
    outermost: Annotated[bool | None, Field(description="Whether no other run called them.")] = None
    parameters: _Part = None
    worker: Annotated[Id | None, Field(description="The worker that started them and has not released them.")] = None

    def filter(self) -> RunFilter:
        """As the orchestrator has it, but for the worker."""
        return self._filter(self.flow, self.parent)._replace(outermost=self.outermost, parameters_part=self.parameters)


class TaskRunsWanted(RunsWanted):
    """Filters of task runs."""

    sort: Annotated[
        Literal["-created", "created", "-duration"],
        Field(description="The newest first, the oldest, or the longest of the newest 30,000: then on one page."),
    ] = "-created"  # type: ignore[assignment]
    task: Annotated[Plain | None, Field(description="The task's exact name.")] = None
    flow_run: Annotated[Id | None, Field(description="The flow run that called them.")] = None

    def filter(self) -> RunFilter:
        """As the orchestrator has it."""
        return self._filter(self.task, self.flow_run)


_Number = Annotated[str | None, Field(pattern=r"^[0-9]{1,18}$", description="`next` of the page before this one.")]


class LinesWanted(Listing):
    """Filters of logged lines."""

    flow_run: Annotated[Id | None, Field(description="Of it and of its task runs.")] = None
    subflows: Annotated[bool, Field(description="Of the flow runs below `flow_run` too, at most 1,000.")] = False
    task_run: Id | None = None
    level: Annotated[int | None, Field(ge=0, le=100, description="At least; 20 is INFO.")] = None
    text: _Part = None
    since: Annotated[Moment | None, Field(description="Logged at or after it.")] = None
    cursor: _Number = None
    sort: Annotated[Literal["-time", "time"], Field(description="The newest first, or the oldest.")] = "time"

    def filter(self) -> LogFilter:
        """As the orchestrator has it."""
        is_newest_first = self.sort == "-time"
        number = None if self.cursor is None else int(self.cursor)
        return LogFilter(
            flow_run_ids=() if self.flow_run is None else (self.flow_run,),
            task_run_ids=() if self.task_run is None else (self.task_run,),
            min_level=self.level,
            part=self.text,
            since=micros(self.since),
            after=None if is_newest_first else number or 0,
            before=number if is_newest_first else None,
            limit=self.limit,
        )
