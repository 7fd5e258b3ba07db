"""Cache policies: what decides that a task need not run again."""

import functools
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from perdure._engine.identity.projects import project_of
from perdure._model.errors import DefinitionError
from perdure._platform.lazy_import import LazyModule
from perdure._run.context import RunContext, TaskRunContext

if TYPE_CHECKING:
    from perdure._engine.identity import closures, hashing
else:  # few programs need them; the others start faster
    closures = LazyModule("perdure._engine.identity.closures")
    hashing = LazyModule("perdure._engine.identity.hashing")


def task_input_hash(context: TaskRunContext, parameters: Mapping[str, object]) -> str:
    """A cache key from the task, its code and its arguments. For `cache_key_fn`.

    The order of plain dicts does not count, as it does not in Prefect 2.

    Raises:
        SerializationError: an argument cannot be hashed; it is named.
    """
    return hashing.digest_of_values(*_what(context), parameters, ordered=False)


def _what(context: TaskRunContext) -> tuple[str | None, ...]:
    """What identifies the task."""
    options, function = context.options, context.options.function
    made = () if closures.has_own_name(function) else (closures.distinction_of(function),)
    return (options.key, project_of(function), _code_digest(function), *made)


def former_input_hash(context: TaskRunContext, parameters: Mapping[str, object]) -> str | None:
    """What `task_input_hash` gave in earlier versions, which did not know of projects; None if that was not right."""
    options = context.options
    if not closures.has_own_name(options.function):
        return None
    return hashing.digest_of_values(options.key, _code_digest(options.function), parameters, ordered=False)


@functools.lru_cache(maxsize=1_000)
def _code_digest(function: Callable[..., object]) -> str | None:
    code = getattr(function, "__code__", None)
    return None if code is None else hashing.digest_of_values(_parts(code))


