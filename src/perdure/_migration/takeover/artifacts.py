"""Artifacts that people made; those that Prefect makes of results are taken with the results."""

import json
from collections.abc import Sequence
from typing import Any

from perdure._migration.takeover.context import Context
from perdure._migration.takeover.source import Row, from_json, micros
from perdure._model.errors import ArtifactError
from perdure._model.records import ArtifactKind, ArtifactRecord
from perdure._platform.ids import dated_id
from perdure._rooms.artifacts.creation import checked_page
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.artifacts.table_artifacts import table_data

_PAGE = 200  # artifacts
_COLUMNS = ("id", "created", "updated", "key", "type", "data", "flow_run_id", "task_run_id", "description")
_LARGEST = 2**20  # bytes of an artifact's data


def take_artifacts(context: Context) -> None:
    """Take the artifacts, the oldest first."""
    if "artifact" not in context.source.columns:
        return
    columns = ", ".join(f"a.{name}" for name in _COLUMNS)
    results = "".join(
        f" AND NOT EXISTS (SELECT 1 FROM {table} s WHERE s.result_artifact_id = a.id)"
        for table in ("flow_run_state", "task_run_state")
        if "result_artifact_id" in context.source.columns[table]
    )
    query = (
        f"SELECT {columns}, f.created, t.created FROM artifact a LEFT JOIN flow_run f ON f.id = a.flow_run_id"
        f" LEFT JOIN task_run t ON t.id = a.task_run_id WHERE 1 = 1{results} ORDER BY a.created, a.id"
    )
    for page in context.source.stream(query, (), _PAGE):
        _take(context, page)
        context.progress("artifacts", context.tallies["artifacts"].source, 0)


def _take(context: Context, page: Sequence[Row]) -> None:
    tally = context.tallies["artifacts"]
    records = [record for row in page if (record := _artifact(context, row)) is not None]
    tally.source += len(page)
    tally.kept += len(page) - len(records)
    if not records:
        return
    ids = tuple(record.id for record in records)
    known = {each.id: each for each in context.target.artifacts(ArtifactFilter(ids=ids))}
    new = [record for record in records if record.id not in known]
    updated = [record for record in records if record.id in known and known[record.id].updated < record.updated]
    tally.new += len(new)
    tally.updated += len(updated)
    tally.known += len(records) - len(new) - len(updated)
    context.commit([*new, *updated])
    if not context.dry_run:
        tally.found += len(context.target.artifacts(ArtifactFilter(ids=ids)))


def _artifact(context: Context, row: Row) -> ArtifactRecord | None:
    """An artifact's record; None for one of a kind that is not known here, which is kept."""
    id, created, updated, key, kind, data, flow, task, description, flow_created, task_created = row
    try:
        form, content = _content(kind, from_json(data))
    except (ArtifactError, ValueError, TypeError) as error:
        cells = dict(zip(_COLUMNS, row, strict=False)) | {"data": from_json(data)}
        context.kept.add("artifact", cells, f"it is of no kind that is known here: {error}")
        return None
    flow_id = None if flow_created is None else dated_id(flow, micros(flow_created))
    task_id = None if task_created is None else dated_id(task, micros(task_created))
    made, changed = micros(created), micros(updated)
    return ArtifactRecord(dated_id(id, made), key, form, flow_id, task_id, made, changed, content, description)


def _content(kind: str | None, data: Any) -> tuple[ArtifactKind, str]:
    if kind == "markdown":
        return _sized("markdown", {"markdown": _text(data)})
    if kind == "table":
        table = table_data(json.loads(data) if isinstance(data, str) else data)
        if "total" in table:
            raise ValueError("it takes more than a MiB")
        return _sized("table", table)
    if kind == "image":
        return _sized("image", {"url": checked_page(data)})
    if kind == "progress":
        return _sized("progress", {"percent": float(data)})
    raise ValueError(f"the kind {kind!r}")


def _text(data: object) -> str:
    return data if isinstance(data, str) else json.dumps(data)


def _sized(kind: ArtifactKind, data: dict[str, object]) -> tuple[ArtifactKind, str]:
    text = json.dumps(data, ensure_ascii=False)
    if len(text.encode(errors="replace")) > _LARGEST:
        raise ValueError("it takes more than a MiB")
    return kind, text
