"""Pausing, continuing and waiting for flow runs, by their path in Prefect."""

from perdure._execution.control import pause_flow_run, resume_flow_run, suspend_flow_run
from perdure._execution.deployment_runs import wait_for_flow_run
from perdure._platform.moved import export

__all__ = ["pause_flow_run", "resume_flow_run", "suspend_flow_run", "wait_for_flow_run"]

export(globals())
