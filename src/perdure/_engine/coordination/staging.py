"""Results of runs inside a transaction: they are written, but are seen only once that is committed."""

import json
from collections.abc import Sequence

from perdure._engine.recovery.kept_values import place_of_hooks, signed
from perdure._model.options import RunOptions
from perdure._model.records import CacheRecord, Record, ResultRecord, StepRecord
from perdure._run.context import RunContext, TaskRunContext

# Of tasks that have hooks for transactions, the options: another process finds them here, once it has the program.
hooked_tasks: dict[str, object] = {}


def staged(run: RunContext, records: Sequence[Record], *, is_new: bool = True) -> list[Record]:
    """The records of a run's end, with its result and cache entry held back if the run is inside a transaction.

    Hooks are only called for a run whose result `is_new`: else it has done nothing.
    """
    transaction = run.transaction
    if transaction is None or transaction.has_ended or transaction.root.has_ended:
        return list(records)
    result = next(each for each in records if isinstance(each, ResultRecord))
    cached = next((each for each in records if isinstance(each, CacheRecord)), None)
    if cached is not None:
        transaction.root.cached[cached.key] = result
    if is_new:
        transaction.root.ended[run.id] = run
    key, hooked = hook_key(run.options), is_new and not result.is_exception and has_hooks(run)
    place = place_of_hooks(run.id, transaction.root.id, key)
    step = StepRecord(
        run_id=run.id,
        transaction_id=transaction.root.id,
        block=transaction.id,
        task_key=key,
        module=signed(run.options.function.__module__, place) if hooked else None,
        storage_id=result.storage_id,
        storage_key=result.storage_key,
        staged=json.dumps([result, cached]),
    )
    return [step, *(each for each in records if each is not result and each is not cached)]


def hook_key(options: RunOptions) -> str:
    """What identifies a task, and distinguishes it from copies that have names of their own."""
    return f"{options.key}:{options.name}"


def has_hooks(run: RunContext) -> bool:
    """Whether it is a task run that has hooks for transactions."""
    return isinstance(run, TaskRunContext) and run.options.is_undoable


def staged_value(run: RunContext, cache_key: str) -> ResultRecord | None:
    """What the cache key stands for inside the run's own transaction alone."""
    return None if run.transaction is None else run.transaction.root.cached.get(cache_key)
