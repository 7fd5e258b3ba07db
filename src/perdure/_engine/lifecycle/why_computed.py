"""Why a run computes its value, recorded so that it can be explained; what is shown of its arguments is bounded."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from perdure._engine.identity.cache_key import CacheKey
from perdure._engine.port import Runtime
from perdure._model.records import DecisionRecord, SourceRecord, Why
from perdure._platform.lazy_import import LazyModule
from perdure._platform.redaction import REDACTED, is_secret_name
from perdure._run.context import FlowRunContext, TaskRunContext
from perdure._settings import settings

if TYPE_CHECKING:
    from perdure._previews import tree
else:  # few programs need it; the others start faster
    tree = LazyModule("perdure._previews.tree")

_LENGTH = 80  # characters of one argument
_ARGUMENTS = 20
_encode = json.JSONEncoder(ensure_ascii=False).encode  # made once: making one takes longer than using it


@cache
def _limits() -> "tree.Limits":
    return tree.Limits(items=(5, 3, 2), lengths=(_LENGTH, 40, 20), deepest=3)


def refreshes(run: TaskRunContext) -> bool:
    """Whether the run is to compute its value in spite of a cached one."""
    if isinstance(run.parent, FlowRunContext) and run.identity in run.parent.runs_again:
        return True
    chosen = run.options.refresh_cache
    return settings.current().tasks_refresh_cache if chosen is None else chosen


def decision_of(run: TaskRunContext, key: CacheKey | None, runtime: Runtime) -> DecisionRecord:
    """That a run with caching computes its value itself."""
    if key is None:
        return DecisionRecord(run.id, "keyless")
    why: Why = "refreshed" if refreshes(run) else "computed"
    return DecisionRecord(run.id, why, key.key, key.components, _shown_arguments(run, runtime))


def given_to(run: TaskRunContext, runtime: Runtime) -> Sequence[DecisionRecord]:
    """What a failed run without caching was given: by that, one of hundreds of calls is known."""
    if run.options.is_cached or not run.parameters:
        return ()
    try:
        shown = _shown_arguments(run, runtime)
    except Exception as error:  # such as of an argument's own class: how the run itself has failed is to be known
        runtime.log(run, logging.DEBUG, "Its arguments cannot be shown, by a %s.", type(error).__name__)
        return ()
    return () if shown is None else (DecisionRecord(run.id, "computed", arguments=shown),)


def source_of(function: Callable[..., object], digest: str) -> SourceRecord:
    """What the digests of a task's source were made of."""
    from perdure._engine.identity.source_parts import parts_of_source  # few programs need it; the others start faster

    return SourceRecord(digest, json.dumps(parts_of_source(function)))


def _shown_arguments(run: TaskRunContext, runtime: Runtime) -> str | None:
    """Beginnings of the arguments; None if nothing is to be shown of results either."""
    if not settings.current().results_previews or runtime.serializer_for(run).hides:
        return None
    arguments = list(run.parameters.items())[:_ARGUMENTS]
    return _encode({name: _shown(name, value) for name, value in arguments})


def _shown(name: str, value: object) -> str:
    if is_secret_name(name):
        return REDACTED
    kind = type(value)
    if kind is int or kind is bool or value is None:
        return str(value)[:_LENGTH]
    text = _encode(tree.Tree(2 * _LENGTH, limits=_limits()).of(value))
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
