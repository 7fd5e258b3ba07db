"""States: where a run stands, and what it carries."""

import functools
import warnings
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, TypeGuard, TypeVar, overload

from perdure._model.colour import FetchPolicy, caller_is_async, outside_runs
from perdure._model.errors import CancelledRun, CrashedRun, FailedRun, ResultNotKept, SuspendedRun, UnfinishedRun
from perdure._model.state_forms import StateForms
from perdure._model.state_types import (
    ABANDONED,
    FINAL,
    ROLLED_BACK,
    UNSUCCESSFUL,
    S,
    StateType,
)
from perdure._model.tracebacks import fold
from perdure._platform.clock import Micros, from_datetime, system_clock, to_datetime
from perdure._platform.ids import id_of, new_id
from perdure._platform.lazy_import import LazyModule

if TYPE_CHECKING:
    from perdure._model import state_details as facts
else:  # few programs ask for them; the others start faster
    facts = LazyModule("perdure._model.state_details")

__all__ = [
    "ABANDONED",
    "FINAL",
    "ROLLED_BACK",
    "UNSUCCESSFUL",
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Fetchable",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "S",
    "Scheduled",
    "State",
    "StateType",
    "Suspended",
    "aggregate",
    "exception_from",
    "is_states",
]

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class Fetchable:
    """What a state carries when its value must be fetched: the base of all results."""

    __slots__ = ()

    def load(self) -> Any:
        """The value, whoever asks: `get` looks at who that is."""
        raise NotImplementedError

    async def aget(self) -> Any:
        """The value, awaited while it is fetched."""
        return self.load()


