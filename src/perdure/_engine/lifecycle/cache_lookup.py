"""Whether a task's value is taken from the cache, or its function called.

A key stands for the result of a run. An entry that has expired (`_rooms.cache.expiry`) is not found, nor one whose
result was removed: that is decided by the statement `find_cached`. A value that another run computes now is waited for.
"""

import logging

from perdure._engine.coordination.staging import staged_value
from perdure._engine.identity.cache_key import CacheKey, cache_key_of
from perdure._engine.lifecycle.ending_with_result import end_with_result_of
from perdure._engine.lifecycle.why_computed import decision_of, refreshes, source_of
from perdure._engine.port import Runtime
from perdure._model.records import Record, ResultRecord, Why
from perdure._model.states import State
from perdure._results.store import result_from_record
from perdure._run.context import TaskRunContext
from perdure._run.effects import Blocking, Report, Steps

_COMPUTES: dict[Why, str] = {
    "computed": "Computed: nothing in the cache can be used for it.",
    "refreshed": "Computed because of refresh_cache or PERDURE_TASKS_REFRESH_CACHE.",
    "keyless": "Computed: it has no cache key.",
}


def cache_key_of_run(run: TaskRunContext, runtime: Runtime) -> Steps[CacheKey | None]:
    """The cache key of a run, if it has one; what its task's source is made of is reported once."""
    key = yield from cache_key_of(run)
    if key is not None and key.source is not None and key.source not in runtime.reported_sources:
        runtime.reported_sources.add(key.source)
        yield Report((source_of(run.options.function, key.source),))
    return key


def cached_state(
    run: TaskRunContext, records: list[Record], runtime: Runtime, cache_key: CacheKey | None
) -> Steps[State[object] | None]:
    """The final state of a run whose value is in the cache, perhaps soon; None if the run is to compute it, and why."""
    if cache_key is not None and not refreshes(run):
        state = yield from _found(run, records, runtime, cache_key)
        if state is not None:
            return state
    decision = decision_of(run, cache_key, runtime)
    runtime.log(run, logging.DEBUG, _COMPUTES[decision.why])
    records.append(decision)
    return None


def _found(
    run: TaskRunContext, records: list[Record], runtime: Runtime, cache_key: CacheKey
) -> Steps[State[object] | None]:
    key, lost = cache_key.key, None
    why: Why = "cached"
    while True:
        found: ResultRecord | None = staged_value(run, key) or (yield Blocking(_find, (runtime, run, cache_key)))
        if found is not None and found.run_id != lost:
            result = result_from_record(found, keep=run.options.cache_result_in_memory)
            if found.cache_key != key:
                found = found._replace(cache_key=key)
            state = yield from end_with_result_of(run, records, runtime, result, found, why)
            if state is not None:
                return state
            lost = found.run_id
        if (yield from runtime.claims.is_to_compute(run, key, lost, records)):
            return None
        why = "waited"


def _find(runtime: Runtime, run: TaskRunContext, cache_key: CacheKey) -> ResultRecord | None:
    """The result under a key, or under the one that earlier versions gave it, which did not tell projects apart."""
    found = runtime.find_cached(cache_key.key)
    if found is not None or cache_key.former is None:
        return found
    former = cache_key.former.key()
    found = None if former is None or former == cache_key.key else runtime.find_cached(former)
    is_own = cache_key.former.tells_projects or found is None or runtime.is_own(found.run_id, run.options.function)
    return found if is_own else None
