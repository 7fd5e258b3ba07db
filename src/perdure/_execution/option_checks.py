"""What the decorators check and derive, for flows and tasks alike."""

import dataclasses
import hashlib
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from perdure._engine.identity.policies import CachePolicy, Inputs, policy_of
from perdure._engine.lifecycle.retries import delays_of
from perdure._model.argument_binding import Signature
from perdure._model.errors import DefinitionError
from perdure._model.flow_names import default_name
from perdure._model.options import FlowOptions, Resources, RunOptions, TaskOptions
from perdure._model.retention import Retention
from perdure._platform.ages_and_sizes import parse_size
from perdure._platform.clock import LONGEST_WAIT
from perdure._platform.importable import is_importable
from perdure._platform.programs import walk
from perdure._platform.suggest import nearest
from perdure._results.keys import ROOTS, check_template
from perdure._run import log_reporting

Options = TypeVar("Options", bound=RunOptions)
RESERVED = ("return_state", "wait_for")


def checked_function(function: object, kind: str) -> Callable[..., object]:
    """The function below a static or class method.

    Raises:
        TypeError: it cannot be called.
    """
    inner = function.__func__ if isinstance(function, staticmethod | classmethod) else function
    if not callable(inner):
        raise TypeError(
            f"@{kind} decorates functions; {function!r} is a {type(function).__name__}, which cannot be called."
            f" Give it a function, or write `@{kind}` above its definition."
        )
    if inspect.isclass(inner):
        raise TypeError(f"@{kind} decorates functions; {inner.__name__} is a class. Decorate its methods instead.")
    if _is_command(inner):
        raise TypeError(
            f"@{kind} decorates functions; {getattr(inner, 'name', None)!r} is a command of click, which takes a"
            f" command line. Write `@{kind}` below `@click.command()` and its options, right above `def`."
        )
    return inner


def _is_command(function: object) -> bool:
    return any(each.__name__ == "Command" and each.__module__ == "click.core" for each in type(function).__mro__)


def checked_signature(function: Callable[..., object], kind: str, name: str) -> Signature:
    """The function's signature.

    Raises:
        DefinitionError: it has a parameter whose name the call itself uses.
    """
    signature = Signature(function)
    for reserved in RESERVED:
        if reserved in signature.names:
            raise DefinitionError(
                f"The {kind} '{name}' has a parameter named {reserved!r}, which each call of a {kind} takes for itself."
                " Give the parameter another name."
            )
    return signature


_NOT_IN_FLOW_NAMES = frozenset("/%&<>")


def checked_name(name: object, function: Callable[..., object], kind: str) -> str:
    """The name that was given, or the function's; a flow has dashes in place of the underscores of that.

    Raises:
        DefinitionError: it is not text, empty, or a flow's with characters that addresses of deployments use.
    """
    if name is None:
        own = _name_of(function)
        return default_name(own) if kind == "flow" else own
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"A {kind}'s name is text that is not empty, not {name!r}.")
    if kind == "flow" and (bad := set(name) & _NOT_IN_FLOW_NAMES):
        raise DefinitionError(
            f"The flow's name {name!r} has {', '.join(map(repr, sorted(bad)))}: deployments are found by FLOW/NAME, in"
            f" addresses, so flow names have none of {' '.join(sorted(_NOT_IN_FLOW_NAMES))}. Write '-' instead."
        )
    return name


def _name_of(function: Callable[..., object]) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return "anonymous" if name == "<lambda>" else str(name)


def function_name(given: object, function: Callable[..., object]) -> str | None:
    """The function's name, if it is what a flow is called by that was given none."""
    return None if given is not None else _name_of(function)


def fields_of(function: object, kind: str, options: dict[str, object]) -> dict[str, Any]:
    """What the function itself says of its options; a name is taken out of those that were given.

    Raises:
        TypeError: what is decorated is not a function.
        DefinitionError: the name is wrong, or a parameter's.
    """
    plain = checked_function(function, kind)
    given = options.pop("name", None)
    name = checked_name(given, plain, kind)
    signature = checked_signature(plain, kind, name)
    of_flow = {"function_name": function_name(given, plain)} if kind == "flow" else {}
    return {"function": plain, "name": name, "description": inspect.getdoc(plain), "signature": signature, **of_flow}


