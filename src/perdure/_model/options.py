"""The options of the decorators: the engine reads them, `with_options` replaces some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from perdure._model.argument_binding import Signature
from perdure._model.flow_names import default_name
from perdure._model.retention import Retention
from perdure._platform.programs import name_of_module

Hook = Callable[..., object]  # called with (flow or task, its run, the state)
Resources = tuple[tuple[str, float], ...]  # names, and how much of each
RetryDelay = float | Sequence[float] | Callable[[int], Sequence[float]]


# What makes the classes is a twelfth of what `import perdure` takes, so none of the methods that nobody calls is made.
@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class RunOptions:
    """What flows and tasks have in common."""

    function: Callable[..., Any]
    name: str
    description: str | None = None
    version: str | None = None
    tags: frozenset[str] = frozenset()
    run_name: str | Callable[..., str] | None = None
    step_id: str | None = None  # a template over the parameters: what identifies a call within its flow run
    retries: int = 0
    retry_delay_seconds: RetryDelay | None = None  # as it was given
    retry_delays: tuple[float, ...] = ()  # in seconds, what it comes to for so many retries; the last one repeats
    timeout_seconds: float | None = None
    persist_result: bool | None = None
    result_storage: object = None  # a Storage, a saved block's slug, or None: inherited
    result_serializer: object = None  # a Serializer, a type name, or None: inherited
    result_retention: Retention | None = None  # None: inherited
    cache_result_in_memory: bool = True
    log_prints: bool | None = None
    on_running: tuple[Hook, ...] = ()
    on_completion: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()
    on_cancellation: tuple[Hook, ...] = ()
    on_crashed: tuple[Hook, ...] = ()
    signature: Signature = field(repr=False)

    @cached_property
    def is_async(self) -> bool:
        return self.signature.is_async

    @cached_property
    def is_generator(self) -> bool:
        return self.signature.is_generator

    @cached_property
    def is_kept(self) -> bool | None:
        """Whether the options alone say that results are persisted; None if it depends on what is round a run."""
        if self.persist_result is not None:
            return self.persist_result
        return True if self._needs_keeping() else None

    def _needs_keeping(self) -> bool:
        return not self.cache_result_in_memory or self.step_id is not None

    @cached_property
    def key(self) -> str:
        """What identifies this function: its module and qualified name.

        A script's is the one that others would import it by, so `python sales.py` and `perdure run sales.py` agree.
        """
        function = self.function
        # A method of a builtin class has no module of its own.
        owner = getattr(function, "__objclass__", type(function))
        module = getattr(function, "__module__", None) or owner.__module__
        return f"{name_of_module(module)}.{getattr(function, '__qualname__', self.own_name)}"

    @property
    def own_name(self) -> str:
        """The name that was given, or that of the function as it is."""
        return self.name


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowOptions(RunOptions):
    """A flow's options."""

    # Of a flow that was given no name, and is called by this one with dashes. The name that counts is `own_name`.
    function_name: str | None = field(default=None, metadata={"in_digest": False})
    validate_parameters: bool = True
    task_runner: Any = None
    durable: bool = False  # whether the results of all that it calls are persisted
    idempotency_key: str | None = None  # a template over the parameters: a second call with the key has the first's run
    on_crash: str | None = None  # "resume": a call resumes a crashed run that had equal arguments

    @property
    def own_name(self) -> str:
        """The name that was given, or that of the function as it is: it is the same in all versions of Perdure."""
        return self.function_name or self.name

    @property
    def other_name(self) -> str | None:
        """What `own_name` is once the default name is given to the flow, or is not given any more; None if the same."""
        if self.function_name is not None:
            return None if self.name == self.function_name else self.name
        function = str(getattr(self.function, "__name__", ""))
        return function if self.name == default_name(function) != function else None

    def is_called(self, flow_name: str) -> bool:
        """Whether a run whose flow has this name may be one of this flow: earlier versions named it otherwise."""
        return flow_name in (self.name, self.own_name)

    def _needs_keeping(self) -> bool:
        return self.durable or self.idempotency_key is not None or super()._needs_keeping()

    def without_code(self) -> "FlowOptions":
        """The options that tasks inherit, without what may not be picklable."""
        return FlowOptions(
            function=_elsewhere,
            signature=Signature(_elsewhere),
            name=self.name,
            function_name=self.function_name,
            version=self.version,
            retries=self.retries,
            durable=self.durable,
            result_storage=self.result_storage,
            result_serializer=self.result_serializer,
            result_retention=self.result_retention,
            log_prints=self.log_prints,
        )


def _elsewhere() -> None:
    """Stands for a flow's function in a process that only runs its tasks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskOptions(RunOptions):
    """A task's options."""

    retry_jitter_factor: float | None = None
    retry_condition_fn: Callable[..., object] | None = None
    cache_key_fn: Callable[..., object] | None = None
    cache_policy: Any = None  # a CachePolicy
    cache_expiration: timedelta | None = None
    refresh_cache: bool | None = None
    viz_return_value: object = None  # what a drawing of a flow has instead of the result
    result_storage_key: str | None = None
    # What a worker of a cluster must have, of what its engine counts. Says where the task runs, not what it is.
    resources: Resources = field(default=(), metadata={"in_digest": False})
    on_commit: tuple[Hook, ...] = ()
    on_rollback: tuple[Hook, ...] = ()

    def _needs_keeping(self) -> bool:
        return self.is_cached or super()._needs_keeping()

    @property
    def is_undoable(self) -> bool:
        """Whether it has hooks for transactions."""
        return bool(self.on_rollback or self.on_commit)

    @cached_property
    def is_cached(self) -> bool:
        """Whether its runs have cache keys."""
        return self.cache_key_fn is not None or self.cache_policy is not None
