"""Perdure: Python workflows whose results last."""

from typing import TYPE_CHECKING

from perdure.context import tags
from perdure.core import moved
from perdure.core.annotations import allow_failure, quote, unmapped
from perdure.core.states import State
from perdure.core.version import VERSION as __version__  # noqa: N811
from perdure.flows import Flow, flow
from perdure.futures import AsyncFuture, Future
from perdure.limits import concurrency, rate_limit
from perdure.logs import get_run_logger
from perdure.steering import (
    cancel_flow_run,
    continue_flow_run,
    pause_flow_run,
    resume_flow_run,
    sleep,
    sleep_until,
    suspend_flow_run,
)
from perdure.tasks import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    Task,
    exponential_backoff,
    task,
    task_input_hash,
)
from perdure.transactions import Transaction, get_transaction, transaction

if TYPE_CHECKING:  # few programs need it; the others start faster
    from perdure.client import get_client
    from perdure.deployments import deploy, serve

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "AsyncFuture",
    "CachePolicy",
    "Flow",
    "Future",
    "State",
    "Task",
    "Transaction",
    "__version__",
    "allow_failure",
    "cancel_flow_run",
    "concurrency",
    "continue_flow_run",
    "deploy",
    "exponential_backoff",
    "flow",
    "get_client",
    "get_run_logger",
    "get_transaction",
    "pause_flow_run",
    "quote",
    "rate_limit",
    "resume_flow_run",
    "serve",
    "sleep",
    "sleep_until",
    "suspend_flow_run",
    "tags",
    "task",
    "task_input_hash",
    "transaction",
    "unmapped",
]

_MODULES = frozenset(
    [
        "artifacts",
        "blocks",
        "deployments",
        "errors",
        "partitions",
        "schedules",
        "filesystems",
        "results",
        "runtime",
        "serializers",
        "states",
        "task_runners",
    ]
)


_ELSEWHERE = {"deploy": "deployments", "get_client": "client", "serve": "deployments"}

moved.find_former_modules()


def __getattr__(name: str) -> object:
    """The modules that users import names from, without an import of their own."""
    from importlib import import_module

    if name in _ELSEWHERE:
        return getattr(import_module(f"perdure.{_ELSEWHERE[name]}"), name)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"perdure.{name}")
