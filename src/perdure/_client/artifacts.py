"""What `get_client` reads of artifacts."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from perdure._client.translation import Filter, conditions, unknown
from perdure._results.lookup import known_runs
from perdure._rooms.artifacts.reading import Artifact
from perdure._rooms.artifacts.records import ArtifactFilter

_LIMIT = 200  # of a list, unless it is said


class SyncArtifactCalls:
    """Reads artifacts in plain code."""

    def read_artifacts(
        self,
        *,
        artifact_filter: Filter | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Artifact]:
        """Artifacts, the newest first unless `sort` ends in ASC; at most 200, unless `limit` is given.

        Raises:
            ValueError: a condition of the filter is not known.
        """
        return _found(artifact_filter or {}, sort, limit, offset, latest=False)

    def read_latest_artifacts(
        self,
        *,
        artifact_filter: Filter | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Artifact]:
        """Of each key the newest artifact; for the rest as `read_artifacts`."""
        return _found(artifact_filter or {}, sort, limit, offset, latest=True)

    def delete_artifact(self, artifact_id: object) -> None:
        """Forget an artifact."""
        known: Any = known_runs()
        known.delete_artifact(str(artifact_id))


class ArtifactCalls:
    """Reads artifacts in coroutines; the methods are those of plain code, and take and raise the same."""

    _known: SyncArtifactCalls

    async def read_artifacts(self, **wanted: Any) -> list[Artifact]:
        """Artifacts, the newest first."""
        return await asyncio.to_thread(self._known.read_artifacts, **wanted)

    async def read_latest_artifacts(self, **wanted: Any) -> list[Artifact]:
        """Of each key the newest artifact."""
        return await asyncio.to_thread(self._known.read_latest_artifacts, **wanted)

    async def delete_artifact(self, artifact_id: object) -> None:
        """Forget an artifact."""
        await asyncio.to_thread(self._known.delete_artifact, artifact_id)


def _found(
    filter: Mapping[str, object], sort: str | None, limit: int | None, offset: int, latest: bool
) -> list[Artifact]:
    oldest_first = sort is not None and str(getattr(sort, "value", sort)).endswith("ASC")
    most = (_LIMIT if limit is None else limit) + offset
    known: Any = known_runs()
    found = {
        record.id: record
        for each in _wanted(filter, latest)
        for record in known.artifacts(each._replace(limit=None if oldest_first else most))
        if not latest or record.key is not None
    }
    ordered = sorted(found.values(), key=lambda record: record.id, reverse=not oldest_first)
    return [Artifact(record) for record in ordered[offset:most]]


def _wanted(filter: Mapping[str, object], latest: bool) -> list[ArtifactFilter]:
    fields: dict[str, Any] = {}
    keys: Iterable[str | None] = (None,)
    for path, value in conditions(filter, ""):
        if path == "key.any_":
            keys = value
        elif path in _FIELDS:
            field, read = _FIELDS[path]
            fields[field] = read(value)
        else:
            raise ValueError(unknown(path, value, [*_FIELDS, "key.any_"]))
    return [ArtifactFilter(key=key, latest=latest, **fields) for key in keys]


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, values))


_FIELDS: dict[str, tuple[str, Callable[..., object]]] = {
    "id.any_": ("ids", _texts),
    "type.any_": ("kinds", _texts),
    "flow_run_id.any_": ("flow_run_ids", _texts),
    "task_run_id.any_": ("task_run_ids", _texts),
}
