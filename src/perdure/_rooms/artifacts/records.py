"""The filter of artifacts."""

from typing import Annotated

from perdure._model.fields import Id
from perdure._model.filters import CURSOR, OfIds, Parameter, Rows
from perdure._model.records import ArtifactKind
from perdure._platform.named import NamedTuple


class ArtifactFilter(NamedTuple):
    """Which artifacts, newest first. A field that is None or empty does not filter."""

    ids: Annotated[tuple[str, ...], OfIds("id")] = ()  # whole ids or their beginnings
    key: Annotated[str | None, Rows("key = {}"), Parameter("key", "All versions of this key.")] = None
    kinds: Annotated[tuple[ArtifactKind, ...], Rows("kind IN ({})"), Parameter("kind", most=10)] = ()
    flow_run_ids: Annotated[tuple[Id, ...], Rows("flow_run_id IN ({})"), Parameter("flow_run_id", most=100)] = ()
    task_run_ids: Annotated[tuple[Id, ...], Rows("task_run_id IN ({})"), Parameter("task_run_id", most=100)] = ()
    latest: Annotated[
        bool,
        Parameter("latest", "Of each key only the newest version."),
    ] = False
    older_than: Annotated[Id | None, Rows("id < {}"), CURSOR] = None  # to continue from the last one of a page
    limit: int | None = None
