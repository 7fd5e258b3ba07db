"""How often, and after how long, a run is tried again."""

from collections.abc import Callable, Sequence

from perdure._model.errors import DefinitionError
from perdure._model.options import RunOptions
from perdure._platform.clock import LONGEST_WAIT

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
    import random  # few programs need it; the others start faster

    return min(delay * (1 + jitter * random.random()), LONGEST_WAIT)
