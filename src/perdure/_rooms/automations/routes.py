"""Automations, and the log of what each one saw and did."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path
from pydantic import BaseModel, Field

from perdure._automations.definition import AutomationDefinition, Name
from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment, parsed, time_of
from perdure._http.pages import Page, Plain
from perdure._http.query_parameters import listed, wanted
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._platform.clock import system_clock
from perdure._rooms.automations.definition_json import definition_of, new_automation
from perdure._rooms.automations.port import Automation, Automations, Details, LogEntry, LogFilter, Outcome
from perdure._rooms.automations.unknown_names import unknown_names
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/automations", tags=["automations"], responses=ANSWERS)
_Named = Annotated[Plain, Path(max_length=100, description="The automation's name.")]


class LogEntryModel(BaseModel):
    """What an automation did about an event, or at a time; or why it did nothing."""

    id: str
    time: datetime
    event_id: str | None
    event_kind: str | None
    outcome: Outcome
    reason: str
    is_done: Annotated[bool, Field(description="Whether all that it was to do has been done.")]
    chain: Annotated[list[str], Field(description="The automations that led to the event.")]
    actions: Annotated[
        list[dict[str, object]], Field(description="The outcome of each action: a run, an event, an error.")
    ]

    @classmethod
    def of(cls, entry: LogEntry) -> "LogEntryModel":
        """The model of a record."""
        fields = {name: getattr(entry, name) for name in ("id", "event_id", "event_kind", "outcome", "reason")}
        more = Details.of(parsed(entry.details))._asdict()
        return cls(**fields, time=moment(entry.time), is_done=entry.phase == "done", **more)


class AutomationModel(BaseModel):
    """An automation: what it waits for, and what it does then."""

    id: str
    name: str
    definition: Annotated[
        AutomationDefinition | None,
        Field(description="Null of one that a later version made, which does nothing here."),
    ]
    paused: datetime | None
    since: Annotated[datetime, Field(description="It has seen all events from then on.")]
    due: Annotated[datetime | None, Field(description="When it acts next if nothing comes; null if nothing is due.")]
    created: datetime
    updated: datetime
    last: Annotated[LogEntryModel | None, Field(description="When it acted last.")]
    warnings: Annotated[
        list[str],
        Field(description="What it names that is not there: a deployment, a flow, a storage, a work pool."),
    ]


@router.get("")
def list_automations(known: Known) -> list[AutomationModel]:
    """All automations, by name."""
    return [_model(each, known) for each in known.room(Automations).all()]


@router.get("/{name}")
def get_automation(name: _Named, known: Known) -> AutomationModel:
    """One automation."""
    return _model(_found(name, known), known)


@router.put("/{name}")
@needs(Scope.ADMIN)
def put_automation(name: Annotated[Name, Path()], definition: AutomationDefinition, known: Known) -> AutomationModel:
    """Create an automation, or change the one with this name. It sees the events that come from now on."""
    return _model(known.room(Automations).put(new_automation(name, definition, system_clock())), known)


@router.post("/{name}/{action}")
@needs(Scope.WRITE)
def pause_automation(
    name: _Named, action: Annotated[str, Path(pattern="^(pause|resume)$")], known: Known
) -> AutomationModel:
    """Pause an automation, so that it sees no events; or resume it, so that it sees those that come from now on."""
    known.room(Automations).pause(_found(name, known).id, action == "pause", system_clock())
    return _model(_found(name, known), known)


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.ADMIN)
def delete_automation(name: _Named, known: Known) -> None:
    """Delete an automation with its log."""
    known.room(Automations).delete(_found(name, known).id)


@router.get("/{name}/log")
def list_automation_log(
    name: _Named, known: Known, wanted: Annotated[LogFilter, Depends(wanted(LogFilter))]
) -> Page[LogEntryModel]:
    """What an automation saw and did, and why it did nothing, newest first."""
    filter = wanted._replace(automation_id=_found(name, known).id)
    return listed(known.room(Automations).log, filter, LogEntryModel.of)


def _found(name: str, known: EmbeddedOrchestrator) -> Automation:
    found = known.room(Automations).named(name)
    if found is None:
        raise NotFound(f"There is no automation {name!r}.")
    return found


def _model(of: Automation, known: EmbeddedOrchestrator) -> AutomationModel:
    acted = LogFilter(automation_id=of.id, outcomes=("acts", "failed"), limit=1)
    last = known.room(Automations).log(acted)
    definition = definition_of(of)
    return AutomationModel(
        id=of.id,
        name=of.name,
        definition=definition,
        paused=time_of(of.paused),
        since=moment(of.since),
        due=time_of(of.due) if of.due is not None and of.paused is None else None,
        created=moment(of.created),
        updated=moment(of.updated),
        last=next(map(LogEntryModel.of, last), None),
        warnings=[] if definition is None else unknown_names(definition, known),
    )


ROUTERS = (router,)
