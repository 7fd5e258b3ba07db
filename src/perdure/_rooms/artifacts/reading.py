"""Artifacts as programs read them, with the names that Prefect has for their fields."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from perdure._model.colour import caller_is_async
from perdure._model.records import ArtifactRecord
from perdure._platform import providers
from perdure._platform.clock import to_datetime
from perdure._platform.threads import in_thread
from perdure._rooms.artifacts.records import ArtifactFilter


class Artifact:
    """An artifact, as it was when it was read."""

    def __init__(self, record: ArtifactRecord) -> None:
        self.id = record.id
        self.key = record.key
        self.type = record.kind
        self.description = record.description
        self.flow_run_id, self.task_run_id = record.flow_run_id, record.task_run_id
        self.created: datetime = to_datetime(record.created)
        self.updated: datetime = to_datetime(record.updated)
        self._data = record.data

    @property
    def data(self) -> str | float | None:
        """A text in Markdown, a link in Markdown, a table's rows as JSON, a percentage, or an image's address.

        An image that was kept itself has a `data:` address; it is None if the image was too large to be kept.
        """
        return _DATA[self.type](json.loads(self._data))

    @classmethod
    def get(cls, key: str) -> Any:
        """The newest artifact with a key, or None; in coroutines, it is awaited."""
        return cls.aget(key) if caller_is_async() else cls._newest(key)

    @classmethod
    async def aget(cls, key: str) -> "Artifact | None":
        """`get`, in another thread."""
        return await in_thread(cls._newest, key)

    @classmethod
    def _newest(cls, key: str) -> "Artifact | None":
        known: Any = providers.orchestrator()
        return next((cls(record) for record in known.artifacts(ArtifactFilter(key=key, limit=1))), None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type} {self.key!r} {self.id}>"


def _link(data: Mapping[str, Any]) -> str:
    return f"[{data['text'] or data['url']}]({data['url']})"


def _rows(data: Mapping[str, Any]) -> str:
    return json.dumps([dict(zip(data["columns"], row, strict=True)) for row in data["rows"]], ensure_ascii=False)


def _image(data: Mapping[str, Any]) -> str | None:
    if "base64" in data:
        return f"data:{data['type']};base64,{data['base64']}"
    found: str | None = data.get("url")
    return found


_DATA: dict[str, Callable[[Mapping[str, Any]], str | float | None]] = {
    "markdown": lambda data: str(data["markdown"]),
    "link": _link,
    "table": _rows,
    "progress": lambda data: float(data["percent"]),
    "image": _image,
}
