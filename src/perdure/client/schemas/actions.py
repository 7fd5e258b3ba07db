"""What `get_client` is given to make or change, by its path in Prefect."""

from perdure._client.deployments import DeploymentUpdate
from perdure._client.limits import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from perdure._platform.moved import export
from perdure._scheduling.prefect_schedules import DeploymentScheduleCreate

__all__ = [
    "DeploymentScheduleCreate",
    "DeploymentUpdate",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
]

export(globals())
