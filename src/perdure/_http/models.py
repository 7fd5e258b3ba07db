"""The API's responses: records with their times as text, and their JSON as JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue

from perdure._model.records import ArtifactKind, ArtifactRecord, ResultRecord, StateRecord
from perdure._model.state_types import StateType
from perdure._model.stopped_runs import was_stopped
from perdure._platform import json_numbers
from perdure._platform.clock import Micros, to_datetime
from perdure._rooms.logs.records import LogLine
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure._rooms.tokens.records import Scope, Token
from perdure._rooms.variables.records import VariableRecord


class StateModel(BaseModel):
    """The state of a run."""

    type: StateType
    name: str
    message: str | None
    time: datetime
    is_stopped: Annotated[
        bool,
        Field(description="Whether the run's process was lost or taken from it, some time before `time`."),
    ] = False

    @classmethod
    def of(cls, state: StateRecord) -> "StateModel":
        """The model of a record."""
        return cls(
            type=state.type,
            name=state.name,
            message=state.message,
            time=moment(state.time),
            is_stopped=was_stopped(state.type, state.message),
        )


class _RunModel(BaseModel):
    id: str
    name: str
    parent_task_run_id: str | None
    tags: list[str]
    created: datetime
    state: StateModel | None
    started: datetime | None
    ended: datetime | None
    duration_seconds: Annotated[
        float | None,
        Field(description="From its first start to its end, with what it waited if `run_count` is above 1."),
    ]
    run_count: int


class FlowRunModel(_RunModel):
    """A flow run."""

    flow_name: str
    flow_version: str | None
    parent_flow_run_id: str | None
    parameters: dict[str, Any]

    @classmethod
    def of(cls, run: FlowRun) -> "FlowRunModel":
        """The model of a record."""
        return cls(
            **_common(run),
            flow_name=run.flow_name,
            flow_version=run.flow_version,
            parent_flow_run_id=run.parent_flow_run_id,
            parameters=parsed(run.parameters),
        )


class ContinuedRun(FlowRunModel):
    """A flow run that was continued."""

    is_resumed: bool = Field(description="Whether it runs again; false for a suspended run until it is resumed.")
    command: str | None = Field(default=None, description="The command that resumes it, if the server did not.")
    reason: str | None = Field(default=None, description="Why the server did not.")

    @classmethod
    def of_run(
        cls, run: FlowRun, is_resumed: bool, command: str | None = None, reason: str | None = None
    ) -> "ContinuedRun":
        """The model of a record."""
        fields = FlowRunModel.of(run).model_dump()
        return cls(**fields, is_resumed=is_resumed, command=command, reason=reason)


class TaskRunModel(_RunModel):
    """A task run."""

    task_name: str
    task_key: str
    flow_run_id: str | None
    flow_run_name: Annotated[str | None, Field(description="Of the flow run that called it.")] = None

    @classmethod
    def of(cls, run: TaskRun, caller: str | None = None) -> "TaskRunModel":
        """The model of a record, and of the name of the flow run that called it."""
        return cls(
            **_common(run),
            task_name=run.task_name,
            task_key=run.task_key,
            flow_run_id=run.flow_run_id,
            flow_run_name=caller,
        )


def _common(run: FlowRun | TaskRun) -> Mapping[str, Any]:
    took = None if run.started is None or run.ended is None else (run.ended - run.started) / 1_000_000
    return {
        "id": run.id,
        "name": run.name,
        "parent_task_run_id": run.parent_task_run_id,
        "tags": parsed(run.tags),
        "created": moment(run.created),
        "state": state_of(run),
        "started": time_of(run.started),
        "ended": time_of(run.ended),
        "duration_seconds": took,
        "run_count": run.run_count,
    }


def state_of(run: FlowRun | TaskRun) -> StateModel | None:
    """The state of a run; None if none was reported."""
    if run.state_type is None or run.state_name is None or run.state_time is None:
        return None
    return StateModel(
        type=run.state_type,
        name=run.state_name,
        message=run.state_message,
        time=moment(run.state_time),
        is_stopped=was_stopped(run.state_type, run.state_message),
    )


class RunName(BaseModel):
    """A short form of a run."""

    id: str
    kind: Literal["flow run", "task run"]
    name: str
    of: Annotated[str, Field(description="The flow or the task.")]
    flow_run_id: Annotated[str | None, Field(description="The flow run that called it.")]
    flow_run_name: str | None
    state_type: StateType | None


class ResultModel(BaseModel):
    """The record of a run's result. It has no value, unless that is small and plain JSON."""

    run_id: str
    of_task: bool
    kind: str
    type: str
    is_exception: bool
    created: datetime
    value: Any
    storage_id: str | None
    storage_key: str | None
    serializer: Any
    size: int | None
    digest: str | None
    expires: datetime | None
    cache_key: str | None
    retention: Any
    preview: Any
    item_of: str | None
    number: int | None
    doomed: datetime | None
    removed: datetime | None
    run: RunName | None

    @classmethod
    def of(cls, record: ResultRecord, run: RunName | None) -> "ResultModel":
        """The model of a record, and of the run that it is of."""
        fields = {name: value for name, value in record._asdict().items() if name in cls.model_fields}
        if record.kind == "persisted":  # then it is a document, which is served as those of storages are
            fields["value"] = None
        for name in ("created", "expires", "doomed", "removed"):
            fields[name] = time_of(fields[name])
        for name in ("value", "serializer", "retention", "preview"):
            fields[name] = None if fields[name] is None else parsed(fields[name])
        return cls(**fields, run=run)


