"""Results: their records, their lineage and, if the server serves values, their bytes."""

import time
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from itertools import chain
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from perdure._blocks.secrets import keyed_digest
from perdure._http.authorisation import needs
from perdure._http.config import ServerConfig
from perdure._http.dependencies import Asked, Config, Known, Storages
from perdure._http.errors import Refused, answers
from perdure._http.models import ResultModel, RunName
from perdure._http.naming import names_of
from perdure._http.pages import Page, PathId, page
from perdure._http.query_parameters import wanted
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound, ResultCorrupt
from perdure._model.records import ResultRecord
from perdure._results.document import read_document
from perdure._rooms.results.check_routes import router as checks
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import RunFilter
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.reads import Reads

router = ApiRouter(prefix="/results", tags=["results"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)
_VALUE = answers(HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
_BYTES: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_INERT = {  # whatever a browser makes of the bytes, they do nothing, and nothing by our name
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
_LINK_SECONDS = 60
_MOST_EDGES = 1_000
_COMPARED = 1_000  # results of the calls of a flow run
_SHOWN = 20


@router.get("")
def list_results(
    asked: Asked, known: Known, wanted: Annotated[ResultFilter, Depends(wanted(ResultFilter))]
) -> Page[ResultModel]:
    """Results, those of the newest runs first."""
    found = asked.results(wanted)
    names = names_of((record.run_id for record in found.items), known)
    return page(found, lambda record: ResultModel.of(record, names.get(record.run_id)))


@router.get("/{id}", responses=_ONE)
def get_result_metadata(id: PathId, known: Known) -> ResultModel:
    """The record of a run's result."""
    return ResultModel.of(_found(id, known), names_of([id], known).get(id))


class LineageEdge(BaseModel):
    """A run's result went into another run, as a parameter or by `wait_for`."""

    source_id: str
    target_id: str
    name: str


class Lineage(BaseModel):
    """What a result was made from, and what was made from it."""

    sources: list[LineageEdge]
    uses: list[LineageEdge]
    runs: Annotated[
        list[RunName], Field(description="The runs at both ends of all edges, as far as they are recorded.")
    ]
    is_complete: bool
    same: Annotated[
        list[RunName],
        Field(description="Calls of the flow run with the same result, digest by digest; of a call, its flow run."),
    ] = []


@router.get("/{id}/lineage", responses=_ONE)
def get_lineage(
    id: PathId,
    known: Known,
    asked: Asked,
    depth: Annotated[int, Query(ge=1, le=20, description="The number of steps in each direction.")] = 1,
) -> Lineage:
    """What a result was made from, and what was made from it; at most 1,000 edges in each direction."""
    of = _found(id, known)
    sources, uses = _walked(id, asked, "run_id", depth), _walked(id, asked, "source_id", depth)
    edges = [*sources[:_MOST_EDGES], *uses[:_MOST_EDGES]]
    return Lineage(
        sources=sources[:_MOST_EDGES],
        uses=uses[:_MOST_EDGES],
        runs=list(names_of((id, *(end for edge in edges for end in (edge.source_id, edge.target_id))), known).values()),
        is_complete=max(len(sources), len(uses)) <= _MOST_EDGES,
        same=list(names_of(_same(of, known), known).values()),
    )


def _same(of: ResultRecord, known: EmbeddedOrchestrator) -> list[str]:
    """The calls of a flow run whose result it returned, as their digests say; of a call, the flow run that did so."""
    if of.digest is None:
        return []
    if of.of_task:
        (run,) = known.task_runs(RunFilter(ids=(of.run_id,), limit=1)) or (None,)
        caller = None if run is None else run.flow_run_id
        others = () if caller is None else known.results(ResultFilter(run_ids=(caller,), limit=1))
    else:
        others = known.results(ResultFilter(flow_run_ids=(of.run_id,), of_task=True, limit=_COMPARED))
    alike = (each for each in others if each.digest == of.digest and each.serializer == of.serializer)
    return [each.run_id for each in alike][:_SHOWN]


def _walked(id: str, asked: Reads, of: str, depth: int) -> list[LineageEdge]:
    edges: list[LineageEdge] = []
    met, level = {id}, [id]
    for _ in range(depth):
        if not level or len(edges) > _MOST_EDGES:
            break
        found = asked.inputs(level, of, _MOST_EDGES + 1 - len(edges))
        edges += [LineageEdge(source_id=each.source_id, target_id=each.run_id, name=each.name) for each in found]
        far = [each.source_id if of == "run_id" else each.run_id for each in found]
        level = [each for each in dict.fromkeys(far) if each not in met]
        met.update(level)
    return edges


class Snippet(BaseModel):
    """Code that loads the value."""

    python: str
    shell: str


@router.get("/{id}/snippet", responses=_ONE)
def get_result_snippet(id: PathId, known: Known) -> Snippet:
    """How to load the value in Python, and in a shell."""
    _found(id, known)
    python = f'from perdure.results import get_result\n\nvalue = get_result("{id}")\n'
    return Snippet(python=python, shell=f"perdure result get {id}")


class Link(BaseModel):
    """A link that serves the bytes of a result until it expires."""

    url: str
    expires: datetime


@router.post("/{id}/link", responses=_VALUE)
@needs(Scope.READ)
def make_result_link(id: PathId, known: Known, config: Config) -> Link:
    """A link to the bytes of a persisted result, valid for a minute; only if the server serves values."""
    _check_served(config)
    _persisted(_found(id, known))
    expires = int(time.time()) + _LINK_SECONDS
    url = f"/api/results/{id}/value?expires={expires}&signature={_signature(id, expires)}"
    return Link(url=url, expires=datetime.fromtimestamp(expires, UTC))


@router.get("/{id}/value", responses={**_VALUE, **_BYTES}, response_class=StreamingResponse)
def get_result_bytes(
    id: PathId,
    known: Known,
    config: Config,
    storages: Storages,
    expires: Annotated[int, Query(ge=0, le=1 << 40, description="Seconds since 1970, as in the link.")],
    signature: Annotated[str, Query(max_length=64, pattern="^[0-9a-f]*$")],
) -> StreamingResponse:
    """The bytes of a result as they were serialized. They are streamed from the storage, and never loaded here."""
    _check_served(config)
    if not compare_digest(signature, _signature(id, expires)) or expires < time.time():
        raise Refused("The link is not one of this server's, or has expired. Request another one.")
    record = _persisted(_found(id, known))
    storage = storages.get(record.storage_id or "")
    document = read_document(storage, record.storage_key or "")
    if record.digest is not None and document.digest != record.digest:
        raise ResultCorrupt(f"The document of the run {id} holds another result than the run wrote.")
    pieces = document.pieces(lambda: storage.describe(record.storage_key or ""), storage)
    first = next(pieces, b"")  # what is wrong with it is an answer; later, all that is left is to end early
    headers = {"Content-Disposition": f'attachment; filename="{id}"', **_INERT}
    return StreamingResponse(chain((first,), pieces), 200, headers, "application/octet-stream")


def _check_served(config: ServerConfig) -> None:
    if not config.serve_values:
        raise Refused("This server serves no values. Start it with --serve-values.")


def _signature(id: str, expires: int) -> str:
    return keyed_digest(f"result {id} {expires}".encode())


def _found(id: str, known: Orchestrator) -> ResultRecord:
    found = known.results(ResultFilter(run_ids=(id,), limit=1))
    if not found:
        raise NotFound(f"There is no record of a result of a run {id!r}.")
    return found[0]


def _persisted(record: ResultRecord) -> ResultRecord:
    if record.kind != "persisted" or record.removed is not None:
        raise NotFound(f"The result of the run {record.run_id} is in no storage: it is {record.kind} or removed.")
    return record


ROUTERS = (router, checks)