def changed(base: Options, options: dict[str, object], kind: str) -> Options:
    """The options with some replaced, checked one by one and together.

    Raises:
        DefinitionError: an option is wrong, or two do not go together.
        TypeError: an option is unknown.
    """
    result = dataclasses.replace(base, **_changes(base, options, kind))
    if result.persist_result is False and result.step_id is not None:
        raise DefinitionError(
            f"The {kind} '{result.name}' has persist_result=False and a step_id, but what is not persisted is run again"
            " anyway. Leave persist_result out, or take step_id away."
        )
    if isinstance(result, FlowOptions) and result.idempotency_key is not None and result.is_generator:
        raise DefinitionError(
            f"The flow '{result.name}' is a generator and has an idempotency_key, but its items are handed on as they"
            " come. Leave idempotency_key out, or return a list."
        )
    if isinstance(result, TaskOptions) and result.is_cached:
        _check_caching(result)
    if result.log_prints:
        log_reporting.watch_prints()
    return result


def _check_caching(options: TaskOptions) -> None:
    if options.cache_key_fn is not None and options.cache_policy is not None:
        raise DefinitionError(
            f"The task '{options.name}' has a cache_key_fn and a cache_policy, but a run has one key."
            " Set one of them to None, or put the function into the policy: cache_policy=INPUTS + function."
        )
    if options.persist_result is False:
        option = "cache_key_fn" if options.cache_policy is None else "cache_policy"
        raise DefinitionError(
            f"The task '{options.name}' has persist_result=False and a {option}, but caching needs its result"
            f" to be persisted. Leave persist_result out, or take {option} away."
        )


def _changes(base: RunOptions, options: dict[str, object], kind: str) -> dict[str, Any]:
    known = {**_COMMON, **(_OF_TASKS if kind == "task" else _OF_FLOWS)}
    changes: dict[str, Any] = {}
    for option, value in options.items():
        if option not in known:
            hint = nearest(option, known)
            if option == "result_storage_key":
                hint = " Only tasks have it: a flow's result is looked up by its run."
            raise TypeError(f"@{kind} takes no option {option!r}.{hint}")
        field, check = known[option]
        changes[field] = check(value, option, base)
    if "retries" in options or "retry_delay_seconds" in options:
        given = changes.get("retry_delay_seconds", base.retry_delay_seconds)
        changes["retry_delays"] = () if given is None else delays_of(given, changes.get("retries", base.retries))
    if kind == "flow" and "name" in options:
        changes["function_name"] = function_name(options["name"], base.function)
    return changes


def _name(value: object, _: str, base: RunOptions) -> str:
    return checked_name(value, base.function, "flow" if isinstance(base, FlowOptions) else "task")


def _text(value: object, option: str, _: RunOptions) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DefinitionError(f"{option}={value!r} must be text.")
    return value


def _run_name(value: object, option: str, base: RunOptions) -> object:
    if isinstance(value, str):
        if base.signature.is_plain:
            names = base.signature.names
            check_template(option, value, names, (*names, *ROOTS))
    elif value is not None and not callable(value):
        raise DefinitionError(f"{option}={value!r} must be a template such as 'day-{{day}}', or a function.")
    return value


def _step_id(value: object, option: str, base: RunOptions) -> str | None:
    template = _text(value, option, base)
    if template is not None and base.signature.is_plain:
        check_template(option, template, base.signature.names, base.signature.names)
    return template


def _flag(value: object, option: str, _: RunOptions) -> object:
    if not isinstance(value, bool):
        raise DefinitionError(f"{option}={value!r} must be True or False.")
    return value


def _choice(value: object, option: str, base: RunOptions) -> object:
    return None if value is None else _flag(value, option, base)


def _function(value: object, option: str, _: RunOptions) -> object:
    if value is not None and not callable(value):
        raise DefinitionError(f"{option}={value!r} must be a function.")
    return value