class State(StateForms, Generic[R_co]):
    """Where a run stands: a type, a name, a message, a time, and a result.

    `data` is what the state carries: a result, a value or exception given by hand, or None.
    """

    __slots__ = ("_details", "_id", "data", "flow_run_id", "message", "name", "run_name", "task_run_id", "time", "type")
    run_name: str  # of states of runs that did not complete

    def __init__(
        self,
        type: StateType | str,
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        time: Micros | None = None,
        flow_run_id: str | None = None,
        task_run_id: str | None = None,
        *,
        timestamp: datetime | None = None,
        state_details: "facts.StateDetails | Mapping[str, object] | None" = None,
    ) -> None:
        """A state made by hand. `time` is in microseconds since 1970; `timestamp` says the same as a datetime.

        Raises:
            ValueError: the type is none.
            TypeError: the details have a name that details do not have.
        """
        self.type = type if type.__class__ is StateType else _type_of(type)
        self.name: str = _DEFAULT_NAMES[self.type] if name is None else name
        self.message = message
        self.data = data
        self.time: Micros = system_clock() if time is None else time
        self.flow_run_id = flow_run_id
        self.task_run_id = task_run_id
        if timestamp is not None:
            self.time = from_datetime(timestamp)
        if state_details is not None:
            self.note(**facts.details_of(state_details))

    @property
    def id(self) -> str:
        """What identifies this state: the same each time that a run's state is looked up."""
        if self.run_id is not None:
            return id_of(f"{self.run_id}/{self.time}/{self.type}/{self.name}")
        try:
            return self._id
        except AttributeError:
            self._id: str = new_id()
            return self._id

    @property
    def timestamp(self) -> datetime:
        """When the run came to this state, in UTC."""
        return to_datetime(self.time)

    @property
    def created(self) -> datetime:
        """When the state was made, in UTC: its `timestamp`."""
        return to_datetime(self.time)

    @property
    def updated(self) -> datetime:
        """When the state was last changed: states are not, so its `timestamp`."""
        return to_datetime(self.time)

    @property
    def state_details(self) -> "facts.StateDetails":
        """The ids of its runs and, where they are known, its cache key, the time that it waits for, and the like."""
        details = getattr(self, "_details", None) or {}
        return facts.StateDetails(**{"flow_run_id": self.flow_run_id, "task_run_id": self.task_run_id} | details)

    def note(self, **details: Any) -> None:
        """Add details, by their names in `state_details`; None stands for one that is not known.

        Raises:
            TypeError: details do not have such a name.
        """
        known = {name: value for name, value in details.items() if value is not None}
        if not known.keys() <= facts.DETAILS:
            facts.StateDetails(**known)  # says which it does not have
        self.flow_run_id = known.pop("flow_run_id", self.flow_run_id)
        self.task_run_id = known.pop("task_run_id", self.task_run_id)
        if known:
            self._details: dict[str, object] = (getattr(self, "_details", None) or {}) | known

    def note_cache_key(self, key: str) -> None:
        """Add the one detail that all states of cached runs have, without looking at its name."""
        self._details = {**(getattr(self, "_details", None) or {}), "cache_key": key}

    @property
    def run_id(self) -> str | None:
        """The id of the run that is in this state; None for a state made by hand."""
        return self.task_run_id or self.flow_run_id

    def is_scheduled(self) -> bool:
        """Whether the run is to start later."""
        return self.type is S.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run is about to start."""
        return self.type is S.PENDING

    def is_running(self) -> bool:
        """Whether the run is running."""
        return self.type is S.RUNNING

    def is_completed(self) -> bool:
        """Whether the run ended as it should."""
        return self.type is S.COMPLETED

    def is_failed(self) -> bool:
        """Whether the run ended with an error of its own."""
        return self.type is S.FAILED

    def is_crashed(self) -> bool:
        """Whether the run ended since its process or what it runs on failed."""
        return self.type is S.CRASHED

    def is_cancelled(self) -> bool:
        """Whether the run was cancelled, and has ended."""
        return self.type is S.CANCELLED

    def is_cancelling(self) -> bool:
        """Whether the run was cancelled, and is ending."""
        return self.type is S.CANCELLING

    def is_paused(self) -> bool:
        """Whether the run waits to be continued."""
        return self.type is S.PAUSED

    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.type in FINAL

    @overload
    def result(self, raise_on_failure: Literal[True] = True, *, fetch: Literal[False] | None = None) -> R_co: ...
    @overload
    def result(
        self, raise_on_failure: Literal[True] = True, *, fetch: Literal[True]
    ) -> Coroutine[object, Never, R_co]: ...
    @overload
    def result(self, raise_on_failure: bool = True, *, fetch: Literal[False] | None = None) -> R_co | BaseException: ...
    @overload
    def result(
        self, raise_on_failure: bool = True, *, fetch: Literal[True]
    ) -> Coroutine[object, Never, R_co | BaseException]: ...
    def result(self, raise_on_failure: bool = True, *, fetch: bool | None = None) -> Any:
        """The run's value.

        A failed, crashed or cancelled run raises its exception, or returns it with
        `raise_on_failure=False`. In async code, `fetch=True` gives a coroutine of the value and
        `fetch=False` the raw result; without a choice a coroutine flow or task gets the raw result with a
        warning, unless the setting PERDURE_ASYNC_FETCH_STATE_RESULT is on. A notebook's cell, and whatever else
        is outside all runs, gets the value. In sync code, `fetch=False` gives the raw result.

        Raises:
            UnfinishedRun: the run has not ended.
            ResultNotKept: the value was not kept.
        """
        if fetch is False:
            return self.data
        is_async = caller_is_async()
        if is_async and (fetch or FetchPolicy.fetch_in_async()):
            return self._afetched(raise_on_failure)
        if not is_async or outside_runs():
            try:
                return self.fetch(raise_on_failure)
            except BaseException as error:
                fold(error)
                raise
        warnings.warn(
            "State.result() returned the raw result, as it does in async code. Use `await state.result(fetch=True)`"
            " for the value, or fetch=False to keep the raw result without this warning.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.data

    async def _afetched(self, raise_on_failure: bool) -> object:
        try:
            return await self.afetch(raise_on_failure)
        except BaseException as error:
            fold(error)
            raise

    def fetch(self, raise_on_failure: bool = True) -> Any:
        """The run's value, blocking while it is fetched from storage."""
        data = self.data
        if self.type is S.COMPLETED and isinstance(data, Fetchable):  # the usual case
            return data.load()
        data = self._data_of_ended_run()
        value = data.load() if isinstance(data, Fetchable) else data
        return self._outcome(value, raise_on_failure)

    async def afetch(self, raise_on_failure: bool = True) -> Any:
        """The run's value, awaited while it is fetched from storage."""
        data = self._data_of_ended_run()
        value = await data.aget() if isinstance(data, Fetchable) else data
        return self._outcome(value, raise_on_failure)

    def _data_of_ended_run(self) -> object:
        if self.type is S.PAUSED and self.name == "Suspended":
            raise SuspendedRun(f"The run {self.run_id} is suspended. `perdure flow-run continue` resumes it.")
        if self.type not in FINAL:
            raise UnfinishedRun(
                f"The run is in state {self!r} and has no result. "
                + ("It will never run." if self.name == "NotReady" else "Wait for it.")
            )
        if self.data is None and self.type is S.COMPLETED and self.run_id is not None:
            raise ResultNotKept("The run completed, but its result was not kept by this process.")
        return self.data

    def _outcome(self, value: object, raise_on_failure: bool) -> object:
        if self.type not in UNSUCCESSFUL:
            return value
        if raise_on_failure:
            raise exception_from(self, value)
        return exception_from(self, value) if value is None else value

    def __repr__(self) -> str:
        """Such as `Completed()`, `Failed('Task run encountered…')` or `Cached(type=COMPLETED)`."""
        parts = []
        if self.message:
            parts.append(repr(self.message))
        if self.name.upper() != self.type:
            parts.append(f"type={self.type}")
        return f"{self.name}({', '.join(parts)})"


def _type_of(text: object) -> StateType:
    try:
        return StateType(text)  # type: ignore[arg-type] # what is none of them is refused here
    except ValueError:
        raise ValueError(f"{text!r} is not a type of state. The types are {', '.join(StateType)}.") from None


_DEFAULT_NAMES = {kind: kind.capitalize() for kind in StateType}
_WRAPPERS: dict[StateType, tuple[type[Exception], str]] = {
    S.FAILED: (FailedRun, "Run failed."),
    S.CRASHED: (CrashedRun, "Run crashed."),
    S.CANCELLED: (CancelledRun, "Run cancelled."),
}


