"""Verifying results and comparing two of them; nothing is ever unpickled for it."""

from http import HTTPStatus
from math import isfinite
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known, Storages
from perdure._http.errors import answers
from perdure._http.pages import Id, PathId
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound, ResultError, StorageError
from perdure._model.records import ResultRecord
from perdure._results.comparison_changes import Change
from perdure._results.difference import PlainDifference, diff_plainly
from perdure._results.verification import verify
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/results", tags=["results"], responses=answers(HTTPStatus.NOT_FOUND))
_CHUNKS = 1_000
_UNLOADED = "Their serializers would run code, or they are large: the server does not load them."
_NOTES: dict[str | None, str] = {
    "preview": f"{_UNLOADED} Only their previews are compared.",
    None: f"{_UNLOADED} They have no previews to compare.",
}


class VerdictModel(BaseModel):
    """The verdict on a result and, if it is not ok, the reason and the remedy."""

    run_id: str
    finding: Literal["ok", "overwritten", "missing", "corrupt", "untrusted", "unreadable"]
    reason: str | None


class SampleModel(BaseModel):
    """One of many values that differ."""

    place: str
    before: str
    after: str


class ChangeModel(BaseModel):
    """A difference at one place: `path` looks like `['prices'][3]`, and is empty for the whole value."""

    path: str
    kind: Literal["added", "removed", "changed", "retyped"]
    before: str | None
    after: str | None
    count: Annotated[int, Field(description="Elements of an array, or rows of a column, that differ.")]
    total: int
    largest: Annotated[float | None, Field(description="The largest absolute difference, of finite numbers.")]
    regions: list[str]
    samples: list[SampleModel]
    lines: Annotated[list[str], Field(description="Of a text: its unified diff.")]

    @classmethod
    def of(cls, change: Change) -> "ChangeModel":
        """The model of a change."""
        largest = change.largest
        return cls(
            path=_readable(change.path),
            kind=change.kind,
            before=None if change.before is None else _readable(change.before),
            after=None if change.after is None else _readable(change.after),
            count=change.count,
            total=change.total,
            largest=largest if largest is not None and isfinite(largest) else None,
            regions=list(change.regions),
            samples=[
                SampleModel(**{name: _readable(each) for name, each in sample._asdict().items()})
                for sample in change.samples
            ],
            lines=[_readable(line) for line in change.lines],
        )


class ChunksModel(BaseModel):
    """The chunks of two large values whose digests differ, by their numbers, the first 1,000."""

    differing: list[int]
    count: int
    total: int
    size: Annotated[int, Field(description="Bytes of those that differ.")]


class Comparison(BaseModel):
    """How two results differ, as far as that can be determined without unpickling.

    `by` is what was compared: their digests, their values if these are plain JSON, arrays or tables, or only their
    previews. In that case `is_same` is null, and `command` compares the values where the code that wrote them is
    trusted.
    """

    before: str
    after: str
    is_same: bool | None
    by: Literal["digest", "value", "preview"] | None
    changes: list[ChangeModel]
    more: Annotated[int, Field(description="Changes that were only counted.")]
    chunks: ChunksModel | None
    note: str | None
    command: str

    @classmethod
    def of(cls, before: str, after: str, found: PlainDifference, note: str | None) -> "Comparison":
        """The model of what was found."""
        chunks = found.chunks
        return cls(
            before=before,
            after=after,
            is_same=found.is_same,
            by=found.by,
            changes=[ChangeModel.of(change) for change in found.changes],
            more=found.more,
            chunks=None
            if chunks is None
            else ChunksModel(
                differing=list(chunks.differing[:_CHUNKS]),
                count=len(chunks.differing),
                total=chunks.total,
                size=chunks.size,
            ),
            note=note,
            command=f"perdure result diff {before} {after}",
        )


@router.post("/{id}/verify")
@needs(Scope.READ)
def verify_result(id: PathId, known: Known, storages: Storages) -> VerdictModel:
    """Read all bytes of a persisted result, and check them against their digests and its signature."""
    record = _found(id, known)
    if record.kind != "persisted" or record.removed is not None:
        raise NotFound(f"The result of the run {id} is in no storage: it is {record.kind} or removed.")
    (verdict,) = verify([id], storages=storages.get)
    return VerdictModel(run_id=id, finding=verdict.finding, reason=verdict.reason)


@router.get("/{id}/comparison")
def compare_results(
    id: PathId,
    known: Known,
    storages: Storages,
    other: Annotated[Id, Query(description="The run whose result to compare with.")],
) -> Comparison:
    """How a result differs from another one: by digests, as plain values, or by their previews."""
    before, after = _found(id, known), _found(other, known)
    try:
        found = diff_plainly(before, after, storages.get)
    except (ResultError, StorageError) as error:
        return Comparison.of(id, other, PlainDifference(None, None), str(error))
    return Comparison.of(id, other, found, _NOTES.get(found.by) if found.is_same is None else None)


def _found(id: str, known: EmbeddedOrchestrator) -> ResultRecord:
    found = known.results(ResultFilter(run_ids=(id,), limit=1))
    if not found:
        raise NotFound(f"There is no record of a result of a run {id!r}.")
    return found[0]


def _readable(text: str) -> str:
    """Text that JSON can carry, whatever was in a value."""
    return text.encode("utf-8", "replace").decode()
