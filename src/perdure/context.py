"""The current run, in context variables."""

from perdure._platform.moved import export
from perdure._run.context import FlowRunContext, TaskRunContext, get_run_context, tags

__all__ = ["FlowRunContext", "TaskRunContext", "get_run_context", "tags"]

export(globals())