def exception_from(state: State[object], value: object) -> BaseException:
    """The exception that an unsuccessful state stands for, given the value it carries.

    Raises:
        TypeError: the value is neither an exception, text, nor states.
        ValueError: it is a state that did not fail.
    """
    wrapper, default = _WRAPPERS[state.type]
    if value is None:
        return wrapper(state.message or default)
    if isinstance(value, BaseException):
        return value
    if isinstance(value, str):
        return wrapper(value)
    if isinstance(value, State):
        return _exception_of(value)
    if is_states(value):
        first = next((each for each in value if each.type in UNSUCCESSFUL), None)
        if first is not None:
            return _exception_of(first)
        unfinished = next((each for each in value if each.type not in FINAL), None)
        return wrapper(default) if unfinished is None else UnfinishedRun(f"A run is in state {unfinished!r}.")
    raise TypeError(
        f"A {state.name} state carries {type(value).__name__!r}, which cannot be raised;"
        " give it an exception, a message, or states."
    )


def _exception_of(state: State[object]) -> BaseException:
    if state.type not in UNSUCCESSFUL:
        raise ValueError(
            f"An unsuccessful state carries the state {state!r}, which did not fail: give it one that did."
        )
    value = state.data.load() if isinstance(state.data, Fetchable) else state.data
    return exception_from(state, value)


def is_states(value: object) -> TypeGuard["list[State[object]] | tuple[State[object], ...] | set[State[object]]"]:
    """Whether `value` is a non-empty list, tuple or set of only states."""
    return isinstance(value, _COLLECTIONS) and bool(value) and all(isinstance(each, State) for each in value)


_COLLECTIONS = (list, tuple, set)  # named, since a union would be made anew by each call


def aggregate(states: Iterable[State[object]]) -> tuple[StateType, str]:
    """The type and message that several runs' states add up to: Cancelled before Failed before Completed."""
    total = failed = unfinished = cancelled = 0
    for state in states:
        total += 1
        kind = state.type
        if kind is S.COMPLETED:
            continue
        cancelled += kind is S.CANCELLED
        failed += kind in UNSUCCESSFUL
        unfinished += kind not in FINAL
    if cancelled:
        return S.CANCELLED, f"{cancelled}/{total} states cancelled."
    if failed:
        return S.FAILED, f"{failed}/{total} states failed."
    if unfinished:
        return S.FAILED, f"{unfinished}/{total} states are not final."
    return S.COMPLETED, "All states completed."


def _constructor(kind: StateType, name: str | None = None) -> "Callable[..., State[Any]]":
    def construct(message: str | None = None, data: object = None, **fields: Any) -> State[object]:
        fields.setdefault("name", name)
        return State(kind, message=message, data=data, **fields)

    construct.__name__ = construct.__qualname__ = name or kind.capitalize()
    construct.__doc__ = f"A state of type {kind}. Takes `message`, `data`, `name` and what else `State` takes."
    return construct


Pending = _constructor(S.PENDING)
Running = _constructor(S.RUNNING)
Retrying = _constructor(S.RUNNING, "Retrying")
Completed = _constructor(S.COMPLETED)
Failed = _constructor(S.FAILED)
Crashed = _constructor(S.CRASHED)
Cancelling = _constructor(S.CANCELLING)
Cancelled = _constructor(S.CANCELLED)


def Scheduled(  # noqa: N802 - it makes what is called so
    message: str | None = None, data: object = None, *, scheduled_time: datetime | None = None, **fields: Any
) -> State[Any]:
    """A state of type SCHEDULED, of a run that is due at `scheduled_time`: now, by default."""
    state = State[Any](S.SCHEDULED, message=message, data=data, **fields)
    state.note(scheduled_time=scheduled_time or state.state_details.scheduled_time or datetime.now(UTC))
    return state


def Paused(  # noqa: N802
    message: str | None = None,
    data: Any = None,
    *,
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **fields: Any,
) -> State[Any]:
    """A state of type PAUSED, of a run that waits for `timeout_seconds`, or until `pause_expiration_time`.

    Raises:
        ValueError: both are given.
    """
    if timeout_seconds is not None and pause_expiration_time is not None:
        raise ValueError("A pause has a timeout_seconds or a pause_expiration_time; give one of them.")
    state = State[Any](S.PAUSED, message=message, data=data, **fields)
    if timeout_seconds is not None:
        pause_expiration_time = datetime.now(UTC) + timedelta(seconds=timeout_seconds)
    state.note(pause_timeout=pause_expiration_time, pause_key=pause_key, pause_reschedule=reschedule or None)
    return state


AwaitingRetry = functools.partial(Scheduled, name="AwaitingRetry")
"""Makes the state of a run that starts again after a delay: `Scheduled`, by its name."""

Late = functools.partial(Scheduled, name="Late")
"""Makes the state of a run that should have started by now: `Scheduled`, by its name."""

Suspended = functools.partial(Paused, name="Suspended", reschedule=True)
"""Makes the state of a run that waits without a process: `Paused`, by its name."""
