"""States and runs, as `get_client` answers with them, by their path in Prefect."""

from perdure.core.records import FlowRun, TaskRun
from perdure.core.state_details import StateDetails
from perdure.core.states import State, StateType
from perdure.deploying.accepted import ConcurrencyLimitConfig
from perdure.scheduling.named import DeploymentScheduleCreate as MinimalDeploymentSchedule

__all__ = [
    "ConcurrencyLimitConfig",
    "FlowRun",
    "MinimalDeploymentSchedule",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
]
