"""The options of flows and tasks as attributes, under the names that the decorators take. They are read-only:
`with_options` makes a copy with others.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from perdure._model.options import FlowOptions, Hook, RetryDelay, RunOptions, TaskOptions
from perdure._model.retention import Retention

if TYPE_CHECKING:  # a program that chooses none of them need not import them
    from perdure._engine.identity.policies import CachePolicy
    from perdure._runners.base import TaskRunner

Options = TypeVar("Options", bound=RunOptions)


class CommonOptions(Generic[Options]):
    """What flows and tasks have alike."""

    options: Options

    @property
    def name(self) -> str:
        """The name of the flow or task."""
        return self.options.name

    @property
    def description(self) -> str | None:
        """What it does, for people: as given, or the docstring."""
        return self.options.description

    @property
    def version(self) -> str | None:
        """Its version: as given or, for a flow, a digest of its file."""
        return self.options.version

    @property
    def tags(self) -> frozenset[str]:
        """The tags that each of its runs gets."""
        return self.options.tags

    @property
    def isasync(self) -> bool:
        """Whether it is a coroutine function, or a generator that is iterated over by `async for`."""
        return self.options.is_async

    @property
    def step_id(self) -> str | None:
        """The template of what identifies a call within its flow run."""
        return self.options.step_id

    @property
    def retries(self) -> int:
        """How often a failed run is tried again."""
        return self.options.retries

    @property
    def retry_delay_seconds(self) -> RetryDelay | None:
        """How long to wait before a retry: as given, or the list that a function such as `exponential_backoff` made."""
        given = self.options.retry_delay_seconds
        return list(self.options.retry_delays) if callable(given) else given

    @property
    def timeout_seconds(self) -> float | None:
        """How long one attempt may take."""
        return self.options.timeout_seconds

    @property
    def persist_result(self) -> bool | None:
        """Whether results are persisted; None: as the features in use need it."""
        return self.options.persist_result

    @property
    def result_storage(self) -> object:
        """Where results go: a storage, a saved one's slug, or None if that is inherited."""
        return self.options.result_storage

    @property
    def result_serializer(self) -> object:
        """How results are written: a serializer, or None if that is inherited."""
        return self.options.result_serializer

    @property
    def result_retention(self) -> Retention | None:
        """How long results are kept; None if that is inherited."""
        return self.options.result_retention

    @property
    def cache_result_in_memory(self) -> bool:
        """Whether values stay in memory."""
        return self.options.cache_result_in_memory

    @property
    def log_prints(self) -> bool | None:
        """Whether what is printed is logged; None if that is inherited."""
        return self.options.log_prints

    @property
    def on_running_hooks(self) -> list[Hook]:
        """What is called when a run begins to run."""
        return list(self.options.on_running)

    @property
    def on_completion_hooks(self) -> list[Hook]:
        """What is called when a run completes."""
        return list(self.options.on_completion)

    @property
    def on_failure_hooks(self) -> list[Hook]:
        """What is called when a run fails for good."""
        return list(self.options.on_failure)

    @property
    def on_cancellation_hooks(self) -> list[Hook]:
        """What is called when a run is cancelled."""
        return list(self.options.on_cancellation)

    @property
    def on_crashed_hooks(self) -> list[Hook]:
        """What is called when a run is stopped from outside."""
        return list(self.options.on_crashed)


class OptionsOfFlows(CommonOptions[FlowOptions]):
    """What flows have besides."""

    @property
    def flow_run_name(self) -> str | Callable[..., str] | None:
        """The template of its runs' names, or the function that gives them."""
        return self.options.run_name

    @property
    def should_validate_parameters(self) -> bool:
        """Whether parameters are checked and coerced by the type hints: the option `validate_parameters`."""
        return self.options.validate_parameters

    @property
    def task_runner(self) -> "TaskRunner | None":
        """What runs the tasks that it submits; None stands for threads."""
        chosen: TaskRunner | None = self.options.task_runner
        return chosen

    @property
    def durable(self) -> bool:
        """Whether the results of all that it calls are persisted."""
        return self.options.durable

    @property
    def on_crash(self) -> str | None:
        """ "resume" if calls resume crashed runs of equal arguments."""
        return self.options.on_crash

    @property
    def idempotency_key(self) -> str | None:
        """The template of what calls with the same run have in common."""
        return self.options.idempotency_key


class OptionsOfTasks(CommonOptions[TaskOptions]):
    """What tasks have besides."""

    @property
    def task_run_name(self) -> str | Callable[..., str] | None:
        """The template of its runs' names, or the function that gives them."""
        return self.options.run_name

    @property
    def retry_jitter_factor(self) -> float | None:
        """By what part of it, at most, a delay is lengthened."""
        return self.options.retry_jitter_factor

    @property
    def retry_condition_fn(self) -> Callable[..., object] | None:
        """What decides whether a failed run is tried again."""
        return self.options.retry_condition_fn

    @property
    def cache_key_fn(self) -> Callable[..., object] | None:
        """What makes its cache keys."""
        return self.options.cache_key_fn

    @property
    def cache_policy(self) -> "CachePolicy | None":
        """What its cache keys are made of."""
        chosen: CachePolicy | None = self.options.cache_policy
        return chosen

    @property
    def cache_expiration(self) -> timedelta | None:
        """How long a cached result is used; None: for ever."""
        return self.options.cache_expiration

    @property
    def refresh_cache(self) -> bool | None:
        """Whether it runs in spite of a cached result; None: as the settings say."""
        return self.options.refresh_cache

    @property
    def viz_return_value(self) -> object:
        """What `flow.visualize()` has instead of the result, if anything."""
        return self.options.viz_return_value

    @property
    def result_storage_key(self) -> str | None:
        """The template of its results' keys in the storage."""
        return self.options.result_storage_key

    @property
    def resources(self) -> dict[str, float]:
        """What a worker of a cluster must have for its runs."""
        return dict(self.options.resources)

    @property
    def on_commit_hooks(self) -> list[Hook]:
        """What is called when the transaction that a run completed in is committed."""
        return list(self.options.on_commit)

    @property
    def on_rollback_hooks(self) -> list[Hook]:
        """What is called when the transaction that a run completed in is rolled back."""
        return list(self.options.on_rollback)
