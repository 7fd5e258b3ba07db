"""What runs logged."""

from typing import Annotated

from fastapi import APIRouter, Query

from perdure.server.errors import answers
from perdure.server.filters import LinesWanted
from perdure.server.models import LogModel
from perdure.server.pages import Page, page
from perdure.server.wiring import Asked

router = APIRouter(prefix="/logs", tags=["logs"], responses=answers())


@router.get("")
def list_logs(asked: Asked, wanted: Annotated[LinesWanted, Query()]) -> Page[LogModel]:
    """Lines by their arrival; of all runs, filtered ones are looked for among the newest 30,000."""
    return page(asked.log_lines(wanted.filter()), LogModel.of)
