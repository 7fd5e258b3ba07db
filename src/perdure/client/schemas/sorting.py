"""Orders of what `get_client` lists, by their path in Prefect: the newest first, or the oldest."""

from perdure._client.sorting import DeploymentSort, FlowRunSort, LogSort, TaskRunSort
from perdure._platform.moved import export

__all__ = ["DeploymentSort", "FlowRunSort", "LogSort", "TaskRunSort"]

export(globals())
