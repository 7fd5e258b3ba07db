"""What every task runner offers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from perdure._engine.lifecycle.task_run import TaskCall
from perdure._model.options import Resources
from perdure._model.records import Record
from perdure._model.states import State

WINDOW = 1_000  # calls of a mapped task that are submitted and not finished, at most, where few run at once


class Work(Protocol):
    """A call of a task that is ready to run: all that it depends on has finished."""

    @property
    def name(self) -> str:
        """What is called."""

    @property
    def run_id(self) -> str:
        """The id of its run."""

    @property
    def kind(self) -> str | None:
        """What calls of about the same duration have in common; None of one that may not share a batch."""

    def run_here(self) -> None:
        """Run the task in this thread, unless it has begun elsewhere; never raises."""

    @property
    def resources(self) -> Resources:
        """The resources of a worker that it needs, by name."""

    def ready_call(self, place: object) -> TaskCall | None:
        """The call with all values in place, to be run in another process; None if it is not to run.

        Values that are held in the `place` where it is to run are not fetched: a `HeldValue` stands for each.
        """

    def report(self, records: Sequence[Record], is_awaited: bool) -> None:
        """Report records to the orchestrator of the call; if somebody awaits them, return when they are committed."""

    def is_stopping(self) -> bool:
        """Whether nothing of its flow run may begin any more."""

    def put_back(self) -> bool:
        """The call has not begun where it was sent; whether it is to be submitted again. Else it has been cancelled."""

    def end_below(self, others: Sequence["Work"], error: BaseException) -> None:
        """What ran it, and others of its flow run, is gone: end the runs that these have called themselves."""

    def lose(self, error: BaseException, attempts: int, again: Callable[[], None]) -> None:
        """What ran the call is gone, in its last attempt of so many: have it run `again`, if it has retries left."""

    def arrive(self, state: State[object]) -> None:
        """The task has come to its final state elsewhere."""

    def crash(self, error: BaseException) -> None:
        """End the task run, since what was to run it is gone."""

    def cancel(self) -> None:
        """End the task run as cancelled, if it has not begun."""


def for_each(works: Iterable[Work], do: Callable[[Work], object]) -> None:
    """Do something with each, whatever is raised for another: somebody waits for each of them.

    Raises what was raised first, once all are done.
    """
    stopped: BaseException | None = None
    for work in works:
        try:
            do(work)
        except BaseException as error:
            stopped = stopped or error
    if stopped is not None:
        raise stopped


class TaskRunner(Protocol):
    """Where the submitted tasks of one flow run are run."""

    max_workers: int | None  # how many at once; None leaves it to the runner
    lends_threads: bool  # whether a thread of the runner that waits for queued work may run it itself
    takes_coroutines: bool  # whether coroutine tasks of a coroutine flow run here, and not on the flow's loop

    @property
    def window(self) -> int:
        """How many calls of a mapped task may be submitted and not finished."""

    def duplicate(self) -> "TaskRunner":
        """A task runner with the same options that has not been started: each flow run uses its own."""

    def submit(self, work: Work) -> None:
        """Take work; it runs when there is room."""

    def cancel(self) -> None:
        """Cancel all work that has not begun, and end what runs in other processes."""

    def interrupt(self) -> None:
        """Have tasks that run in other processes be interrupted, once each, where they can be."""

    def stop(self, wait: bool = True) -> None:
        """End threads and processes, and wait for that unless asked not to: a task may never end."""
