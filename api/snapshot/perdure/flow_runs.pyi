__all__ = [
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
]

from perdure import pause_flow_run as pause_flow_run

from perdure import resume_flow_run as resume_flow_run

from perdure import suspend_flow_run as suspend_flow_run
