"""What lists can be asked for: the names are those of the API's parameters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict
from uuid import UUID

from perdure._model.records import ArtifactKind, ResultKind

Id = str | UUID
TokenScope = Literal["read", "write", "admin"]


class Runs(TypedDict, total=False):
    """Filters of flow runs and of task runs. `limit` is how many there are to be at most; all, unless it is said."""

    q: str  # in its name, that of its flow or task, its message or tags; or an id's start
    name: str  # somewhere in it
    state: str | Sequence[str]  # any of these types
    tag: str | Sequence[str]  # all of these
    created_after: datetime
    created_before: datetime
    started_after: datetime
    started_before: datetime
    ended_after: datetime
    ended_before: datetime
    sort: Literal["-created", "created"]  # the newest first, unless it is said
    limit: int


class FlowRuns(Runs, total=False):
    """Filters of flow runs."""

    flow: str
    parent: Id  # the flow run that called them
    outermost: bool
    parameters: str  # somewhere in them


class TaskRuns(Runs, total=False):
    """Filters of task runs."""

    task: str
    flow_run: Id


class Results(TypedDict, total=False):
    """Filters of results."""

    flow_run: Id
    flow: str
    task: str
    kind: ResultKind | Sequence[ResultKind]
    type: str  # "pandas.*" for all that begin so
    storage: Id
    created_after: datetime
    created_before: datetime
    min_size: int  # bytes
    max_size: int
    exception: bool
    removed: bool
    limit: int


class Logs(TypedDict, total=False):
    """Filters of logged lines."""

    flow_run: Id
    task_run: Id
    level: int  # at least
    text: str  # somewhere in it
    sort: Literal["-time", "time"]  # the oldest first, unless it is said
    limit: int


class Artifacts(TypedDict, total=False):
    """Filters of artifacts."""

    key: str
    kind: ArtifactKind | Sequence[ArtifactKind]
    flow_run_id: Id | Sequence[Id]
    task_run_id: Id | Sequence[Id]
    latest: bool  # of each key only the newest
    limit: int
