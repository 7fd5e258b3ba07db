__all__ = [
    "cancel_flow_run",
    "continue_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "sleep",
    "sleep_until",
    "suspend_flow_run",
]

from perdure import cancel_flow_run as cancel_flow_run

from perdure import continue_flow_run as continue_flow_run

from perdure import pause_flow_run as pause_flow_run

from perdure import resume_flow_run as resume_flow_run

from perdure import sleep as sleep

from perdure import sleep_until as sleep_until

from perdure import suspend_flow_run as suspend_flow_run
