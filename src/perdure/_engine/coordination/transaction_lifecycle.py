"""Beginning and ending transactions, whose steps' results are committed together, or not at all.

The problem: three steps of a flow each write a file, and are each persisted when they end. If the third fails, the
first two are done, cached and reused, though the user wants all or none. A database would roll back; files, mails and
other systems cannot, and the process may be killed at any moment, in the middle of undoing too.

The idea: a log of what is to be undone, as sagas have it. A step that ends inside the block is recorded as *staged*,
with all that is needed to undo it or to publish it, in the commit that ends it. Its result is seen by nobody outside.
From there each step has one way to go, and each arrow is one commit:

    staged ──── commit of the block ────► committed ──── its on_commit hooks ────► ended
       └─────── the block fails ────────► on_rollback hooks, result removed ─────► rolled back

Committing is one transaction of the database: all results and cache entries are inserted and all steps marked. So the
block is done at one instant, before which everything can be undone and after which nothing need be.

After a crash, whoever resumes the run, or enters the block with the same key, reads the steps' phases and carries on:
staged ones are rolled back, the last one first; committed ones have hooks that were perhaps not called. It needs no
other knowledge (`_finished`).

What always holds:

- A hook is called before its step is marked: it may be called twice, after a crash in between, and never not at all.
- A commit and an undo exclude each other (`Transaction.commit`, `undo`), even where a coroutine is cancelled while a
  thread commits for it.
- Whoever is inside a block with a key holds the claim of the key until all is ended, so it sees no half-ended block.
- A block inside another joins it: it is committed and rolled back with the outermost one.
- The block waits for all that was submitted in it before it decides.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

from perdure._engine.coordination.staging import hooked_tasks
from perdure._engine.coordination.transaction import Transaction
from perdure._engine.identity.identity import identity_in
from perdure._engine.identity.projects import scope_of, scope_of_main
from perdure._engine.port import Runtime
from perdure._engine.recovery.kept_values import checked, place_of_hooks
from perdure._model.errors import ResultError, ResultUntrusted, StorageError, TransactionError
from perdure._model.records import ResultRecord, StateRecord, StepEndRecord, StepRecord, TransactionRecord
from perdure._model.state_types import ROLLED_BACK, StateType
from perdure._model.states import State
from perdure._platform.annotations import signature
from perdure._results.store import result_from_record
from perdure._run.context import FlowRunContext, RunContext, TaskRunContext
from perdure._run.effects import Blocking, Call, Effect, Steps, WaitFor
from perdure._run.hook_calls import is_coroutine_function

_GRACE_SECONDS = 10.0  # for tasks that run when the block is left by Ctrl-C, for example


# Entering


def enter_transaction(
    run: RunContext | None, outer: Transaction | None, key: str | None, runtime: Runtime
) -> Steps[Transaction]:
    """A transaction, begun: what is left over of an earlier one of the same key is rolled back.

    Raises:
        TransactionError: there can be none here.
    """
    if isinstance(run, TaskRunContext):
        raise TransactionError(
            f"A transaction was begun inside the task {run.options.name!r}, but a task is one step and is rolled back"
            " as one. Begin it in a flow, and call the task inside."
        )
    if outer is not None:
        if key is not None and key != outer.root.key:
            raise TransactionError(
                f"transaction(key={key!r}) was begun inside another transaction, with which it is committed."
                " Leave key out, or give it to the outermost one."
            )
        return Transaction(runtime, None, run, outer)
    transaction = Transaction(runtime, key, run)
    transaction.full_key = yield from _full_key(transaction, runtime)
    yield from _hold(transaction, runtime)
    try:
        root_id = None if run is None else run.root.id
        opened = TransactionRecord(transaction.id, transaction.full_key, root_id, runtime.clock())
        known: TransactionRecord = yield Blocking(runtime.transactions.open, (opened,))
        transaction.id = known.id
        transaction.blocks = {known.id}
        transaction._committed = known.committed is not None
        if known.id != opened.id:
            transaction.remember((yield Blocking(runtime.transactions.values, (known.id,))))
            yield from _recovered(transaction, runtime)
        if run is not None and key is not None and known.committed is not None:
            for record in (yield Blocking(runtime.transactions.committed_steps, (known.id,))):
                identity = identity_in(record.step)
                run.earlier[identity] = record
                run.borrowed.add(identity)
    except BaseException:
        _release(transaction, runtime)
        raise
    return transaction


def _full_key(transaction: Transaction, runtime: Runtime) -> Steps[str]:
    flow = transaction.flow
    if transaction.key is not None:
        function = None if flow is None else flow.options.function
        scope = scope_of_main() if function is None else scope_of(function)
        # Earlier versions did not distinguish projects.
        former: TransactionRecord | None = yield Blocking(runtime.transactions.of_key, (f"key {transaction.key}",))
        is_ours = former is not None and (
            former.flow_run_id is None or runtime.is_in_scope(former.flow_run_id, function)
        )
        return f"keyed {scope}\n{transaction.key}" if scope and not is_ours else f"key {transaction.key}"
    return f"run {transaction.id}" if flow is None else f"run {_place(flow)} {flow.occurrence('transaction')}"


def _place(flow: FlowRunContext) -> str:
    """What identifies a flow run, for itself and for a resume after a crash."""
    above = None if flow.parent is None else flow.parent.flow
    return flow.id if above is None else f"{_place(above)}/{flow.identity or flow.id}"


def _own_key(full_key: str) -> str | None:
    """The key that the user gave; None if none was given."""
    kind, _, rest = full_key.partition(" ")
    return rest if kind == "key" else rest.partition("\n")[2] if kind == "keyed" else None


def _claimed(transaction: Transaction) -> str:
    return f"perdure transaction {transaction.full_key.removeprefix('key ')}"


def _hold(transaction: Transaction, runtime: Runtime) -> Steps[None]:
    if transaction.key is not None:
        yield from runtime.claims.hold(_claimed(transaction), transaction.holder)


def _release(transaction: Transaction, runtime: Runtime) -> None:
    if transaction.key is not None:
        runtime.claims.release(_claimed(transaction), transaction.holder)


def recovered(run: FlowRunContext, runtime: Runtime) -> Steps[None]:
    """Roll back what a crash of the flow run left staged, and call the hooks of what was committed just before it."""
    for known in (yield Blocking(runtime.transactions.unfinished, (run.id,))):
        transaction = Transaction(runtime, _own_key(known.key), run)
        transaction.full_key = known.key
        yield from _hold(transaction, runtime)  # another run may be inside it by now
        try:
            transaction.id = known.id
            yield from _recovered(transaction, runtime)
        finally:
            _release(transaction, runtime)


def _recovered(transaction: Transaction, runtime: Runtime) -> Steps[None]:
    steps: list[StepRecord] = yield Blocking(runtime.transactions.steps, (transaction.id,))
    if steps:
        runtime.log(transaction.flow, logging.WARNING, "%r was left with %d steps to end.", transaction, len(steps))
    yield from _finished(transaction, steps, runtime)


def _finished(transaction: Transaction, steps: Sequence[StepRecord], runtime: Runtime) -> Steps[None]:
    """Roll back what is staged, and call the hooks of what was committed."""
    if any(step.module is not None for step in steps):
        transaction.root.remember((yield Blocking(runtime.transactions.values, (transaction.root.id,))))
    yield from _rolled_back(transaction, [step for step in steps if step.phase == "staged"], runtime)
    yield from _hooks_of_commit(transaction, [step for step in steps if step.phase == "committed"], runtime)


# Leaving


def leave_transaction(transaction: Transaction, runtime: Runtime, error: BaseException | None) -> Steps[None]:
    """End a transaction: wait for what was submitted in it, then commit, or roll back after an `error`."""
    try:
        if error is None:
            try:
                yield from _settled(transaction)
                if transaction.outer is not None:
                    transaction.outer.blocks |= transaction.blocks
                    return
                yield Blocking(transaction.commit, (runtime,))
            except BaseException as failure:
                yield from _undone(transaction, runtime, failure)
                raise
            transaction.has_ended = transaction._committed = True
            yield from _finished(transaction, (yield Blocking(runtime.transactions.steps, (transaction.id,))), runtime)
        else:
            yield from _undone(transaction, runtime, error)
    finally:
        if transaction.outer is None:
            transaction.has_ended = True
            _release(transaction, runtime)


def _settled(transaction: Transaction) -> Steps[None]:
    """Wait for all that was submitted; raises what one of them raises, or an iterable that was mapped over."""
    for stream in transaction.streams:
        yield WaitFor((stream,))
    failed: State[Any] | None = None
    while transaction.submitted:
        waited_for, transaction.submitted = transaction.submitted, []
        yield WaitFor(waited_for)
        states = [each.ended for each in waited_for if each.ended is not None]
        failed = failed or next((state for state in states if not state.is_completed()), None)
    yield from _closed_generators(transaction)
    if failed is not None:
        yield Blocking(failed.fetch)


def _closed_generators(transaction: Transaction) -> Steps[None]:
    """End the tasks inside that are generators and that nobody went through to their ends."""
    for generator, run in tuple(transaction.flow.generators.items()) if transaction.flow else ():
        if run.transaction is transaction and run.state is not None and run.state.is_running():
            close = getattr(generator, "aclose", None)
            yield Call(close or generator.close, (), {}, transaction.flow, awaited=close is not None)


def _undone(transaction: Transaction, runtime: Runtime, error: BaseException) -> Steps[None]:
    for stream in transaction.streams:
        stream.stop()
    grace = None if isinstance(error, Exception) else _GRACE_SECONDS
    while transaction.submitted:
        waited_for, transaction.submitted = transaction.submitted, []
        if grace is not None and transaction.flow is not None:
            for work in [transaction.flow.outstanding.get(each) for each in waited_for]:
                if work is not None:
                    work.stop()
        yield WaitFor(waited_for, grace)
    transaction.has_ended = True
    yield from _finished(transaction, (yield Blocking(transaction.undo, (runtime,))), runtime)


def _rolled_back(transaction: Transaction, steps: Sequence[StepRecord], runtime: Runtime) -> Steps[None]:
    """Call the hooks of the steps, the last one's first, and delete their results."""
    flow, cached = transaction.flow, transaction.root.cached
    for step in reversed(steps):
        yield from _called("on_rollback", transaction, step, runtime)
        if flow is not None:
            flow.finished.pop(flow.identities.get(step.run_id, ""), None)
        for key in [key for key, result in cached.items() if result.run_id == step.run_id]:
            del cached[key]
        yield Blocking(_discarded, (step, runtime))


