"""Concurrency limits and rate limits, and the runs that hold their slots."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment, time_of
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import LimitError, NotFound
from perdure._platform.clock import system_clock
from perdure._rooms.limits.records import Limit, Slot
from perdure._rooms.limits.store import MOST
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/limits", tags=["limits"], responses=ANSWERS)

Name = Annotated[Plain, Path(max_length=200)]


class SlotModel(BaseModel):
    """Slots that a run holds, or waits for while `taken` is null."""

    id: str
    occupy: int
    run_id: str | None
    process_id: str
    asked: datetime
    taken: datetime | None

    @classmethod
    def of(cls, slot: Slot) -> "SlotModel":
        """The model of a slot."""
        fields = {name: getattr(slot, name) for name in ("id", "occupy", "run_id", "process_id")}
        return cls(**fields, asked=moment(slot.asked), taken=time_of(slot.taken))


class LimitModel(BaseModel):
    """A limit: with `slot_decay_per_second` a rate limit, otherwise a concurrency limit."""

    name: str
    slots: int
    taken: int
    waiting: Annotated[int, Field(description="The number of requests in the queue.")]
    slot_decay_per_second: float | None
    created: datetime
    line: Annotated[list[SlotModel], Field(description="Runs that hold slots or wait, in order of arrival.")]

    @classmethod
    def of(cls, limit: Limit, known: EmbeddedOrchestrator) -> "LimitModel":
        """The model of a limit, with its queue."""
        line = known.limits.slots(limit.name)
        return cls(
            name=limit.name,
            slots=limit.slots,
            taken=sum(slot.occupy for slot in line if slot.taken is not None),
            waiting=sum(slot.taken is None for slot in line),
            slot_decay_per_second=limit.decay,
            created=moment(limit.created),
            line=[SlotModel.of(slot) for slot in line],
        )


class NewLimit(BaseModel):
    """The new values of a limit."""

    model_config = ConfigDict(extra="forbid")

    slots: Annotated[int, Field(ge=0, le=MOST)]
    slot_decay_per_second: Annotated[float | None, Field(gt=0, le=1e9, allow_inf_nan=False)] = None


@router.get("")
def list_limits(known: Known) -> list[LimitModel]:
    """All limits, by name."""
    return [LimitModel.of(limit, known) for limit in known.limits.all()]


@router.get("/{name:text}")
def get_limit(name: Name, known: Known) -> LimitModel:
    """One limit."""
    return LimitModel.of(_found(name, known), known)


@router.put("/{name:text}")
@needs(Scope.ADMIN)
def set_limit(name: Name, given: NewLimit, known: Known) -> LimitModel:
    """Create or change a limit: runs keep their slots and their positions in the queue."""
    before = next((limit for limit in known.limits.all() if limit.name == name), None)
    decay = given.slot_decay_per_second
    if before is not None and before.decay is None and decay is not None and known.limits.slots(name):
        raise LimitError(f"The slots of {name!r} are in use: it cannot become a rate limit now.")
    known.limits.put(Limit(name, given.slots, decay, system_clock() if before is None else before.created))
    return LimitModel.of(_found(name, known), known)


@router.delete("/{name:text}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.ADMIN)
def delete_limit(name: Name, known: Known) -> None:
    """Delete a limit: tasks that wait for its slots continue."""
    if not known.limits.delete(name):
        raise _missing(name)


def _found(name: str, known: EmbeddedOrchestrator) -> Limit:
    for limit in known.limits.all():
        if limit.name == name:
            return limit
    raise _missing(name)


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no limit {name!r}.")


ROUTERS = (router,)
