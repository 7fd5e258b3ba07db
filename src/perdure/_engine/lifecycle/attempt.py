"""Calling the user's function, and going through its items if it is a generator."""

from dataclasses import dataclass
from typing import Any

from perdure._engine.lifecycle.hints import add_hint
from perdure._engine.lifecycle.items import Items, hand_on_earlier, keep_item, kept_for
from perdure._engine.port import Runtime
from perdure._model.generator_outcomes import Answer, Exhausted
from perdure._platform.named import NamedTuple
from perdure._run.context import RunContext
from perdure._run.effects import Call, Closed, Emit, NextItem, Steps


@dataclass(slots=True, eq=False, repr=False)
class Produced:
    """What the newest attempt of a run came to."""

    error: BaseException | None = None  # the user's
    unkept: Exception | None = None  # why an item could not be committed: like a result that cannot, it ends the run

    def own(self, error: Exception) -> Exception:
        """The user's own exception: Python makes a StopIteration that leaves one of our steps another one."""
        return self.error if isinstance(self.error, StopIteration) else error


class Made(NamedTuple):
    """What the call of a function has come to already: what it returned, or what it raised."""

    value: object = None
    error: BaseException | None = None

    def outcome(self) -> object:
        """What the function returned. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.value


def produce(run: RunContext, produced: Produced, runtime: Runtime, made: Made | None = None) -> Steps[object]:
    """One attempt: what the function returns, or the list of items of a generator if they are kept.

    Raises what the function raises, and notes it. `made` is what the attempt came to, if it has been made.
    """
    options = run.options
    produced.error = None
    try:
        if made is not None:
            return made.outcome()
        if options.is_generator:
            return (yield from _items(run, produced, runtime))
        args, kwargs = options.signature.unbind(run.parameters, run.passed)
        return (yield Call(options.function, args, kwargs, run, options.timeout_seconds, options.is_async))
    except BaseException as error:
        produced.error = error
        add_hint(error)
        raise


def _items(run: RunContext, produced: Produced, runtime: Runtime) -> Steps[list[Any] | None]:
    if run.items is None and not (yield from hand_on_earlier(run, runtime)):
        return None
    items: Items = run.items
    items.begin_attempt()
    flow_run_id = kept_for(run)
    args, kwargs = run.options.signature.unbind(run.parameters, run.passed)
    generator = run.options.function(*args, **kwargs)
    answer: Answer = None
    while True:
        if run.flow is not None:
            run.flow.controller.check()
        item = yield NextItem(generator, run, run.options.timeout_seconds, answer)
        if type(item) is Exhausted:
            items.returned = item.returned
            break
        if not items.is_new():
            answer = items.answer_before()
            continue
        if flow_run_id is not None:
            try:
                yield from keep_item(run, runtime, flow_run_id, item)
            except Exception as error:
                produced.unkept = error
                raise
        items.add(run, item)
        try:
            answer = yield Emit(item)
            items.note(answer, run)
        except Closed:
            yield Call(_close(generator), (), {}, run, awaited=run.options.is_async)
            run.collect = False  # a part of the items is not the value
            break
    return items.value() if run.collect else None


def _close(generator: Any) -> Any:
    return generator.aclose if hasattr(generator, "aclose") else generator.close
