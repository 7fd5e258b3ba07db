"""A client for programs that read and control the runs of a server: `with Client() as client: client.flow_runs()`.

`AsyncClient` is the same for coroutines. What they answer are pydantic models, those that the server answers with.
"""

from perdure._client.asynchronous import AsyncClient
from perdure._client.events import Event
from perdure._client.orchestration import RunsClient, SyncRunsClient, get_client
from perdure._client.sync import Client
from perdure._execution import control as _control  # noqa: F401 - by it `set_flow_run_state` cancels
from perdure._http.models import (
    ArtifactModel,
    Count,
    FlowRunModel,
    LogModel,
    MadeToken,
    ResultModel,
    StateModel,
    TaskRunModel,
    TokenModel,
    VariableModel,
)
from perdure._model.errors import AccessRefused, ClientError, NotFound
from perdure._platform.moved import export

__all__ = [
    "AccessRefused",
    "ArtifactModel",
    "AsyncClient",
    "Client",
    "ClientError",
    "Count",
    "Event",
    "FlowRunModel",
    "LogModel",
    "MadeToken",
    "NotFound",
    "ResultModel",
    "RunsClient",
    "StateModel",
    "SyncRunsClient",
    "TaskRunModel",
    "TokenModel",
    "VariableModel",
    "get_client",
]

export(globals())
