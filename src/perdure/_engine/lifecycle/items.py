"""Items of generators: each is committed before it is passed on, so that a resumed run passes on the same ones."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perdure._engine.lifecycle.runs import write
from perdure._engine.port import Runtime
from perdure._model.errors import MissingContext, ResultError, StorageError
from perdure._model.generator_outcomes import Answer, GeneratedItems, Thrown
from perdure._model.records import ResultRecord
from perdure._platform.ids import new_id
from perdure._results.retention_limits import retention_of
from perdure._results.store import result_from_record, result_record
from perdure._results.types import BaseResult, literal_of
from perdure._run.context import FlowRunContext, RunContext
from perdure._run.effects import Blocking, Closed, Emit, Steps

PAGE = 1_000  # items whose records are read at once


@dataclass(slots=True, eq=False, repr=False)
class Items:
    """How far a run of a generator has come, over all its attempts."""

    done: int = 0  # handed on, or taken from storage to be
    collected: list[Any] = field(default_factory=list)  # these, if they are to be the run's value
    returned: Any = None  # what the generator returned in the end
    _answers: dict[int, Answer] = field(default_factory=dict)  # to items that another attempt passes over, by number
    _before: int = 0  # done when the newest attempt began
    _yielded: int = 0  # by the newest attempt
    _passes_over: bool = True  # whether the attempt begins with its first item again

    def begin_attempt(self) -> None:
        """The generator begins again."""
        self._before, self._yielded, self._passes_over = self.done, 0, True

    def is_new(self) -> bool:
        """Count an item that the generator yielded; whether nobody had it before."""
        self._yielded += 1
        return not self._passes_over or self._yielded > self._before

    def note(self, answer: Answer, run: RunContext) -> None:
        """Remember what was answered to the last item, if a later attempt may pass over it."""
        if answer is not None and run.run_count <= run.options.retries:
            self.note_earlier(answer)

    def note_earlier(self, answer: Answer) -> None:
        """Remember what was answered to the last item, which the generator is still to pass over."""
        self._answers[self.done - 1] = answer

    def answer_before(self) -> Answer:
        """What was answered before to the item that the generator has yielded again."""
        return self._answers.get(self._yielded - 1)

    def value(self) -> list[Any]:
        """What the run's value is."""
        return self.collected if self.returned is None else GeneratedItems(self.collected, self.returned)

    def take_over(self) -> int:
        """How many items there were before this attempt; the generator itself continues from there.

        Raises:
            MissingContext: it has yielded some already.
        """
        if self._yielded:
            raise MissingContext(
                f"items_done() was called after {self._yielded} items, when the generator had begun again with "
                "its first one. Call it before the first `yield`."
            )
        self._passes_over = False
        return self._before

    def add(self, run: RunContext, item: object) -> None:
        """Count an item that is handed on now."""
        self.done += 1
        if run.collect:
            self.collected.append(item)


def hand_on(run: RunContext, items: Sequence[object], is_cached: bool) -> Steps[None]:
    """The items of a generator that need not run again.

    What is thrown into one that ran before in the same place was thrown there, too, and the items are what came of it;
    of one whose items are from the cache, that is not known, so it is raised.
    """
    run.items = Items(returned=getattr(items, "returned", None))
    try:
        for item in items:
            run.items.add(run, item)
            answer = yield Emit(item)
            if is_cached and isinstance(answer, Thrown):
                raise answer.error
    except Closed:
        return


def hand_on_earlier(run: RunContext, runtime: Runtime) -> Steps[bool]:
    """The items that were committed before the run was resumed; whether their consumer wants more."""
    run.items = Items()
    flow_runs = _resumed_from(run)
    try:
        while flow_runs:
            page = yield Blocking(runtime.items_of, (flow_runs, run.step or "", run.items.done, run.items.done + PAGE))
            for records in page:
                loaded = yield from _loaded(run, runtime, records)
                if loaded is None:
                    return True
                run.items.add(run, *loaded)
                answer = yield Emit(*loaded)
                if answer is not None:
                    run.items.note_earlier(answer)
            if len(page) < PAGE:
                break
    except Closed:
        run.collect = False  # a part of the items is not the value
        return False
    return True


def keep_item(run: RunContext, runtime: Runtime, kept_for: str, item: object) -> Steps[None]:
    """Commit a generator's next item; `kept_for` is the flow run with which it is kept."""
    id = new_id()
    result: BaseResult[Any] | None = literal_of(item)
    if result is None:
        result = yield from write(run, runtime, item, id)
    fields = {"step": run.step or "", "retention": retention_of(run), "item_of": kept_for, "number": run.items.done}
    record = result_record(id, not run.is_flow, result, runtime.clock(), **fields)
    yield Blocking(runtime.commit, ((record,),))
    if run.flow is not None and run.flow.controller.lost is not None:  # it was refused
        run.flow.controller.check()


def kept_for(run: RunContext) -> str | None:
    """The id of the flow run with which the items are kept; None if nobody could resume the run."""
    if run.transaction is not None:  # they would be seen before it is committed
        return None
    if isinstance(run.parent, FlowRunContext):
        return None if run.identity is None else run.parent.id
    return run.id if run.parent is None and run.is_flow and run.persisted else None


def _resumed_from(run: RunContext) -> Sequence[str]:
    """The ids of the flow runs with which items may have been kept, in this process or one before."""
    flow = run.parent or run
    if kept_for(run) is None or not isinstance(flow, FlowRunContext):
        return ()
    return tuple({*flow.resumed_from, flow.id}) if flow.resumed_from or flow.run_count > 1 else ()


def _loaded(run: RunContext, runtime: Runtime, records: Sequence[ResultRecord]) -> Steps[tuple[Any] | None]:
    """The item, from the newest of its records that can be read; None if there is none."""
    for record in records:
        result = result_from_record(record, keep=False)
        try:
            return ((yield Blocking(result.get_own)) if record.kind == "persisted" else result.get_own(),)
        except (ResultError, StorageError) as error:
            again = "An item from before cannot be used, so it is made again, and all after it. %s"
            runtime.log(run, logging.WARNING, again, error)
    return None