def _discarded(step: StepRecord, runtime: Runtime) -> None:
    result = _result_of(step)
    try:
        runtime.discard(result)
    except (ResultError, StorageError) as error:
        runtime.log(None, logging.WARNING, "A result that was rolled back cannot be removed: %s", error)
    end = StepEndRecord(step.run_id, "rolled back")
    if result.is_exception:
        runtime.commit((end,))
        return
    message = "It completed, and was rolled back with its transaction."
    runtime.follow(step.run_id)
    state = StateRecord(step.run_id, result.of_task, StateType.COMPLETED, ROLLED_BACK, message, runtime.clock())
    runtime.commit((state, end))


def _result_of(step: StepRecord) -> ResultRecord:
    return ResultRecord(*json.loads(step.staged or "[]")[0])


def _hooks_of_commit(transaction: Transaction, steps: Sequence[StepRecord], runtime: Runtime) -> Steps[None]:
    for step in steps:
        yield from _called("on_commit", transaction, step, runtime)
        yield Blocking(runtime.commit, ((StepEndRecord(step.run_id, "ended"),),))


def _called(option: str, transaction: Transaction, step: StepRecord, runtime: Runtime) -> Steps[None]:
    """Call a step's hooks; what they raise is logged."""
    if step.module is None:
        return
    run = transaction.root.ended.get(step.run_id)
    state = _state_of(step) if run is None else run.state
    for hook in getattr(_options_of(step) if run is None else run.options, option):
        try:
            yield _hook_call(transaction, hook, state)
        except Exception as error:
            name = getattr(hook, "__name__", repr(hook))
            runtime.log(
                transaction.flow, logging.ERROR, "The %s hook %s raised an exception.", option, name, error=error
            )


