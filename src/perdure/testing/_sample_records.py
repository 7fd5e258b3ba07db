"""Records of runs, states, results and the like for tests of what keeps them, each later than the one before."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from perdure._model.records import (
    ArtifactRecord,
    BlockRecord,
    CacheRecord,
    Claim,
    FlowRunRecord,
    ResultRecord,
    StateRecord,
    StepRecord,
    TaskRunRecord,
)
from perdure._model.state_types import StateType as S
from perdure._platform.ids import id_at, new_id

STORAGE = "06a3d9f2-0000-7000-8000-000000000000"  # the id of a storage's block
FIRST, SECOND, THIRD = (f"06a3d9f2-0000-7000-8000-00000000001{number}" for number in range(3))  # ids
A_STEP = '{"step": "a step"}'
WANTED = "06a3d9f2-0000-7000-8000-000000000001"  # another one's
times = count(1_700_000_000_000_000, 1_000)


def _new_id(created: int) -> str:
    """A run's id has the time of its creation in it."""
    return id_at(created) + new_id()[len(id_at(created)) :]


def flow_run(
    id: str | None = None, name: str = "brisk-owl", flow_name: str = "pipeline", **fields: Any
) -> FlowRunRecord:
    """A flow run's record, created after all the records made before it."""
    created = next(times)
    record = FlowRunRecord(id or _new_id(created), name, flow_name, None, None, None, "[]", "{}", created)
    return record._replace(**fields)


def task_run(
    flow_run_id: str | None = None, name: str = "load-0", task_name: str = "load", **fields: Any
) -> TaskRunRecord:
    """A task run's record, created after all the records made before it."""
    created = next(times)
    record = TaskRunRecord(_new_id(created), name, task_name, "flights.load", flow_run_id, None, "[]", created)
    return record._replace(**fields)


def state(run: FlowRunRecord | TaskRunRecord, type: S, message: str | None = None) -> StateRecord:
    """A state of the run, later than all the records made before it."""
    return StateRecord(run.id, isinstance(run, TaskRunRecord), type, type.capitalize(), message, next(times))


def literal(run: FlowRunRecord | TaskRunRecord, value: str = "null") -> ResultRecord:
    """The record of a run's literal result."""
    of_task = isinstance(run, TaskRunRecord)
    return ResultRecord(run.id, of_task, "literal", "builtins.NoneType", False, next(times), value)


def persisted(run: FlowRunRecord | TaskRunRecord, storage_key: str | None = None, **fields: Any) -> ResultRecord:
    """The record of a run's persisted result, under a key of its own."""
    of_task = isinstance(run, TaskRunRecord)
    record = ResultRecord(run.id, of_task, "persisted", "builtins.dict", False, next(times), size=100)
    place = {"storage_id": STORAGE, "storage_key": storage_key or run.id.replace("-", "")}
    return record._replace(**place | fields)


def block(name: str | None, type: str = "local-file-system") -> BlockRecord:
    """A block's record."""
    return BlockRecord(new_id(), type, name, '{"basepath": "/data"}', next(times), next(times))


def artifact(key: str | None = None, **fields: Any) -> ArtifactRecord:
    """The record of an artifact that is progress."""
    time = next(times)
    return ArtifactRecord(new_id(), key, "progress", None, None, time, time, "5", None)._replace(**fields)


def claim(key: str = "key") -> Claim:
    """The claim of a cache key by a new run."""
    return Claim(key, new_id(), new_id(), next(times))


def step(transaction_id: str, result: ResultRecord, module: str | None = None, cache_key: str = "") -> StepRecord:
    """The record of a run's end inside a transaction."""
    cached = CacheRecord(cache_key, result.run_id, 0, None) if cache_key else None
    staged = json.dumps([result, cached])
    return StepRecord(result.run_id, transaction_id, transaction_id, "flows.load:load", module, None, None, staged)


def ids(runs: Sequence[object]) -> list[str]:
    """The ids of runs."""
    return [run.id for run in runs]  # type: ignore[attr-defined]
