"""The current run, in context variables."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from perdure._model.argument_binding import Passed
from perdure._model.dumped import Dumped
from perdure._model.errors import MissingContext
from perdure._model.options import FlowOptions, RunOptions, TaskOptions
from perdure._model.records import Owner, ResultRecord, WaitRecord
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform import forks
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.named import NamedTuple
from perdure._run.arguments import is_atom
from perdure._run.child_states import Children
from perdure._run.controller import RunController
from perdure._run.pending import Pending


class Submitted(Protocol):
    """A submitted task that has not ended."""

    def stop(self) -> None:
        """Cancel it, if it has not begun or if it awaits."""

    def crash(self, error: BaseException) -> None:
        """End its run, since nobody waits for it any more."""


OptionsT = TypeVar("OptionsT", bound=RunOptions)


class _Run(Dumped, Generic[OptionsT]):
    """The context of a run: its identity, its state, its place."""

    dumped: ClassVar[tuple[str, ...]] = (
        "id",
        "name",
        "parameters",
        "tags",
        "run_count",
        "state_type",
        "state_name",
        "start_time",
        "end_time",
    )

    __slots__ = (
        "began",
        "claim",
        "collect",
        "created",
        "generation",
        "id",
        "identity",
        "items",
        "name",
        "options",
        "owner",
        "parameters",
        "parent",
        "passed",
        "persisted",
        "place",
        "run_count",
        "serializer",
        "state",
        "step",
        "storage",
        "tags",
        "transaction",
    )

    is_drawn = False  # whether it only stands for a run, while its flow is drawn

    def __init__(
        self,
        id: str,
        name: str,
        owner: Any,
        options: OptionsT,
        parameters: dict[str, Any],
        tags: frozenset[str],
        parent: "RunContext | None",
        created: Micros,
        persisted: bool = False,
    ) -> None:
        self.id = id
        self.name = name
        self.owner = owner  # the Flow or Task
        self.options = options
        self.parameters = parameters
        self.tags = tags
        self.parent = parent
        self.created = created
        self.persisted = persisted  # whether its result is to be: see `_engine.lifecycle.runs.persists`
        self.began: Micros | None = None  # when it ran first, in this process
        self.passed: Passed | None = None  # how its call passed them, where that is known
        self.generation = forks.generation
        self.run_count = 0
        self.collect = True  # whether a generator's items are kept, to be its value
        self.items: Any = None  # of a generator, how far it has come: see `_engine.lifecycle.items`
        self.identity: str | None = None  # within the parent flow run
        self.step: str | None = None  # what the identity was made of, as JSON
        self.place: int | None = None  # among the parent flow run's children
        self.claim: str | None = None  # the cache key whose value it computes, so that others need not
        self.transaction: Any = None  # the Transaction whose commit its result waits for
        self.state: State[object] | None = None
        self.storage: Any = None  # a Storage, once known
        self.serializer: Any = None  # a Serializer, once known

    # What hooks, and functions that are given a run, may ask of it.

    @property
    def state_type(self) -> StateType | None:
        """The type of its state by now."""
        return None if self.state is None else self.state.type

    @property
    def state_name(self) -> str | None:
        """The name of its state by now."""
        return None if self.state is None else self.state.name

    @property
    def start_time(self) -> datetime | None:
        """When it first ran, in UTC; in this process, if it was resumed."""
        return None if self.began is None else to_datetime(self.began)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC; None until it has."""
        return self.state.timestamp if self.state is not None and self.state.is_final() else None

    @property
    def is_in_fork(self) -> bool:
        """Whether its process was forked inside the run that it is part of, and so may end at any moment after it."""
        parent = self.parent
        return parent is not None and parent.generation != self.generation


RUN_FIELDS = _Run.__slots__
_KEPT_ELSEWHERE = ("run_count", "storage", "serializer", "resumed_from", "epoch")  # sent to processes of tasks


class Reuse(NamedTuple):
    """Which flow run is run again by another one, and what is taken over of it: what it had finished before a step."""

    flow_run_id: str
    before: str | None = None  # the id of its call from which on everything runs again; None: from the start


