"""The two drivers of the engine's lifecycles: one blocks, one awaits.

The problem: a run's lifecycle (validate, look up the cache, call the function, retry, persist, report) is the same for
`def` and `async def`, but one may block its thread and the other must never block its event loop. Written twice, the
two copies differ after a year. Written once as a coroutine, each plain call would pay for a loop.

The idea: the lifecycle is one generator that does nothing itself. It yields *effects*, plain values that say what it
wants done (`_run.effects`), and gets the outcome of each back at the same `yield`, as a value or as an exception:

    def steps(run):                                  # a lifecycle, much shortened
        yield Report(created)                        # append to the buffer: never waits
        try:
            value = yield Call(function, args, {}, run)
        except BaseException as error:               # the user's error, Ctrl-C, a cancellation: all arrive here
            yield Blocking(commit, failed(error))
            return
        yield Blocking(commit, completed(value))

`drive` performs each effect in its thread; `adrive` does the same on the caller's loop, where `Sleep`, `WaitFor` and
awaited calls are awaited, and a `Blocking` operation is done in another thread. `iterate` and `aiterate` do the same
for generator runs, which hand on the items that the steps `Emit`. Tests drive the steps by hand, and can break in
anywhere.

What always holds:

- Each effect is performed once, in order, and its outcome goes to the steps before anything else is asked of them.
- Whatever is raised while an effect is performed, a signal's exception between two instructions too, is thrown into
  the steps: they alone decide what it means, so that no run stays Running. `drive` looks at `steps.gi_frame` to tell
  the end of the steps from a `StopIteration` of the user's code.
- In a process that was forked in a user's function, the child ends the run for itself and records nothing: it is the
  parent's.

Who adds an effect adds it to `_run.effects.Effect` and to both `perform` and `aperform`. A lifecycle never blocks, and
never asks whether it is awaited. `perform` tests for the commonest effects first: it is called for each of them.
"""

import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from perdure._engine.lifecycle.timeouts import alimited, call_within
from perdure._engine.port import Runtime
from perdure._model.colour import colour_of_plain_code, run_is_async
from perdure._model.generator_outcomes import Answer, Exhausted, Sent, Thrown
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform import forks
from perdure._platform.forks import EndedInFork
from perdure._results.types import UnpersistedResult
from perdure._run.context import current_run
from perdure._run.effects import Blocking, Call, Closed, Effect, Emit, NextItem, Report, Sleep, Steps, WaitFor
from perdure._run.interruptible_wait import Bell

T = TypeVar("T")
# Where runs are traced: has what is given a run's id be current beside the run, and answers what ends that.
span_hook: Callable[[str], Callable[[], None]] | None = None


def drive(steps: Steps[T], runtime: Runtime) -> T:
    """Perform all effects, blocking; what the steps return.

    Ctrl-C and other signals may come between any two instructions: wherever here, the steps get to know.
    """
    advance: Callable[[Any], Effect] = steps.send
    outcome: Any = None
    while True:
        try:
            while True:
                outcome = perform(advance(outcome), runtime)
                advance = steps.send
        except StopIteration as stop:
            if steps.gi_frame is None:  # type: ignore[attr-defined]  # the steps have ended
                result: T = stop.value
                return result
            advance, outcome = steps.throw, stop
        except EndedInFork as ended:
            left: T = left_to_parent(ended, steps)
            return left
        except BaseException as error:
            if steps.gi_frame is None:  # type: ignore[attr-defined]
                raise
            advance, outcome = steps.throw, error


async def adrive(steps: Steps[T], runtime: Runtime) -> T:
    """Perform all effects on the caller's event loop; what the steps return."""
    advance: Callable[[Any], Effect] = steps.send
    outcome: Any = None
    while True:
        try:
            while True:
                outcome = await aperform(advance(outcome), runtime)
                advance = steps.send
        except StopIteration as stop:
            if steps.gi_frame is None:  # type: ignore[attr-defined]
                result: T = stop.value
                return result
            advance, outcome = steps.throw, stop
        except EndedInFork as ended:
            left: T = left_to_parent(ended, steps)
            return left
        except BaseException as error:
            if steps.gi_frame is None:  # type: ignore[attr-defined]
                raise
            advance, outcome = steps.throw, error


