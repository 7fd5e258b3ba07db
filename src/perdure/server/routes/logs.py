"""What runs logged."""

from typing import Annotated

from fastapi import APIRouter, Query

from perdure.server.errors import answers
from perdure.server.filters import LinesWanted
from perdure.server.models import LogModel
from perdure.server.nesting import below
from perdure.server.pages import Page, page
from perdure.server.wiring import Asked, Known

router = APIRouter(prefix="/logs", tags=["logs"], responses=answers())


@router.get("")
def list_logs(asked: Asked, known: Known, wanted: Annotated[LinesWanted, Query()]) -> Page[LogModel]:
    """Log lines in order of arrival; without a run, a filter covers the newest 30,000 lines."""
    filter = wanted.filter()
    if wanted.subflows and wanted.flow_run is not None:
        filter = filter._replace(flow_run_ids=tuple(below(wanted.flow_run, known)))
    return page(asked.log_lines(filter), LogModel.of)
