"""States and runs, as `get_client` answers with them, by their path in Prefect."""

from perdure._client.log_reading import Log
from perdure._client.runs_seen import FlowSeen as Flow
from perdure._model.state_details import StateDetails
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.moved import export
from perdure._rooms.deployments.prefect_options import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure._scheduling.prefect_schedules import DeploymentScheduleCreate as MinimalDeploymentSchedule

__all__ = [
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "Flow",
    "FlowRun",
    "Log",
    "MinimalDeploymentSchedule",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
]

export(globals())
