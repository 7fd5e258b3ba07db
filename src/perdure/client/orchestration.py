"""`get_client`: reading runs, from the database or the server of the settings, as users of Prefect do."""

from perdure._client.orchestration import FlowRunSeen, FlowSeen, RunsClient, SyncRunsClient, TaskRunSeen, get_client
from perdure._platform.moved import export

__all__ = ["FlowRunSeen", "FlowSeen", "RunsClient", "SyncRunsClient", "TaskRunSeen", "get_client"]

export(globals())