def _cache_policy(value: object, option: str, base: RunOptions) -> CachePolicy | None:
    if value is None:
        return None
    policy = policy_of(value)
    for name in (name for part in policy.parts if isinstance(part, Inputs) for name in part.left_out):
        if name not in base.signature.names:
            raise DefinitionError(
                f"{option}={value!r} leaves out {name!r}, but '{base.name}' has no such parameter."
                + (nearest(name, base.signature.names) or f" It has: {', '.join(base.signature.names) or 'none'}.")
            )
    return policy if policy.parts else None


def _hooks(value: object, option: str, _: RunOptions) -> tuple[Callable[..., object], ...]:
    if value is None:
        return ()
    hooks = tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(map(callable, hooks)):
        raise DefinitionError(f"{option}={value!r} must be a list of functions that take (flow or task, run, state).")
    return hooks


def _tags(value: Any, option: str, _: RunOptions) -> frozenset[str]:
    if value is None:
        return frozenset()
    tags = frozenset() if isinstance(value, str) else frozenset(value)
    if isinstance(value, str) or not all(isinstance(tag, str) for tag in tags):
        raise DefinitionError(f"{option}={value!r} must be a list of texts, such as ['daily'].")
    return tags


def _on_crash(value: object, option: str, _: RunOptions) -> str | None:
    if value not in (None, "resume"):
        raise DefinitionError(f"{option}={value!r} must be 'resume', or None for a new run at each call.")
    return value


def _retries(value: object, option: str, base: RunOptions) -> int:
    if value is None:
        return base.retries
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DefinitionError(f"{option}={value!r} must be a whole number of at least 0.")
    return value


def _seconds(value: object, option: str, _: RunOptions) -> float | None:
    if value is None or (value == 0 and not isinstance(value, bool)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_WAIT:
        raise DefinitionError(
            f"{option}={value!r} must be a number of seconds above 0, {LONGEST_WAIT:.0f} at most;"
            " 0 or None sets no limit."
        )
    return float(value)


def _jitter(value: object, option: str, _: RunOptions) -> float | None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf
    ):
        raise DefinitionError(f"{option}={value!r} must be a number of at least 0.")
    return value


def _expiration(value: object, option: str, _: RunOptions) -> timedelta | None:
    if value is not None and not isinstance(value, timedelta):
        raise DefinitionError(f"{option}={value!r} must be a datetime.timedelta, such as timedelta(hours=1).")
    return value


_OF_PATHS = (".", "/", "~", "\\")


def _storage(value: object, option: str, _: RunOptions) -> object:
    if isinstance(value, str) and (value.count("/") != 1 or value.startswith(_OF_PATHS)):
        raise DefinitionError(
            f"{option}={value!r} is not a slug: it is a type and a name, such as 'local-file-system/dev'."
            f" Save the storage first, or give an instance such as LocalFileSystem(basepath={value!r})."
        )
    if value is None or isinstance(value, str) or (hasattr(value, "read") and hasattr(value, "write")):
        return value
    raise DefinitionError(
        f"{option}={value!r} must be a storage, such as LocalFileSystem(basepath=...), or a saved one's slug."
    )


def _serializer(value: object, option: str, _: RunOptions) -> object:
    if isinstance(value, str):
        from perdure._serializers.base import resolve

        return resolve(value, value)
    if value is None or (hasattr(value, "dumps") and hasattr(value, "loads")):
        return value
    raise DefinitionError(f"{option}={value!r} must be a name such as 'json', or an instance such as JSONSerializer().")


def _retention(value: object, option: str, _: RunOptions) -> Retention | None:
    try:
        return None if value is None else Retention.of(value)
    except DefinitionError as error:
        raise DefinitionError(f"{option}={value!r} cannot be used: {error}") from None


def _storage_key(value: object, option: str, base: RunOptions) -> str | None:
    template = _text(value, option, base)
    if template is not None:
        check_template(option, template, base.signature.names if base.signature.is_plain else None)
    return template


def _task_runner(value: object, option: str, _: RunOptions) -> object:
    made = value() if isinstance(value, type) else value
    if made is not None and not (hasattr(made, "submit") and hasattr(made, "duplicate")):
        raise DefinitionError(f"{option}={value!r} must be a task runner, such as ThreadTaskRunner(max_workers=4).")
    return made


def _as_given(value: object, *_: object) -> object:
    """Checked once the number of retries is known."""
    return value


