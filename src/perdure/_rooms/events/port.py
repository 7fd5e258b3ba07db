"""The background services of a server, the events that they create, and the hooks that receive them."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from perdure._model.fields import Id, JsonObject, Small, Tags
from perdure._model.filters import CURSOR, OfFlow, Parameter, Rows
from perdure._model.flow_names import is_same_flow
from perdure._model.ports import administers
from perdure._platform.clock import Micros
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple


class Service(NamedTuple):
    """Something that is done again and again, by one server at a time."""

    name: str
    process_id: Id  # who does it, or did it last
    due: Micros  # nobody else does it before
    ended: Micros | None = None  # the last time that it was done
    outcome: str | None = None  # what that came to, for people
    cursor: int | None = None  # how far it has come


ARRIVAL = 1 << 10  # an arrival counts microseconds, and its low bits distinguish writers


class SeenState(NamedTuple):
    """A state that became an event: of a flow run, or the failure of a task run."""

    run_id: Id
    arrival: int  # in the order of which they are read
    of_task: bool
    type: str
    name: str
    message: str | None
    time: Micros
    run_name: str
    flow_run_id: Id | None
    flow_name: str | None
    task_name: str | None
    tags: Tags  # a JSON list
    deployment: str | None = None  # that the flow run was made of: FLOW/NAME
    partition: str | None = None


class SeenResult(NamedTuple):
    """A result that was written under a key of the user's, and that no event has been made of yet."""

    arrival: int  # in the order of which they are read
    run_id: Id
    of_task: bool
    storage_id: Id
    storage_key: str
    digest: str
    type: str
    size: int | None
    created: Micros
    before: str | None  # the digest of the version before, if one was seen
    run_name: str
    flow_run_id: Id | None
    flow_name: str | None
    task_name: str | None
    tags: Tags  # a JSON list
    deployment: str | None
    partition: str | None


OF_STATES = ("flow-run.", "task-run.")  # how the kinds of events begin that servers make of states
NO_RUN = "00000000-0000-0000-0000-000000000000"


class Event(NamedTuple):
    """Something that happened to a run, or that a program says to have happened."""

    id: Id  # if made of a state: of what it is about, so that it is the same whoever finds it
    time: Micros
    kind: str  # such as "flow-run.completed"
    run_id: Id  # NO_RUN, if it was emitted outside all runs
    flow_name: str | None
    payload: JsonObject  # a JSON object


class Hook(NamedTuple):
    """A receiver of events: a webhook, or an Apprise service."""

    id: Id
    way: Literal["webhook", "notification"]
    shown: str  # the URL without what is secret
    url: str  # encrypted, as blocks' secrets are
    secret: str | None  # the same, of a webhook's signatures
    kinds: str  # separated by commas; "flow-run.*" stands for all of flow runs
    flow_name: str | None  # only events of this flow's runs
    private: bool  # whether it may lead to an address that is not public
    created: Micros


def wants(hook: Hook, event: Event) -> bool:
    """Whether a hook is to receive an event."""
    if hook.flow_name is not None and not is_same_flow(hook.flow_name, event.flow_name):
        return False
    return any(
        event.kind.startswith(kind[:-1]) if kind.endswith("*") else event.kind == kind for kind in hook.kinds.split(",")
    )


def deliveries_of(events: Sequence["Event"], hooks: Sequence[Hook], now: Micros) -> "list[Delivery]":
    """The deliveries of events to those of the hooks that want them."""
    return [
        Delivery(new_id(), hook.id, event.id, "waiting", now)
        for event in events
        for hook in hooks
        if wants(hook, event)
    ]


class Delivery(NamedTuple):
    """A delivery of an event to a hook, attempted once or more often."""

    id: Id
    hook_id: Id
    event_id: Id
    state: Literal["waiting", "delivered", "failed"]
    due: Micros  # when it is tried next; when it was tried last, at its end
    attempts: Small = 0
    outcome: str | None = None  # what the last attempt came to


class EventFilter(NamedTuple):
    """Which events, newest first. A field that is None or empty does not filter."""

    ids: Annotated[tuple[str, ...], Rows("id IN ({})")] = ()
    # Exact, or with a `*` at its end.
    kind: Annotated[
        str | None,
        Rows("kind = {}", beginning="substr(kind, 1, length(CAST({} AS text))) = {}"),
        Parameter("kind", 'Such as "flow-run.failed"; "flow-run.*" for all of them.'),
    ] = None
    flow_name: Annotated[
        str | None, OfFlow("flow_name IN ({})"), Parameter("flow", "The flow's name, with underscores or with dashes.")
    ] = None
    run_id: Annotated[Id | None, Rows("run_id = {}"), Parameter("run", "Of this run.")] = None
    # With ids before this one: to continue from the last one of a page.
    older_than: Annotated[Id | None, Rows("id < {}"), CURSOR] = None
    limit: int | None = None


class Services(Protocol):
    """The services of all servers on one database. Any thread may use it."""

    @administers
    def claim(self, service: Service, now: Micros, instead_of: str | None) -> bool:
        """Have a process do a service until `due`; False if another one does, or it is not due.

        `instead_of` is a process that is gone: what it does counts as due. Of several that claim it, one has it.
        """

    @administers
    def finish(self, service: Service) -> bool:
        """Note what a service came to, and when it is due; False if another process has it by now."""

    @administers
    def all(self) -> Sequence[Service]:
        """All services that were ever done, sorted by name."""

    @administers
    def states_after(self, arrival: int, limit: int) -> Sequence[SeenState]:
        """States of flow runs, and failures of task runs, that came after one, in order."""

    @administers
    def last_sign(self, flow_run_id: str) -> Micros | None:
        """When a flow run last logged something, or a task run of it came to a state."""

    @administers
    def add_events(self, events: Sequence[Event], deliveries: Sequence[Delivery]) -> int:
        """Add events with their deliveries, in one transaction; how many are new. Others change nothing."""

    @administers
    def named_results(self, limit: int) -> Sequence[SeenResult]:
        """Results under users' keys of which no events have been made, in the order in which they were committed.

        Only those that were committed since a service first made events.
        """

    @administers
    def settle_results(
        self, seen: Sequence[SeenResult], events: Sequence[Event], deliveries: Sequence[Delivery]
    ) -> bool:
        """Add the events of results, and note these as the versions of their keys; all or nothing.

        False if somebody else has done so for one of them.
        """

    @administers
    def events(self, filter: EventFilter) -> Sequence[Event]:
        """Events, newest first."""

    @administers
    def forget_events(self, before: Micros) -> int:
        """Delete older events, and their deliveries; how many."""

    @administers
    def put_hook(self, hook: Hook) -> None:
        """Add a hook."""

    @administers
    def hooks(self) -> Sequence[Hook]:
        """All hooks, oldest first."""

    @administers
    def delete_hook(self, id: str) -> bool:
        """Forget a hook, with its deliveries; whether there was one."""

    @administers
    def deliveries(self, hook_id: str | None, state: str | None, limit: int) -> Sequence[Delivery]:
        """Deliveries, newest first."""

    @administers
    def due_deliveries(
        self, now: Micros, limit: int, *, of: str | None = None, besides: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Deliveries that wait and are due, longest due first: of one hook, or of all besides some hooks."""

    @administers
    def claim_delivery(self, delivery: Delivery, until: Micros) -> bool:
        """Have nobody else try a delivery before a time; False if somebody else has claimed or tried it."""

    @administers
    def note_delivery(self, delivery: Delivery) -> None:
        """Note what an attempt came to."""


PORT = Services
