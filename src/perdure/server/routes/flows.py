"""Flows: what their runs add up to."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from perdure.core.clock import system_clock
from perdure.core.states import StateType
from perdure.orchestrator.reads import FlowSummary
from perdure.server.errors import answers
from perdure.server.models import FlowRunModel
from perdure.server.pages import Listing, Moment, Page, Plain, micros, page
from perdure.server.wiring import Asked

router = APIRouter(prefix="/flows", tags=["flows"], responses=answers())
_WEEK = 7 * 86_400_000_000  # microseconds


class FlowModel(BaseModel):
    """A flow, its newest run, and how many there are since a time."""

    name: str
    last_run: FlowRunModel
    last_created: datetime
    runs: int
    counts: dict[StateType, int]

    @classmethod
    def of(cls, flow: FlowSummary) -> "FlowModel":
        """The model of a summary."""
        last = FlowRunModel.of(flow.last)
        counts = {StateType(kind): count for kind, count in flow.counts.items()}
        return cls(name=flow.name, last_run=last, last_created=last.created, runs=sum(counts.values()), counts=counts)


class FlowsWanted(Listing):
    """Which flows."""

    cursor: Annotated[Plain | None, Field(description="`next` of the page before this one.")] = None
    since: Annotated[Moment | None, Field(description="Runs since then are counted; a week, by default.")] = None


@router.get("")
def list_flows(asked: Asked, wanted: Annotated[FlowsWanted, Query()]) -> Page[FlowModel]:
    """Flows by name."""
    since = micros(wanted.since)
    found = asked.flows(wanted.cursor, wanted.limit, system_clock() - _WEEK if since is None else since)
    return page(found, FlowModel.of)
