"""A run's cache key: from its policy, or from a function of the user's."""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from perdure._engine.identity.policies import (
    TASK_SOURCE,
    CachePolicy,
    FunctionPolicy,
    former_input_hash,
    task_input_hash,
)
from perdure._engine.identity.projects import project_of
from perdure._platform.annotations import signature
from perdure._platform.lazy_import import LazyModule
from perdure._platform.named import NamedTuple
from perdure._run.context import TaskRunContext
from perdure._run.effects import Call, Steps

if TYPE_CHECKING:
    from perdure._engine.identity import closures, former_hashing, hashing, walker
else:  # few programs need them; the others start faster
    closures = LazyModule("perdure._engine.identity.closures")
    former_hashing = LazyModule("perdure._engine.identity.former_hashing")
    hashing = LazyModule("perdure._engine.identity.hashing")
    walker = LazyModule("perdure._engine.identity.walker")

_DIGEST = 32  # hexadecimal characters


class FormerKey:
    """The key that earlier versions gave a run, where what they made of its arguments was right."""

    def __init__(self, components: Mapping[str, str], values: Mapping[str, object]) -> None:
        self._components = components
        self._values = values  # those that were digested otherwise then, by the names of their components
        self.tells_projects = "source" in components  # equal source with equal arguments comes to equal values

    def key(self) -> str | None:
        """The key; None if they could make none."""
        try:
            former = {name: former_hashing.digest_of_values(value)[:_DIGEST] for name, value in self._values.items()}
        except Exception:
            return None
        return _key_of(json.dumps({**self._components, **former}, sort_keys=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FormerKey) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def __reduce__(self) -> tuple[object, ...]:
        return _KnownKey, (self.key(), self.tells_projects)  # another process has nothing to digest


class _KnownKey(FormerKey):
    def __init__(self, key: str | None, tells_projects: bool) -> None:
        self._key = key
        self.tells_projects = tells_projects

    def key(self) -> str | None:
        return self._key

    def __reduce__(self) -> tuple[object, ...]:
        return _KnownKey, (self._key, self.tells_projects)


class CacheKey(NamedTuple):
    """The cache key of a run, and its components."""

    key: str
    components: str | None  # names and digests as a JSON object; None if only a function of the user's knows
    source: str | None = None  # digests of the task's source, one after the other, if they count
    former: FormerKey | None = None  # under which earlier versions may have stored it


def cache_key_of(run: TaskRunContext) -> Steps[CacheKey | None]:
    """The run's cache key; None for a run without caching.

    Raises:
        TypeError: what the user's function or policy returned is no key.
        SerializationError: a value that the key is made of cannot be hashed; it is named.
    """
    options = run.options
    if options.cache_policy is not None:
        return (yield from _of_policy(run, options.cache_policy))
    assert options.cache_key_fn is not None
    key = yield from _text(run, options.cache_key_fn, "cache_key_fn")
    former = former_input_hash(run, run.parameters) if options.cache_key_fn is task_input_hash else None
    before = None if former is None else _KnownKey(former, tells_projects=False)
    return None if key is None else CacheKey(key, None, None, before)


def _of_policy(run: TaskRunContext, policy: CachePolicy) -> Steps[CacheKey | None]:
    # Without these, tasks with equal arguments would take each other's results.
    components = {"task": run.options.key}
    changed: dict[str, Any] = {}
    was_right = True
    for part in policy.parts:
        values = yield from _values(run, part)
        if values is None:
            return None
        for name, value in values.items():
            digest, former = hashing.digest_and_former(value, str(name).removeprefix("inputs."))
            was_right = was_right and former is not walker.Former.WRONG
            free = _free(str(name), components)
            components[free] = digest[:_DIGEST]
            if former is not walker.Former.SAME:
                changed[free] = value
    source = components["source"] + components["helpers"] if TASK_SOURCE in policy.parts else None
    function = run.options.function
    if source is None and not closures.has_own_name(function):
        components["function"] = closures.distinction_of(function)[:_DIGEST]
        was_right = False  # earlier versions had the name only
    project = project_of(function)
    whole = {**components, "project": project} if project else components
    described = json.dumps(whole, sort_keys=True)
    before = FormerKey(components, changed) if was_right and (changed or project) else None
    return CacheKey(_key_of(described), described, source, before)


def _key_of(described: str) -> str:
    return hashlib.sha256(described.encode()).hexdigest()[:_DIGEST]


def _values(run: TaskRunContext, part: CachePolicy) -> Steps[Mapping[str, object] | None]:
    if isinstance(part, FunctionPolicy):
        text = yield from _text(run, part.function, part.name)
        return None if text is None else {part.name: text}
    values = yield Call(part.components, (run, run.parameters), {}, run)
    if values is not None and not isinstance(values, Mapping):
        raise TypeError(
            f"{part!r} returned {values!r}, a {type(values).__name__}. Return a dict of what the cache key is made of,"
            " by name, or None for a run without caching."
        )
    return values


def _text(run: TaskRunContext, function: Callable[..., object], name: str) -> Steps[str | None]:
    """What a function gives that takes (context, parameters), (parameters), or nothing."""
    try:
        takes, is_coroutine = _looks(function)
    except TypeError:  # a callable object that cannot be hashed
        takes, is_coroutine = _looks.__wrapped__(function)
    text = yield Call(function, (run, run.parameters)[2 - takes :], {}, run, awaited=is_coroutine)
    if isinstance(text, int) and not isinstance(text, bool):
        return str(text)  # as Prefect does
    if text is not None and not isinstance(text, str):
        raise TypeError(
            f"{name} returned {text!r}, a {type(text).__name__}. Return text, or None for a run without caching."
        )
    return text


def _free(name: str, taken: Mapping[str, str]) -> str:
    """The name, numbered if another part of the policy has it."""
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}#{count}"
    return free


@functools.lru_cache(maxsize=1_000)
def _looks(function: Callable[..., object]) -> tuple[int, bool]:
    """How many of (context, parameters) a function takes, and whether it is a coroutine function."""
    positional = 0
    for parameter in signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional = 2
        positional += parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    called = type(function).__call__ if callable(function) else None  # of an object that is called as a function
    return min(positional, 2), inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
