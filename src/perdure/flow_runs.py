"""Pausing and continuing flow runs, by their path in Prefect."""

from perdure.steering import pause_flow_run, resume_flow_run, suspend_flow_run

__all__ = ["pause_flow_run", "resume_flow_run", "suspend_flow_run"]
