"""Perdure: Python workflows whose results last."""

from typing import TYPE_CHECKING

from perdure._engine.coordination.transaction import Transaction
from perdure._engine.identity.policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    task_input_hash,
)
from perdure._engine.lifecycle.retries import exponential_backoff
from perdure._execution.flows import Flow, flow
from perdure._execution.limits import concurrency, rate_limit
from perdure._execution.tasks import Task, task
from perdure._execution.transactions import get_transaction, transaction
from perdure._model.argument_marks import allow_failure, quote, unmapped
from perdure._model.states import State
from perdure._platform import moved
from perdure._platform.version import VERSION as __version__  # noqa: N811
from perdure._run.context import tags
from perdure._run.futures import AsyncFuture, Future
from perdure._run.log_reporting import get_run_logger

if TYPE_CHECKING:  # few programs need it; the others start faster
    from perdure._client.orchestration import get_client
    from perdure._execution.control import (
        cancel_flow_run,
        continue_flow_run,
        pause_flow_run,
        resume_flow_run,
        sleep,
        sleep_until,
        suspend_flow_run,
    )
    from perdure._execution.deployments import deploy, serve

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


_ELSEWHERE = {
    "deploy": "deployments",
    "get_client": "client",
    "serve": "deployments",
    **dict.fromkeys(
        ("cancel_flow_run", "continue_flow_run", "pause_flow_run", "resume_flow_run", "suspend_flow_run"), "control"
    ),
    **dict.fromkeys(("sleep", "sleep_until"), "control"),
}

moved.find_former_modules()
moved.export(globals())


def __getattr__(name: str) -> object:
    """The modules that users import names from, without an import of their own."""
    from importlib import import_module

    if name in _ELSEWHERE:
        return getattr(import_module(f"perdure.{_ELSEWHERE[name]}"), name)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"perdure.{name}")
