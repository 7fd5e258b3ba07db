"""Calling hooks: each gets what its parameters are named for, or else the owner, the run and the state by position."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from perdure._model.argument_binding import signature_of
from perdure._model.states import State
from perdure._run.context import RunContext
from perdure._run.effects import Call

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_FLOW_NAMES = ("flow", "flow_run", "state")
_TASK_NAMES = ("task", "task_run", "state")


def hook_call(run: RunContext, hook: Callable[..., object], state: State[object]) -> Call:
    """The effect of calling a hook, or another function that takes (flow or task, its run, the state)."""
    names = _FLOW_NAMES if run.is_flow else _TASK_NAMES
    values = dict(zip(names, (run.owner, run, state), strict=True))
    by_position, by_name = _known(_passing, hook, names)
    args = [values[name] for name in by_position]
    return Call(hook, args, {key: values[name] for key, name in by_name}, run, awaited=is_coroutine_function(hook))


def user_call(run: RunContext, function: Callable[..., object], *args: object) -> Call:
    """The effect of calling some other function of the user's within the run."""
    return Call(function, args, {}, run, awaited=is_coroutine_function(function))


def is_coroutine_function(function: object) -> bool:
    """Whether calling it gives something to await."""
    return bool(_known(_is_coroutine_function, function))


def _known(look: Any, function: object, *args: object) -> Any:
    try:
        return look(function, *args)
    except TypeError:  # an object that cannot be hashed
        return look.__wrapped__(function, *args)


@functools.lru_cache(maxsize=1_000)
def _is_coroutine_function(function: object) -> bool:
    called = type(function).__call__ if callable(function) else None  # of an object that is called as a function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


@functools.lru_cache(maxsize=1_000)
def _passing(hook: Callable[..., object], names: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Which of the values go by position, and which by the name of which parameter."""
    parameters = tuple(signature_of(hook).parameters.values())
    kinds = {each.kind for each in parameters}
    is_named = any(each.name in names for each in parameters)
    given = _given(parameters, names, is_named)
    args: list[str] = []
    kwargs: list[tuple[str, str]] = []
    for each in parameters:
        if each.name in given:
            follows = each.kind in _BY_POSITION and len(args) == parameters.index(each)
            args += [given[each.name]] if follows else []
            kwargs += [] if follows else [(each.name, given[each.name])]
    left = [name for name in names if name not in given.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        args += left
    elif inspect.Parameter.VAR_KEYWORD in kinds:
        kwargs += [(name, name) for name in left]
    return args, kwargs


def _given(parameters: Sequence[inspect.Parameter], names: Sequence[str], is_named: bool) -> dict[str, str]:
    """By parameter, the name of its value: its own, or for one of another name what is left, in order."""
    given = {each.name: each.name for each in parameters if each.name in names}
    left = [name for name in names if name not in given]
    for each in parameters:
        is_option = is_named and each.default is not each.empty
        if left and each.kind in _BY_POSITION and each.name not in given and not is_option:
            given[each.name] = left.pop(0)
    return given
