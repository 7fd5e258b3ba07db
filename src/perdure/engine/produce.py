"""Calling the user's function, and going through its items if it is a generator."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from perdure.context import RunContext
from perdure.core.effects import EXHAUSTED, Call, Closed, Emit, NextItem, Steps


@dataclass(slots=True)
class Produced:
    """What the attempts of a run have produced so far."""

    error: BaseException | None = None  # the user's, of the newest attempt
    handed_on: int = 0  # items of a generator that its consumer has; a retry passes over as many

    def own(self, error: Exception) -> Exception:
        """The user's own exception: Python makes a StopIteration that leaves one of our steps another one."""
        return self.error if isinstance(self.error, StopIteration) else error


def produce(run: RunContext, produced: Produced) -> Steps[Any]:
    """One attempt: what the function returns, or the list of items of a generator if they are kept.

    Raises what the function raises, and notes it.
    """
    options = run.options
    produced.error = None
    args, kwargs = options.signature.unbind(run.parameters)
    try:
        if options.is_generator:
            return (yield from _items(run, options.function(*args, **kwargs), produced))
        return (yield Call(options.function, args, kwargs, run, options.timeout_seconds, options.is_async))
    except BaseException as error:
        produced.error = error
        raise


def _items(run: RunContext, generator: Any, produced: Produced) -> Steps[list[Any] | None]:
    items: list[Any] = []
    count = 0
    while True:
        item = yield NextItem(generator, run, run.options.timeout_seconds)
        if item is EXHAUSTED:
            break
        count += 1
        if run.collect:
            items.append(item)
        if count <= produced.handed_on:
            continue
        produced.handed_on = count
        try:
            yield Emit(item)
        except Closed:
            yield Call(_close(generator), (), {}, run, awaited=run.options.is_async)
            run.collect = False  # a part of the items is not the value
            break
    return items if run.collect else None


def hand_on(items: Iterable[Any]) -> Steps[None]:
    """The items of a generator that need not run again."""
    try:
        for item in items:
            yield Emit(item)
    except Closed:
        return


def _close(generator: Any) -> Any:
    return generator.aclose if hasattr(generator, "aclose") else generator.close
