"""The current run, for the code in it: `from perdure.runtime import flow_run, task_run, deployment, partition`.

For tests of code that asks, the environment may say it instead: `PERDURE__RUNTIME__FLOW_RUN__NAME=nightly`.
"""

from perdure._engine.lifecycle.runtime_overrides import FromEnvironment
from perdure._engine.lifecycle.runtime_views import DeploymentView, FlowRunView, PartitionView, TaskRunView
from perdure._model.errors import MissingContext
from perdure._run.context import current_run


class _FlowRun(FromEnvironment, FlowRunView):
    """The current flow run, or what the environment says of it."""

    _variables = "FLOW_RUN"


class _TaskRun(FromEnvironment, TaskRunView):
    """The current task run, or what the environment says of it."""

    _variables = "TASK_RUN"


class _Deployment(FromEnvironment, DeploymentView):
    """The current deployment, or what the environment says of it."""

    _variables = "DEPLOYMENT"


class _Partition(FromEnvironment, PartitionView):
    """The current partition, or what the environment says of it."""

    _variables = "PARTITION"


flow_run = _FlowRun()
"""The flow run that the code is in; its attributes are None outside of one, but for the time."""
task_run = _TaskRun()
"""The task run that the code is in; its attributes are None outside of one."""
deployment = _Deployment()
"""The deployment that started the flow run; its attributes are None without one."""
partition = _Partition()
"""The slice of data that the flow run is about; its attributes are None without one."""


def items_done() -> int:
    """How many items of the generator around it were handed on before: by another attempt, or before a crash.

    Whoever asks continues from there: the next `yield` is taken for the item of that number, counted from 0. Otherwise
    the generator begins again, and its first items are passed over.

    Raises:
        MissingContext: the innermost run is no generator, or has yielded an item already.
    """
    run = current_run.get()
    if run is None or run.items is None:
        raise MissingContext("There is no generator here. Ask items_done() in the body of a generator flow or task.")
    done: int = run.items.take_over()
    return done


__all__ = ["deployment", "flow_run", "items_done", "partition", "task_run"]
