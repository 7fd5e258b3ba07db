"""The current run, for the code in it: `from perdure.runtime import flow_run, task_run, deployment`."""

from perdure.engine.views import DeploymentView, FlowRunView, TaskRunView

flow_run = FlowRunView()
task_run = TaskRunView()
deployment = DeploymentView()

__all__ = ["deployment", "flow_run", "task_run"]