def _parts(code: CodeType) -> tuple[object, ...]:
    """What the code does: its instructions, and the constants and names that they use."""
    constants = tuple(_parts(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.co_code, constants, code.co_names


class CachePolicy:
    """What the cache keys of a task are made of. The task itself is always part of them.

    Policies are added, `INPUTS + TASK_SOURCE`, and leave arguments out, `INPUTS - "logger"`. For one of your own,
    override `components`; or, as in Prefect, give it `compute_key(self, task_ctx, inputs, flow_parameters)`.
    """

    def components(self, context: TaskRunContext, parameters: dict[str, Any]) -> Mapping[str, object] | None:
        """The values that make up a run's key, each under a name; None for a run without caching.

        They are hashed; of what cannot be, give something that can stand for it.
        """
        compute = getattr(self, "compute_key", None)
        if compute is None:
            raise NotImplementedError(f"{type(self).__name__} has no method `components`. Write one.")
        flow = context.flow
        key = compute(
            task_ctx=context, inputs=parameters, flow_parameters={} if flow is None else dict(flow.parameters)
        )
        return None if key is None else {type(self).__name__: key}

    def configure(
        self,
        key_storage: object = None,  # noqa: ARG002
        lock_manager: object = None,  # noqa: ARG002
        isolation_level: object = None,  # noqa: ARG002
    ) -> "CachePolicy":
        """This policy. Where keys are kept and what locks them, this says to Prefect 3; here the database does both.

        Of several runs that want a value of one key, one makes it while the others wait: `SERIALIZABLE`, always.
        """
        return self

    @property
    def parts(self) -> "tuple[CachePolicy, ...]":
        """The policies that this one is the sum of."""
        return (self,)

    def without(self, _: str) -> "CachePolicy":
        """The same policy, in whose keys an argument does not count; itself if no argument does."""
        return self

    def __add__(self, other: "CachePolicy | Callable[..., object]") -> "CachePolicy":
        return sum_of(*self.parts, *policy_of(other).parts)

    def __radd__(self, other: "CachePolicy | Callable[..., object]") -> "CachePolicy":
        return sum_of(*policy_of(other).parts, *self.parts)

    def __sub__(self, name: str) -> "CachePolicy":
        if not isinstance(name, str):
            raise DefinitionError(f"{self!r} - {name!r} leaves out an argument by its name: write - 'name'.")
        left = [part.without(name) for part in self.parts]
        if all(new is old for new, old in zip(left, self.parts, strict=True)):
            raise DefinitionError(f"{self!r} - {name!r} leaves out nothing: only INPUTS has arguments to leave out.")
        return sum_of(*left)


class _BuiltIn(CachePolicy):
    """A policy that counts once in a sum, however often it is made, or sent to other processes."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))


class _Sum(_BuiltIn):
    """Several policies together, or none."""

    def __init__(self, *of: CachePolicy) -> None:
        self._of = of

    @property
    def parts(self) -> tuple[CachePolicy, ...]:
        return self._of

    def __repr__(self) -> str:
        return " + ".join(map(repr, self._of)) or "NO_CACHE"


class Inputs(_BuiltIn):
    """The arguments count, but for those that are left out."""

    def __init__(self, *left_out: str, exclude: Iterable[str] = ()) -> None:
        self.left_out = (*left_out, *exclude)

    def components(self, _: TaskRunContext, parameters: dict[str, object]) -> Mapping[str, object]:
        """The arguments."""
        return {f"inputs.{name}": value for name, value in parameters.items() if name not in self.left_out}

    def without(self, name: str) -> CachePolicy:
        """A policy for which one argument less counts."""
        return Inputs(*sorted({*self.left_out, name}))

    def __repr__(self) -> str:
        return "INPUTS" + "".join(f" - {name!r}" for name in self.left_out)


class _TaskSource(_BuiltIn):
    def components(self, context: TaskRunContext, _: dict[str, object]) -> Mapping[str, object]:
        """The task's source, and that of what it uses."""
        from perdure._engine.identity.source import digests_of_source  # few programs need it; the others start faster

        own, used = digests_of_source(context.options.function)
        return {"source": own, "helpers": used}

    def __repr__(self) -> str:
        return "TASK_SOURCE"


class _RunId(_BuiltIn):
    def components(self, context: TaskRunContext, _: dict[str, object]) -> Mapping[str, object]:
        """The flow run; of a task without one, the outermost task run."""
        outermost: RunContext = context
        while outermost.parent is not None:
            outermost = outermost.parent
        return {"run": outermost.id if context.flow is None else context.flow.id}

    def __repr__(self) -> str:
        return "RUN_ID"


class _FlowParameters(_BuiltIn):
    def components(self, context: TaskRunContext, _: dict[str, object]) -> Mapping[str, object]:
        """The parameters of the flow run that calls the task."""
        flow = context.flow
        if flow is not None and not flow.has_all_parameters:
            raise DefinitionError(
                f"FLOW_PARAMETERS cannot be used by the task '{context.options.name}' here: it is called inside a task"
                " in another process, to which not all of the flow's parameters were sent. Call it from the flow."
            )
        return {} if flow is None else {f"flow.{name}": value for name, value in flow.parameters.items()}

    def __repr__(self) -> str:
        return "FLOW_PARAMETERS"


class FunctionPolicy(_BuiltIn):
    """What a function of (context, parameters), of (parameters), or of nothing returns counts: text."""

    def __init__(self, cache_key_fn: Callable[..., object]) -> None:
        self.function = cache_key_fn

    @property
    def name(self) -> str:
        """What the key's component is called."""
        return str(getattr(self.function, "__qualname__", type(self.function).__qualname__))

    def __repr__(self) -> str:
        return self.name


def policy_of(value: object) -> CachePolicy:
    """A policy, also from a function.

    Raises:
        DefinitionError: the value is neither.
    """
    if isinstance(value, CachePolicy):
        return value
    if isinstance(value, type) and issubclass(value, CachePolicy):
        raise DefinitionError(f"{value.__name__} is a class of cache policies. Give an instance: {value.__name__}().")
    if callable(value):
        return FunctionPolicy(value)
    raise DefinitionError(
        f"{value!r} is no cache policy. Give one such as INPUTS + TASK_SOURCE, or a function that returns text."
    )


def sum_of(*parts: CachePolicy) -> CachePolicy:
    """One policy of all of these; one that comes twice counts once."""
    once = tuple(dict.fromkeys(parts))
    return once[0] if len(once) == 1 else _Sum(*once)


INPUTS = Inputs()
"""The values of the call's arguments."""
TASK_SOURCE = _TaskSource()
"""The source code of the task's function."""
RUN_ID = _RunId()
"""The id of the flow run: results are found within one run only."""
FLOW_PARAMETERS = _FlowParameters()
"""The values of the flow run's parameters."""
NO_CACHE = sum_of()
"""No cache key: each call runs the function."""
DEFAULT = INPUTS + TASK_SOURCE
"""The arguments and the source code: what a task that says nothing else is cached by where caching is on."""