def left_to_parent(ended: EndedInFork, steps: Steps[object] | None = None) -> Any:
    """In a forked child, the outcome of code that its parent began, as a state that is recorded nowhere."""
    if steps is not None:
        forks.abandon(steps)
    error = ended.error
    if error is None:
        return State(StateType.COMPLETED, data=UnpersistedResult(ended.value))
    if not isinstance(error, Exception):
        raise error
    return State(StateType.FAILED, message=str(type(error)), data=UnpersistedResult(error))


def _items_left_in_fork(ended: EndedInFork, source: Iterator[object] | None) -> Generator[object, None, None]:
    """What a generator still gives in a forked child, if it was it that forked."""
    if ended.error is not None:
        raise ended.error from None
    if source is not None and not isinstance(ended.value, Exhausted):
        yield ended.value
        yield from source


def iterate(
    steps: Steps[object], runtime: Runtime, note: Callable[[object], None] | None = None
) -> Generator[Any, Any, None]:
    """Perform all effects, blocking, and hand on the items that the run emits, of which `note` is called first."""
    closed, began, source = False, forks.generation, None
    advance: Callable[[Any], Effect] = steps.send
    outcome: Any = None
    while True:  # as in `drive`
        try:
            while True:
                effect = advance(outcome)
                advance = steps.send
                if isinstance(effect, Emit) and not closed:
                    if note is not None:
                        note(effect.item)
                    try:
                        sent = yield effect.item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        outcome = Thrown(error)
                    else:
                        outcome = None if sent is None else Sent(sent)
                else:
                    source = effect.generator if isinstance(effect, NextItem) else source
                    outcome = perform(effect, runtime)
                if began != forks.generation:  # whoever iterates has forked, and this is the child
                    forks.abandon(steps)
                    yield from source or ()
                    return
        except EndedInFork as ended:
            forks.abandon(steps)
            yield from _items_left_in_fork(ended, source)
            return
        except BaseException as error:
            if steps.gi_frame is None:  # type: ignore[attr-defined]
                if isinstance(error, StopIteration):
                    return
                raise
            if isinstance(error, GeneratorExit) and began != forks.generation:
                forks.abandon(steps)
                raise
            is_closed = isinstance(error, GeneratorExit)
            closed = closed or is_closed
            advance, outcome = steps.throw, Closed() if is_closed else error


async def aiterate(
    steps: Steps[object], runtime: Runtime, note: Callable[[object], None] | None = None
) -> AsyncGenerator[Any, object]:
    """Perform all effects on the caller's event loop, and hand on the items that the run emits, noted first."""
    closed = False
    advance: Callable[[Any], Effect] = steps.send
    outcome: Any = None
    while True:  # as in `drive`
        try:
            while True:
                effect = advance(outcome)
                advance = steps.send
                if isinstance(effect, Emit) and not closed:
                    if note is not None:
                        note(effect.item)
                    try:
                        sent = yield effect.item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        outcome = Thrown(error)
                    else:
                        outcome = None if sent is None else Sent(sent)
                else:
                    outcome = await aperform(effect, runtime)
        except BaseException as error:
            if steps.gi_frame is None:  # type: ignore[attr-defined]
                if isinstance(error, StopIteration):
                    return
                raise
            is_closed = isinstance(error, GeneratorExit)
            closed = closed or is_closed
            advance, outcome = steps.throw, Closed() if is_closed else error


