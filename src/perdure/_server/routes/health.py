"""Whether the server is alive and ready, and its version."""

from pydantic import BaseModel

from perdure._http.dependencies import Known
from perdure._http.errors import ErrorAnswer, answers
from perdure._http.routers import ApiRouter
from perdure._platform.version import VERSION
from perdure._rooms.runs.records import RunFilter

router = ApiRouter(tags=["health"])


class Health(BaseModel):
    """A server that answers."""

    status: str


class Version(BaseModel):
    """The server's version."""

    version: str


@router.get("/health")
def health() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


# Here alone FastAPI is given the model of errors, so that the document of the API describes it: see `SHAPE`.
@router.get("/ready", responses={**answers(), 503: {"model": ErrorAnswer, "description": "Service Unavailable"}})
def ready(known: Known) -> Health:
    """Whether it can read its database; 503 if not."""
    known.flow_runs(RunFilter(limit=1))
    return Health(status="ready")


@router.get("/version")
def version() -> Version:
    """The version of Perdure that the server runs."""
    return Version(version=VERSION)
