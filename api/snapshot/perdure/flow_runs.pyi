__all__ = [
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]

from perdure import pause_flow_run as pause_flow_run

from perdure import resume_flow_run as resume_flow_run

from perdure import suspend_flow_run as suspend_flow_run

async def wait_for_flow_run(
    flow_run_id: str | UUID,
    timeout: float | None = 10800.0,
    poll_interval: float = 5.0,
    client: object = None,
    log_states: bool = False,
) -> FlowRunSeen: ...