def _resources(value: object, option: str, _: RunOptions) -> Resources:
    rule = "must say how much of what a worker needs, such as {'gpu': 1, 'memory': '4GiB'}"
    if value is None:
        return ()
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise DefinitionError(f"{option}={value!r} {rule}.")
    amounts: dict[str, float] = {}
    for name, amount in value.items():
        try:
            amounts[name] = parse_size(amount) if isinstance(amount, str) else float(amount)
        except (TypeError, ValueError) as error:
            raise DefinitionError(f"{option}={value!r} {rule}: {error}") from None
        if isinstance(amount, bool) or not 0 < amounts[name] < math.inf:
            raise DefinitionError(f"{option}={value!r} {rule}: {name}={amount!r} is not a number above 0.")
    return tuple(sorted(amounts.items()))


_COMMON: dict[str, tuple[str, Callable[[object, str, RunOptions], object]]] = {
    "name": ("name", _name),
    "description": ("description", _text),
    "version": ("version", _text),
    "tags": ("tags", _tags),
    "step_id": ("step_id", _step_id),
    "retries": ("retries", _retries),
    "retry_delay_seconds": ("retry_delay_seconds", _as_given),
    "timeout_seconds": ("timeout_seconds", _seconds),
    "persist_result": ("persist_result", _choice),
    "result_storage": ("result_storage", _storage),
    "result_serializer": ("result_serializer", _serializer),
    "result_retention": ("result_retention", _retention),
    "cache_result_in_memory": ("cache_result_in_memory", _flag),
    "log_prints": ("log_prints", _choice),
    "on_running": ("on_running", _hooks),
    "on_completion": ("on_completion", _hooks),
    "on_failure": ("on_failure", _hooks),
    "on_cancellation": ("on_cancellation", _hooks),
    "on_crashed": ("on_crashed", _hooks),
}
_OF_FLOWS: dict[str, tuple[str, Callable[[object, str, RunOptions], object]]] = {
    "flow_run_name": ("run_name", _run_name),
    "validate_parameters": ("validate_parameters", _flag),
    "task_runner": ("task_runner", _task_runner),
    "durable": ("durable", _flag),
    "on_crash": ("on_crash", _on_crash),
    "idempotency_key": ("idempotency_key", _step_id),
}
_OF_TASKS: dict[str, tuple[str, Callable[[object, str, RunOptions], object]]] = {
    "task_run_name": ("run_name", _run_name),
    "retry_jitter_factor": ("retry_jitter_factor", _jitter),
    "retry_condition_fn": ("retry_condition_fn", _function),
    "cache_key_fn": ("cache_key_fn", _function),
    "cache_policy": ("cache_policy", _cache_policy),
    "cache_expiration": ("cache_expiration", _expiration),
    "refresh_cache": ("refresh_cache", _choice),
    "viz_return_value": ("viz_return_value", _as_given),
    "result_storage_key": ("result_storage_key", _storage_key),
    "resources": ("resources", _resources),
    "on_commit": ("on_commit", _hooks),
    "on_rollback": ("on_rollback", _hooks),
}


def version_of(function: Callable[..., object]) -> str | None:
    """A version for a flow that was given none: a digest of the file that it is in."""
    try:
        source = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return None
    return hashlib.sha256(source).hexdigest()[:32]


def find_definition(module: str, qualified_name: str) -> object:
    """What a module holds under a qualified name: how a flow or task is had in another process.

    Raises:
        AttributeError: it holds nothing under that name.
    """
    __import__(module)
    found: Any = sys.modules[module]
    for part in qualified_name.split("."):
        found = getattr(found, part)
    return found


def is_named(definition: object, function: Callable[..., object], by_value_of_main: bool) -> bool:
    """Whether another process finds this very definition under its function's module and name.

    A main program is found by processes that have it as theirs, such as those of multiprocessing.
    """
    module = getattr(function, "__module__", None)
    if module == "__main__" and by_value_of_main:
        return False
    if module is None or not (module in ("__main__", "__mp_main__") or is_importable(module)):
        return False
    name = getattr(function, "__qualname__", "<")
    return "<" not in name and walk(sys.modules[module], name) is definition