class FlowRunContext(_Run[FlowOptions]):
    """A flow run, with what its tasks and subflows inherit and leave behind."""

    dumped = (*_Run.dumped, "flow_id", "flow_name", "deployment_id")

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.is_durable: bool = self.options.durable or (self.parent is not None and _is_durable(self.parent))
        above = None if self.parent is None else self.parent.flow
        self.controller: RunController = RunController() if above is None else above.controller
        self.finished: dict[str, State[object]] = {}  # persisted results by identity, for the flow's own retries
        self.earlier: dict[str, ResultRecord] = {}  # the same of before a crash, as the database knows them
        self.waits: dict[str, WaitRecord] = {}  # what its steps waited for before a crash, by key
        self.borrowed: set[str] = set()  # of these, the identities whose results are other flow runs'
        self.begun: dict[str, list[str]] = {}  # ids of subflow runs that a crash left unfinished, by identity
        self.resumed_from: tuple[str, ...] = ()  # the ids of the flow runs whose finished steps count: after a crash
        self.reuses: Reuse | None = None  # the flow run that it runs again, whose steps may count, too
        self.runs_again: frozenset[str] = frozenset()  # identities of steps that take nothing from the cache
        self.epoch = 1  # of an outermost one: the claim under which this process has it
        self.retries_failed = False  # whether what failed before a crash is run again
        self.identities: dict[str, str] = {}  # of child runs, by run id
        self.undigested: set[str] = set()  # the keys of functions of which it was said that an argument has no digest
        self.task_runner: Any = None
        self.interrupt: BaseException | None = None  # a KeyboardInterrupt in a task ends the flow, even if it is caught
        self.stopping = False  # nothing that was submitted may begin any more
        self.has_all_parameters = True  # in another process, not all of them may be there
        self.turns: Any = None  # an asyncio.Semaphore, where the task runner limits a coroutine flow
        self.begin_attempt()

    @staticmethod
    def get() -> "FlowRunContext | None":
        """The innermost flow run: in a task, the one that the task belongs to. None outside of flow runs."""
        run = current_run.get()
        return None if run is None else run.flow

    def is_own(self, identity: str) -> bool:
        """Whether the earlier result of a step is of a run that this very flow run called."""
        return self.resumed_from == (self.id,) and identity not in self.borrowed

    def begin_attempt(self) -> None:
        """Forget what an earlier attempt of the flow called."""
        self.children = Children(self.id)
        self.makers: dict[int, str] = {}  # of the values that the children's states hold: by identity, the run's id
        self.items_made: dict[int, tuple[object, str]] = {}  # items of generators, with their identities, by object id
        self.outstanding: dict[Pending, Submitted] = {}
        self.streams: list[Any] = []  # mapped calls that are still being submitted
        self.occurrences: dict[str, int] = {}
        # Of tasks that are generators, those that somebody holds, with their runs.
        self.generators: WeakKeyDictionary[Any, TaskRunContext] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, object]:
        """What a task in another process needs of its flow run: neither its code nor what it has called.

        Of its parameters, only the plain ones: others may be large, or not picklable.
        """
        kept = ("id", "name", "tags", "parent", "created", "persisted", *_KEPT_ELSEWHERE)
        plain = {name: value for name, value in self.parameters.items() if is_atom(value)}
        return {name: getattr(self, name) for name in kept} | {
            "options": self.options.without_code(),
            "parameters": plain,
            "has_all_parameters": self.has_all_parameters and len(plain) == len(self.parameters),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        fields = ("id", "name", "options", "parameters", "tags", "parent", "created", "persisted")
        self.__init__(**{name: state[name] for name in fields}, owner=None)  # type: ignore[misc]
        for name in _KEPT_ELSEWHERE:
            setattr(self, name, state[name])
        self.has_all_parameters = state["has_all_parameters"]

    @property
    def flow(self) -> "FlowRunContext":
        """This run itself, as a task run has the flow run that it is in."""
        return self

    @property
    def flow_run(self) -> "FlowRunContext":
        """This run itself, under the name by which hooks and `get_run_context` know it."""
        return self

    @property
    def flow_id(self) -> str:
        """What identifies its flow: the name."""
        return self.options.name

    @property
    def flow_name(self) -> str:
        """The name of its flow."""
        return self.options.name

    @property
    def deployment_id(self) -> str | None:
        """The deployment that started it: None for a flow that was called."""
        return None

    @property
    def parent_task_run_id(self) -> str | None:
        """The task run that called it, if one did."""
        return self.parent.id if isinstance(self.parent, TaskRunContext) else None

    @property
    def is_flow(self) -> bool:
        """Whether it is of a flow, and not of a task."""
        return True

    @property
    def root(self) -> "FlowRunContext":
        """The outermost flow run."""
        run, above = self, self.parent
        while above is not None:
            flow = above.flow
            if flow is None:
                break
            run, above = flow, flow.parent
        return run

    @property
    def claim_of_root(self) -> Owner:
        """The claim under which this process reports of the flow run."""
        root = self.root
        return Owner(root.id, root.epoch)

    def occurrence(self, key: str) -> int:
        """How many times `key` came up before in this attempt."""
        count = self.occurrences.get(key, 0)
        self.occurrences[key] = count + 1
        return count

    def add_child(self) -> int:
        """A place, in call order, for the state that a child run will come to."""
        return self.children.add()


def _is_durable(above: "RunContext") -> bool:
    return above.flow is not None and above.flow.is_durable


class TaskRunContext(_Run[TaskOptions]):
    """A task run."""

    __slots__ = ("flow",)
    flow: FlowRunContext | None  # that the task belongs to; whoever makes the run knows it

    @staticmethod
    def get() -> "TaskRunContext | None":
        """The innermost run, if it is a task run."""
        run = current_run.get()
        return run if isinstance(run, TaskRunContext) else None

    @property
    def flow_run_id(self) -> str | None:
        """The flow run that the task belongs to."""
        return None if self.flow is None else self.flow.id

    @property
    def task_key(self) -> str:
        """What identifies its task."""
        return self.options.key

    @property
    def is_flow(self) -> bool:
        """Whether it is of a flow, and not of a task."""
        return False

    @property
    def task(self) -> Any:
        """The Task that is run; a cache key function may look at it."""
        return self.owner

    @property
    def task_run(self) -> "TaskRunContext":
        """This run itself, under the name by which a cache key function knows it."""
        return self


RunContext = FlowRunContext | TaskRunContext

current_run: ContextVar[RunContext | None] = ContextVar("perdure_current_run", default=None)
current_transaction: ContextVar[Any] = ContextVar("perdure_current_transaction", default=None)
current_tags: ContextVar[frozenset[str]] = ContextVar("perdure_current_tags", default=frozenset())


def require_run() -> RunContext:
    """The innermost run.

    Raises:
        MissingContext: there is none.
    """
    run = current_run.get()
    if run is None:
        raise MissingContext("There is no run here. Call this from inside a flow or a task.")
    return run


def get_run_context() -> RunContext:
    """The innermost run: its `id`, `name`, `parameters`, `tags` and `run_count`; of a task also its `flow`.

    `perdure.runtime` has the same by name, and can be imported anywhere.

    Raises:
        MissingContext: there is none.
    """
    return require_run()


def transaction_above(run: RunContext | None) -> Any:
    """The innermost transaction that what the run calls now is inside."""
    transaction = current_transaction.get()
    return transaction if transaction is None or transaction.covers(run) else None


@contextmanager
def tags(*names: str) -> Iterator[frozenset[str]]:
    """Give the tags to every flow run and task run that begins inside the `with` block.

    Raises:
        TypeError: a tag is not text.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"A tag is text; {name!r} is a {type(name).__name__}. Write str(...) round it.")
    token = current_tags.set(current_tags.get() | frozenset(names))
    try:
        yield current_tags.get()
    finally:
        current_tags.reset(token)
