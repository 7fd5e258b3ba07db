"""What a flow run called, over time: as columns, since there may be many thousands."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field

from perdure._model.state_types import StateType
from perdure._model.stopped_runs import was_stopped
from perdure._platform.clock import Micros
from perdure._store.reads import Bar, Reads

_Times = Annotated[list[float | None], Field(description="Milliseconds since 1970, UTC.")]


class Timeline(BaseModel):
    """Task runs and flow runs that a flow run called, oldest first: the items of one index in all columns are one
    run's."""

    id: list[str]
    of_task: list[bool]
    name: list[str]
    of: Annotated[list[str], Field(description="The task or the flow.")]
    state_type: list[StateType | None]
    state_name: list[str | None]
    created: _Times
    started: _Times
    ended: _Times
    run_count: list[int]
    is_stopped: Annotated[list[bool], Field(description="Whether its process was lost, some time before `ended`.")]
    counts: Annotated[dict[StateType, int], Field(description="Of all its runs, by their states.")]
    changed: Annotated[
        float | None, Field(description="When the last of these came to its state, in milliseconds since 1970.")
    ]
    next: Annotated[str | None, Field(description="The cursor of the next page.")]


def timeline_of(flow_run_id: str, asked: Reads, after: str | None, limit: int, since: Micros | None = None) -> Timeline:
    """A page of a flow run's timeline; with `since`, of what came to its state then or later."""
    bars, following = asked.bars(flow_run_id, after, limit, since)

    def column(of: Callable[[Bar], object]) -> list[Any]:
        return [of(bar) for bar in bars]

    return Timeline(
        id=column(lambda bar: bar.id),
        of_task=column(lambda bar: bar.of_task),
        name=column(lambda bar: bar.name),
        of=column(lambda bar: bar.of),
        state_type=column(lambda bar: bar.state_type),
        state_name=column(lambda bar: bar.state_name),
        created=column(lambda bar: _ms(bar.created)),
        started=column(lambda bar: _ms(bar.started)),
        ended=column(lambda bar: _ms(bar.ended)),
        run_count=column(lambda bar: bar.run_count),
        is_stopped=column(_was_stopped),
        changed=_ms(max((bar.changed for bar in bars), default=None)),
        counts={StateType(kind): count for kind, count in asked.counts_within(flow_run_id).items()},
        next=following,
    )


def _was_stopped(bar: Bar) -> bool:
    return was_stopped(None if bar.state_type is None else StateType(bar.state_type), bar.state_message)


def _ms(time: Micros | None) -> float | None:
    return None if time is None else time / 1_000
