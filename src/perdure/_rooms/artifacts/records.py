"""What is asked of artifacts."""

from typing import NamedTuple

from perdure._model.records import ArtifactKind


class ArtifactFilter(NamedTuple):
    """Which artifacts, newest first. A field that is None or empty does not filter."""

    ids: tuple[str, ...] = ()  # whole ids or their beginnings
    key: str | None = None  # exact
    kinds: tuple[ArtifactKind, ...] = ()
    flow_run_ids: tuple[str, ...] = ()
    task_run_ids: tuple[str, ...] = ()
    latest: bool = False  # of those with one key, the newest only
    older_than: str | None = None  # with ids before this one: to continue from the last one of a page
    limit: int | None = None
