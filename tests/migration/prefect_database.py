"""A small SQLite database with those of Prefect's tables and columns that a takeover reads."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet

_STATE = 'id, type, name, message, "timestamp", data JSON, state_details JSON, result_artifact_id'
TABLES = {
    "flow": "id, created, updated, name, tags JSON",
    "flow_run": "id, created, name, flow_id, flow_version, parameters JSON, tags JSON, parent_task_run_id,"
    " deployment_id",
    "task_run": "id, created, name, task_key, dynamic_key, task_inputs JSON, tags JSON, flow_run_id",
    "flow_run_state": f"{_STATE}, flow_run_id",
    "task_run_state": f"{_STATE}, task_run_id",
    "log": 'id, flow_run_id, task_run_id, "timestamp", level, name, message',
    "artifact": "id, created, updated, key, type, data JSON, flow_run_id, task_run_id, description",
    "block_type": "id, slug",
    "block_schema": "id, fields JSON",
    "block_document": "id, created, updated, name, data JSON, block_schema_id, block_type_id, is_anonymous",
    "configuration": "id, key, value JSON",
    "variable": "id, created, updated, name, value VARCHAR, tags JSON",
    "concurrency_limit": "id, created, tag, concurrency_limit",
    "concurrency_limit_v2": 'id, created, name, "limit", slot_decay_per_second, active',
    "deployment": "id, created, name, flow_id, version, description, entrypoint, path, pull_steps JSON,"
    " parameters JSON, tags JSON, parameter_openapi_schema JSON, infra_overrides JSON, paused, is_schedule_active,"
    " schedule JSON, work_queue_id, storage_document_id, concurrency_limit, concurrency_options JSON",
    "deployment_schedule": "id, created, deployment_id, schedule JSON, active, slug, parameters JSON",
    "work_pool": "id, created, name, type, base_job_template JSON, is_paused, concurrency_limit",
    "work_queue": "id, created, name, is_paused, concurrency_limit, priority, work_pool_id",
    "events": "id",
}
BEGAN = datetime(2024, 5, 1, 6, tzinfo=UTC)
MARKET = "0b1f7a52-1a3e-4c55-9c1d-2f6a7e8b9c0d"  # a flow


class PrefectDatabase:
    """Rows are added as Prefect's server would add them; times are seconds after `BEGAN`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        for table, columns in TABLES.items():
            self._connection.execute(f"CREATE TABLE {table} ({columns})")
        self._random = Random(7)
        self.key = Fernet.generate_key()
        self.add("configuration", key="ENCRYPTION_KEY", value=json.dumps({"fernet_key": self.key.decode()}))
        self.add("flow", id=MARKET, created=at(0), name="market", tags="[]")

    def add(self, table: str, **row: Any) -> str:
        """Add a row; its id."""
        row = {"id": self.new_id(), **row}
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
        return str(row["id"])

    def new_id(self) -> str:
        """A random-looking id, the same ones in each database."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def change(self, statement: str, *parameters: Any) -> None:
        """Run a statement."""
        self._connection.execute(statement, parameters)

    def flow_run(self, second: float = 0, name: str = "brisk-owl", **row: Any) -> str:
        """A flow run that was made and has no state yet."""
        reported = {"parameters": '{"day": 1}', "tags": '["prod"]', **row}
        return self.add("flow_run", created=at(second), name=name, flow_id=MARKET, **reported)

    def task_run(self, flow_run_id: str | None, second: float = 0, name: str = "load-0", **row: Any) -> str:
        """A task run that was made and has no state yet."""
        reported = {"task_key": "load-0123abcd", "dynamic_key": "0", "task_inputs": "{}", "tags": "[]", **row}
        return self.add("task_run", created=at(second), name=name, flow_run_id=flow_run_id, **reported)

    def deployment(self, name: str = "nightly", **row: Any) -> str:
        """A deployment of the flow; its JSON is given as Python values."""
        reported = {"parameters": {}, "tags": [], "flow_id": MARKET, "paused": 0, "created": at(0), **row}
        return self.add("deployment", name=name, **{key: as_json(value) for key, value in reported.items()})

    def schedule(self, deployment_id: str, schedule: dict[str, Any], **row: Any) -> str:
        """A schedule of a deployment."""
        reported = {"active": 1, "created": at(0), "schedule": schedule, **row}
        cells = {key: as_json(value) for key, value in reported.items()}
        return self.add("deployment_schedule", deployment_id=deployment_id, **cells)

    def state(self, of: str, run_id: str, type: str, second: float, **row: Any) -> str:
        """A state of a run; `of` is "flow_run" or "task_run"."""
        reported = {"type": type, "name": type.capitalize(), "timestamp": at(second), "state_details": "{}", **row}
        return self.add(f"{of}_state", **{f"{of}_id": run_id}, **reported)

    def line(self, flow_run_id: str | None, task_run_id: str | None, second: float, message: str) -> None:
        """A line of a log."""
        run = {"flow_run_id": flow_run_id, "task_run_id": task_run_id}
        self.add("log", **run, timestamp=at(second), level=20, name="prefect.flow_runs", message=message)

    def block(
        self,
        slug: str,
        name: str,
        fields: dict[str, Any],
        secret_fields: tuple[str, ...] = (),
        key: bytes | None = None,
        **row: Any,
    ) -> str:
        """A block, encrypted with the database's key or another one."""
        data = Fernet(key or self.key).encrypt(json.dumps(fields).encode()).decode()
        type_id = self.add("block_type", slug=slug)
        schema_id = self.add("block_schema", fields=json.dumps({"secret_fields": list(secret_fields)}))
        reported = {"created": at(0), "updated": at(0), "is_anonymous": 0, **row}
        of = {"block_schema_id": schema_id, "block_type_id": type_id}
        return self.add("block_document", name=name, data=json.dumps(data), **of, **reported)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def at(second: float) -> str:
    """A time as Prefect's SQLite has it."""
    return (BEGAN + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S.%f")


def micros_at(second: float) -> int:
    """The same as Perdure has it."""
    return round((BEGAN.timestamp() + second) * 1_000_000)


def as_json(value: Any) -> Any:
    """A value as a column of JSON has it; plain ones as they are."""
    return json.dumps(value) if isinstance(value, dict | list) else value
