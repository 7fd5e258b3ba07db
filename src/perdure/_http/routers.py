"""The routers of the API: what holds for all of its routes is part of each as it is made.

FastAPI makes what it needs of a route anew where a router is included: twice for each is a tenth of a server's start.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.params import Depends as Dependency

from perdure._http.authorisation import authorise
from perdure._http.errors import SHAPE

_REFUSALS: dict[int | str, dict[str, Any]] = {  # by the guard, of any request
    int(status): SHAPE
    for status in (
        *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        *(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_MANY_REQUESTS),
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}


class ApiRouter(APIRouter):
    """Routes below /api, which ask who the caller is."""

    def __init__(
        self,
        prefix: str = "",
        *,
        tags: Sequence[str] = (),
        responses: dict[int | str, dict[str, Any]] | None = None,
        dependencies: Sequence[Dependency] = (),
        include_in_schema: bool = True,
    ) -> None:
        super().__init__(
            prefix=f"/api{prefix}",
            tags=list(tags),
            responses={**_REFUSALS, **(responses or {})},
            dependencies=[Depends(authorise), *dependencies],
            include_in_schema=include_in_schema,
            generate_unique_id_function=lambda route: route.name,  # clients are made from these: they stay as they are
        )
