"""Cancelling, pausing and continuing flow runs, and waits that outlive the process."""

from perdure._execution.control import (
    cancel_flow_run,
    continue_flow_run,
    pause_flow_run,
    resume_flow_run,
    sleep,
    sleep_until,
    suspend_flow_run,
)
from perdure._platform.moved import export

__all__ = [
    "cancel_flow_run",
    "continue_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "sleep",
    "sleep_until",
    "suspend_flow_run",
]

export(globals())
