"""Hooks: subscribers of events, and their deliveries."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from perdure._http.authorisation import needs
from perdure._http.dependencies import Asked, Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment
from perdure._http.pages import Id, Listing, Page, PathId, Plain, page
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._platform.clock import system_clock
from perdure._rooms.events.hooks import KINDS, notification, webhook
from perdure._rooms.events.port import Delivery, EventFilter, Hook
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.reads import Reads

router = ApiRouter(prefix="/hooks", tags=["hooks"], responses=ANSWERS)
_Kinds = Annotated[list[Plain], Field(min_length=1, max_length=30, examples=[["flow-run.failed", "flow-run.crashed"]])]


class HookModel(BaseModel):
    """A subscriber of events. Secret parts of the URL are redacted."""

    id: str
    way: Literal["webhook", "notification"]
    shown: str
    kinds: list[str]
    flow_name: str | None
    is_signed: bool
    is_private: Annotated[bool, Field(description="Whether its address may be one that is not public.")]
    created: datetime

    @classmethod
    def of(cls, hook: Hook) -> "HookModel":
        """The model of a hook."""
        return cls(
            id=hook.id,
            way=hook.way,
            shown=hook.shown,
            kinds=hook.kinds.split(","),
            flow_name=hook.flow_name,
            is_signed=hook.secret is not None,
            is_private=hook.private,
            created=moment(hook.created),
        )


class NewHook(BaseModel):
    """A hook to create: a URL that takes a POST, or for a notification an Apprise URL."""

    model_config = ConfigDict(extra="forbid")

    way: Literal["webhook", "notification"] = "webhook"
    url: Annotated[SecretStr, Field(min_length=1, max_length=4_000)]
    kinds: _Kinds
    flow_name: Plain | None = None
    secret: Annotated[SecretStr | None, Field(max_length=1_000, description="Signs the deliveries of a webhook.")] = (
        None
    )
    is_private: bool = False


class DeliveryModel(BaseModel):
    """An event for a hook: the time of the next or the last attempt, and its outcome."""

    id: str
    hook_id: str
    event_id: str
    event_kind: str | None
    run_id: str | None
    state: Literal["waiting", "delivered", "failed"]
    due: datetime
    attempts: int
    outcome: str | None


class DeliveriesWanted(Listing):
    """Which deliveries."""

    cursor: Annotated[Id | None, Field(description="`next` of the page before this one.")] = None
    hook: Annotated[Id | None, Field(description="Of this hook.")] = None
    state: Literal["waiting", "delivered", "failed"] | None = None


@router.get("")
def list_hooks(known: Known) -> list[HookModel]:
    """All hooks, oldest first."""
    return [HookModel.of(hook) for hook in known.services.hooks()]


@router.get("/kinds")
def list_event_kinds() -> list[str]:
    """The kinds of events that hooks can subscribe to; `flow-run.*` and `task-run.*` stand for all of each."""
    return ["flow-run.*", "task-run.*", *sorted(KINDS)]


@router.post("", status_code=HTTPStatus.CREATED)
@needs(Scope.ADMIN)
def create_hook(new: NewHook, known: Known) -> HookModel:
    """Deliver events to a URL, each at least once, by the servers of this database."""
    url = new.url.get_secret_value()
    if new.way == "notification":
        hook = notification(url, new.kinds, new.flow_name)
    else:
        secret = None if new.secret is None else new.secret.get_secret_value()
        hook = webhook(url, secret, new.kinds, new.flow_name, new.is_private)
    known.services.put_hook(hook)
    return HookModel.of(hook)


@router.get("/deliveries")
def list_deliveries(known: Known, asked: Asked, wanted: Annotated[DeliveriesWanted, Query()]) -> Page[DeliveryModel]:
    """Deliveries, newest first."""
    found = asked.deliveries(wanted.hook, wanted.state, wanted.cursor, wanted.limit)
    events = _events(found.items, known)
    return page(found, lambda each: _model(each, events))


@router.post("/deliveries/{id}/retry")
@needs(Scope.ADMIN)
def retry_delivery(id: PathId, known: Known, asked: Asked) -> DeliveryModel:
    """Deliver it again soon, whatever its outcome."""
    again = _delivery(id, asked)._replace(state="waiting", due=system_clock(), attempts=0)
    known.services.note_delivery(again)
    return _model(again, _events([again], known))


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.ADMIN)
def delete_hook(id: PathId, known: Known) -> None:
    """Delete a hook, with its deliveries."""
    if not known.services.delete_hook(id):
        raise NotFound(f"No hook has the id {id!r}.")


def _delivery(id: str, asked: Reads) -> Delivery:
    found = asked.delivery(id)
    if found is None:
        raise NotFound(f"No delivery has the id {id!r}.")
    return found


def _events(deliveries: list[Delivery], known: EmbeddedOrchestrator) -> dict[str, tuple[str, str]]:
    """Kinds and runs of the events, by their ids."""
    ids = tuple({each.event_id for each in deliveries})
    found = known.services.events(EventFilter(ids=ids)) if ids else ()
    return {event.id: (event.kind, event.run_id) for event in found}


def _model(delivery: Delivery, events: dict[str, tuple[str, str]]) -> DeliveryModel:
    kind, run_id = events.get(delivery.event_id, (None, None))
    return DeliveryModel(**delivery._asdict() | {"due": moment(delivery.due)}, event_kind=kind, run_id=run_id)
