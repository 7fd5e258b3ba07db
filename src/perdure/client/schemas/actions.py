"""What `get_client` is given to make or change, by its path in Prefect."""

from perdure.client.deployments import DeploymentUpdate
from perdure.scheduling.named import DeploymentScheduleCreate

__all__ = ["DeploymentScheduleCreate", "DeploymentUpdate"]
