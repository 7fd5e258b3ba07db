"""What every task runner offers."""

from typing import Protocol

from perdure._engine.lifecycle.task_run import TaskCall
from perdure._model.states import State


class Work(Protocol):
    """A call of a task that is ready to run: all that it depends on has finished."""

    def run_here(self) -> None:
        """Run the task in this thread, unless it has begun elsewhere; never raises."""

    def ready_call(self) -> TaskCall | None:
        """The call with all values in place, to be run in another process; None if it is not to run."""

    def arrive(self, state: State[object]) -> None:
        """The task has come to its final state elsewhere."""

    def crash(self, error: BaseException) -> None:
        """End the task run, since what was to run it is gone."""

    def cancel(self) -> None:
        """End the task run as cancelled, if it has not begun."""


class TaskRunner(Protocol):
    """Where the submitted tasks of one flow run are run."""

    max_workers: int | None  # how many at once; None leaves it to the runner
    lends_threads: bool  # whether a thread of the runner that waits for queued work may run it itself
    takes_coroutines: bool  # whether coroutine tasks of a coroutine flow run here, and not on the flow's loop

    def duplicate(self) -> "TaskRunner":
        """A task runner with the same options that has not been started: each flow run uses its own."""

    def submit(self, work: Work) -> None:
        """Take work; it runs when there is room."""

    def cancel(self) -> None:
        """Cancel all work that has not begun, and end what runs in other processes."""

    def interrupt(self) -> None:
        """Have tasks that run in other processes be interrupted, once each, where they can be."""

    def stop(self, wait: bool = True) -> None:
        """Let go of threads and processes, and wait for them to end unless asked not to: a task may never end."""
