"""What runs logged."""

from typing import Annotated

from fastapi import Query

from perdure._http.dependencies import Asked, Known
from perdure._http.errors import answers
from perdure._http.filters import LinesWanted
from perdure._http.models import LogModel
from perdure._http.nesting import below
from perdure._http.pages import Page, page
from perdure._http.routers import ApiRouter

router = ApiRouter(prefix="/logs", tags=["logs"], responses=answers())


@router.get("")
def list_logs(asked: Asked, known: Known, wanted: Annotated[LinesWanted, Query()]) -> Page[LogModel]:
    """Log lines in order of arrival; without a run, a filter covers the newest 30,000 lines."""
    filter = wanted.filter()
    if wanted.subflows and wanted.flow_run is not None:
        filter = filter._replace(flow_run_ids=tuple(below(wanted.flow_run, known)))
    return page(asked.log_lines(filter), LogModel.of)


ROUTERS = (router,)
