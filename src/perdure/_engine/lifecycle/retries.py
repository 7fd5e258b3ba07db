"""Retries: whether a run that failed is tried again, and after how long (the retry delay)."""

import logging
from collections.abc import Callable, Sequence

from perdure._engine.lifecycle.outcomes import Outcome
from perdure._engine.lifecycle.runs import enter
from perdure._engine.port import Runtime
from perdure._engine.recovery.durable_timers import wait_for_try
from perdure._model.errors import DefinitionError
from perdure._model.options import RunOptions
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.clock import LONGEST_WAIT
from perdure._platform.jitter import random_between
from perdure._results.types import UnpersistedResult
from perdure._run.context import RunContext
from perdure._run.effects import Steps
from perdure._run.hook_calls import hook_call

RetryDelays = float | Sequence[float] | Callable[[int], Sequence[float]]


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Delays that double: `backoff_factor` times 1, 2, 4, … seconds. For `retry_delay_seconds`.

    Raises:
        DefinitionError: the factor is negative.
    """
    if backoff_factor < 0:
        raise DefinitionError(f"backoff_factor is {backoff_factor}; it must be 0 or more seconds.")
    return lambda retries: [backoff_factor * 2**attempt for attempt in range(retries)]


def delays_of(given: object, retries: int) -> tuple[float, ...]:
    """The delays in seconds that `retry_delay_seconds` stands for; a callable is asked once, here.

    Raises:
        DefinitionError: they are not numbers of 0 or more, or nobody can wait as long.
    """
    values = given(retries) if callable(given) else given
    delays = tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else (values,)
    for delay in delays:
        if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= LONGEST_WAIT:
            raise DefinitionError(
                f"retry_delay_seconds={given!r} gives the delay {delay!r};"
                f" it must be a number of 0 to {LONGEST_WAIT:.0f} seconds, a list of them, or a callable"
                " that returns one."
            )
    return tuple(float(delay) for delay in delays)


def delay_before(options: RunOptions, retry: int) -> float:
    """Seconds to wait before a retry, counted from 1. Jitter only ever lengthens a delay, by up to its factor."""
    delays = options.retry_delays
    if not delays:
        return 0.0
    delay = delays[min(retry, len(delays)) - 1]
    jitter: float | None = getattr(options, "retry_jitter_factor", None)
    if not jitter:
        return delay
    return min(delay * random_between(1, 1 + jitter), LONGEST_WAIT)


def is_retried(run: RunContext, runtime: Runtime, outcome: Outcome) -> Steps[bool]:
    """Whether a flow run or task run that failed has a retry left and, of a task, its condition wants it."""
    options = run.options
    if run.run_count > options.retries:
        return False
    condition: Callable[..., object] | None = getattr(options, "retry_condition_fn", None)
    if condition is None:
        return True
    failure: State[object] = State(outcome.kind, outcome.name, outcome.message, UnpersistedResult(outcome.value))
    try:
        return bool((yield hook_call(run, condition, failure)))
    except Exception as error:
        runtime.log(run, logging.ERROR, "retry_condition_fn raised an exception; there is no retry.", error=error)
        return False


def wait_for_retry(run: RunContext, runtime: Runtime, outcome: Outcome) -> Steps[None]:
    """Wait until the next attempt; if the process is killed meanwhile, who resumes the run waits for what is left."""
    delay = delay_before(run.options, run.run_count)
    retry = f"{run.run_count} of {run.options.retries}"
    runtime.log(run, logging.WARNING, "%s. Retry %s follows in %.3g s.", outcome.said.rstrip("."), retry, delay)
    record = enter(run, runtime, StateType.SCHEDULED, outcome.message, name="AwaitingRetry")
    yield from wait_for_try(run, runtime, [record], delay)
