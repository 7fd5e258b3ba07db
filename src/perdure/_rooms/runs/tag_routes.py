"""The tags that runs have, for those who filter by them."""

from typing import Annotated

from fastapi import Query

from perdure._http.dependencies import Asked
from perdure._http.errors import answers
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter

router = ApiRouter(prefix="/tags", tags=["flow runs"], responses=answers())


@router.get("")
def list_tags(
    asked: Asked,
    of_task: Annotated[bool, Query(description="Those of task runs, or else of flow runs.")] = False,
    q: Annotated[Plain | None, Query(description="A part of the tag, in any case.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many tags at most.")] = 100,
) -> list[str]:
    """The tags that runs have, by name."""
    return asked.tags(of_task, q, limit)