def perform(effect: Effect, runtime: Runtime) -> Any:
    """Perform one effect, blocking; its outcome."""
    if isinstance(effect, Report):
        runtime.report(effect.records)
    elif isinstance(effect, Call):
        return runtime.run_coroutine(_acall, effect) if effect.awaited else call(effect)
    elif isinstance(effect, Blocking):
        return effect.operation(*effect.args)
    elif isinstance(effect, NextItem):
        generator, run, timeout, answer = effect
        if run.options.is_async:
            return runtime.run_coroutine(_acall, Call(_anext_item, (generator, answer), {}, run, timeout))
        return call(Call(_next_item, (generator, answer), {}, run, timeout))
    elif isinstance(effect, Sleep):
        Bell().wait(effect.seconds)
    elif isinstance(effect, WaitFor):
        end = None if effect.timeout is None else time.monotonic() + effect.timeout
        for future in effect.futures:
            future.block(None if end is None else max(0.0, end - time.monotonic()))
    return None


_plain = perform


def calls_directly() -> bool:
    """Whether nobody looks at effects as they are performed, so that a call may be made without them."""
    return perform is _plain and span_hook is None


async def aperform(effect: Effect, runtime: Runtime) -> Any:
    """Perform one effect, awaiting; its outcome."""
    import asyncio

    if isinstance(effect, Call):
        return await _acall(effect) if effect.awaited else call(effect)
    if isinstance(effect, NextItem):
        generator, run, timeout, answer = effect
        return await _acall(Call(_anext_item, (generator, answer), {}, run, timeout, awaited=True))
    if isinstance(effect, Blocking):
        return await asyncio.to_thread(effect.operation, *effect.args)
    if isinstance(effect, Sleep):
        return await asyncio.sleep(effect.seconds)
    if isinstance(effect, WaitFor):
        with suppress(TimeoutError):
            async with asyncio.timeout(effect.timeout):
                for future in effect.futures:
                    await future.ablock()
        return None
    return perform(effect, runtime)


def _next_item(generator: Any, answer: Answer) -> object:
    try:
        if answer is None:
            return next(generator)
        if isinstance(answer, Thrown):
            return generator.throw(answer.error)
        return generator.send(answer.value)
    except StopIteration as end:
        return Exhausted(end.value)


async def _anext_item(generator: Any, answer: Answer) -> object:
    try:
        if answer is None:
            return await anext(generator)
        if isinstance(answer, Thrown):
            return await generator.athrow(answer.error)
        return await generator.asend(answer.value)
    except StopAsyncIteration:
        return Exhausted()


def call(effect: Call) -> object:
    """Call a function of the user's in its run; the only place where plain calls of it can be interrupted."""
    function, args, kwargs, run, timeout, _ = effect
    leave = None if span_hook is None else span_hook(run.id)
    run_token = current_run.set(run)
    colour = colour_of_plain_code()
    colour_token = None if run_is_async.get() is colour else run_is_async.set(colour)
    began = forks.generation
    try:
        value = function(*args, **kwargs) if timeout is None else call_within(run, timeout, function, args, kwargs)
    except BaseException as error:
        if began != forks.generation:
            raise EndedInFork(error=error) from None
        raise
    else:
        if began != forks.generation:
            raise EndedInFork(value)
        return value
    finally:
        if colour_token is not None:
            run_is_async.reset(colour_token)
        current_run.reset(run_token)
        if leave is not None:
            leave()


async def _acall(effect: Call) -> object:
    function, args, kwargs, run, timeout, _ = effect
    leave = None if span_hook is None else span_hook(run.id)
    run_token = current_run.set(run)
    colour_token = run_is_async.set(True)
    began = forks.generation
    try:
        if timeout is None:
            value = await function(*args, **kwargs)
        else:
            async with alimited(run, timeout):
                value = await function(*args, **kwargs)
    except BaseException as error:
        if began != forks.generation:
            raise EndedInFork(error=error) from None
        raise
    else:
        if began != forks.generation:
            raise EndedInFork(value)
        return value
    finally:
        run_is_async.reset(colour_token)
        current_run.reset(run_token)
        if leave is not None:
            leave()
