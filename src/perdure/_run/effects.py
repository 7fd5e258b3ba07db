"""What the engine asks the outside world for, as values. A driver performs each and sends its outcome back."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar

from perdure._model.generator_outcomes import Answer
from perdure._model.records import Record
from perdure._platform.named import NamedTuple

T = TypeVar("T")


class Call(NamedTuple):
    """Call a function of the user's; the outcome is what it returns, awaited if it is a coroutine function."""

    function: Callable[..., Any]
    args: Sequence[object]
    kwargs: Mapping[str, object]
    run: Any  # the run context that is current during the call
    timeout: float | None = None  # seconds
    awaited: bool = False  # the function is a coroutine function


class NextItem(NamedTuple):
    """Take the next item of a generator of the user's, given what was answered to the last one.

    The outcome is the item, or an `Exhausted`.
    """

    generator: Any
    run: Any
    timeout: float | None = None
    answer: Answer = None


class Emit(NamedTuple):
    """Hand an item on to whoever iterates over the run; the outcome is what was answered to it."""

    item: object


class Sleep(NamedTuple):
    """Wait for some seconds."""

    seconds: float


class WaitFor(NamedTuple):
    """Wait until all these futures are done, or the time is up."""

    futures: Sequence[Any]
    timeout: float | None = None  # seconds, for all of them together


class Report(NamedTuple):
    """Report records to the orchestrator, without waiting."""

    records: Sequence[Record]


class Blocking(NamedTuple):
    """Do some I/O of ours: look up a cache key, read or write a result, commit.

    A driver on an event loop does it in another thread.
    """

    operation: Callable[..., object]
    args: Sequence[object] = ()


Effect = Call | NextItem | Emit | Sleep | WaitFor | Report | Blocking
Steps = Generator[Effect, Any, T]


class Closed(BaseException):
    """The outcome of `Emit` when whoever iterated over the run has gone away."""