def _state_of(step: StepRecord) -> State[object]:
    result = _result_of(step)
    data = result_from_record(result)
    return State(StateType.COMPLETED, data=data, time=result.created, task_run_id=step.run_id)


def _hook_call(transaction: Transaction, hook: Any, state: State[object] | None) -> Effect:
    try:
        takes = len(signature(hook).parameters)
    except ValueError:  # of a builtin
        takes = 1
    args = (transaction, state)[: max(takes, 1)]
    return Call(hook, args, {}, transaction.flow, awaited=is_coroutine_function(hook))


def _module_of(step: StepRecord) -> str | None:
    if step.module is None:
        return None
    place = place_of_hooks(step.run_id, step.transaction_id, step.task_key)
    try:
        return checked(step.module, place, f"The module of the hooks of {step.task_key}")
    except ResultUntrusted as error:
        raise TransactionError(_not_found(step, str(error).rstrip("."))) from error


def _options_of(step: StepRecord) -> object:
    """The options of a step's task: another process may have defined it."""
    module = _module_of(step)
    if step.task_key not in hooked_tasks and module not in (None, "__main__"):
        try:
            __import__(module)
        except Exception as error:
            raise TransactionError(_not_found(step, f"importing {module} fails: {error}")) from error
    if step.task_key not in hooked_tasks:
        raise TransactionError(_not_found(step, "this program does not define it at the top level of a module"))
    return hooked_tasks[step.task_key]


def _not_found(step: StepRecord, why: str) -> str:
    return (
        f"The hooks of the task {step.task_key!r}, whose run {step.run_id} is in an unfinished transaction, cannot be"
        f" called: {why}. Resume the flow run in the program that began it."
    )
