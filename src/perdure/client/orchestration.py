"""`get_client`: reading runs, from the database or the server of the settings, as users of Prefect do."""

from perdure._client.orchestration import RunsClient, SyncRunsClient, get_client
from perdure._client.runs_seen import FlowRunSeen, FlowSeen, TaskRunSeen
from perdure._platform.moved import export

__all__ = ["FlowRunSeen", "FlowSeen", "RunsClient", "SyncRunsClient", "TaskRunSeen", "get_client"]

export(globals())