class LogModel(BaseModel):
    """A line that a run logged, and its number."""

    id: int
    flow_run_id: str | None
    task_run_id: str | None
    time: datetime
    level: int
    logger: str
    message: str

    @classmethod
    def of(cls, line: LogLine) -> "LogModel":
        """The model of a record."""
        return cls(**line._asdict() | {"time": moment(line.time)})


class ArtifactModel(BaseModel):
    """Something for people to look at that a run created.

    The content of `data` depends on the kind; nothing in it is HTML.
    """

    id: str
    key: str | None
    kind: ArtifactKind
    flow_run_id: str | None
    task_run_id: str | None
    created: datetime
    updated: datetime
    description: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, record: ArtifactRecord) -> "ArtifactModel":
        """The model of a record."""
        times = {"created": moment(record.created), "updated": moment(record.updated)}
        data = parsed(record.data)
        return cls(**record._asdict() | times | {"data": data if isinstance(data, dict) else {"value": data}})


class VariableModel(BaseModel):
    """A named value that flows share; not for secrets."""

    name: str
    value: JsonValue
    created: datetime
    updated: datetime

    @classmethod
    def of(cls, record: VariableRecord) -> "VariableModel":
        """The model of a record."""
        times = {"created": moment(record.created), "updated": moment(record.updated)}
        return cls(**record._asdict() | times | {"value": parsed(record.value)})


class TokenModel(BaseModel):
    """The record of a token."""

    shown: str = Field(description="Its public part.")
    name: str
    scope: Scope
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    used: datetime | None = Field(description="Its last use, to the minute.")

    @classmethod
    def of(cls, token: Token) -> "TokenModel":
        """The model of what is kept."""
        return cls(
            shown=token.shown,
            name=token.name,
            scope=token.scope,
            created=moment(token.created),
            expires=time_of(token.expires),
            revoked=time_of(token.revoked),
            used=time_of(token.used),
        )


class MadeToken(TokenModel):
    """A token that was just made."""

    token: str = Field(description="The token itself, which is shown only once.")


class Count(BaseModel):
    """The number of matches."""

    count: int = Field(description="The number that was counted; there are more if `is_complete` is false.")
    is_complete: bool


def time_of(micros: Micros | None) -> datetime | None:
    """A time that may not be known."""
    return None if micros is None else moment(micros)


def moment(micros: Micros) -> datetime:
    """A time; the first or the last possible one, if a wrong clock reported another."""
    try:
        return to_datetime(micros)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if micros > 0 else datetime.min.replace(tzinfo=UTC)


def parsed(text: str) -> Any:
    """Kept JSON; halves of surrogate pairs become question marks, and NaN and infinities become text."""
    value = json_numbers.loads(text)
    if "\\ud" in text or "\\uD" in text:
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value
