"""The routes of a room that keeps records and does nothing else with them: see `_model.ports.Kept`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import BaseModel

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.pages import Page, Plain
from perdure._http.query_parameters import listed, wanted
from perdure._http.record_models import given_model_of, model_of, record_of, shown
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._model.ports import kept_of
from perdure._platform.named import NamedTuple
from perdure._rooms.tokens.records import Scope

Key = Annotated[Plain, Path(max_length=200)]


def kept_router(name: str, port: type) -> ApiRouter:
    """Lists, reads, puts and deletes the records of a room."""
    record, filter = kept_of(port)
    model: Any = model_of(record)
    one, thing = record.__name__.lower(), record.__name__
    router = ApiRouter(prefix=f"/{name.replace('_', '-')}", tags=[name], responses=ANSWERS)

    def read(key: object, known: object) -> object:
        found = getattr(known, name).one(key)
        if found is None:
            raise NotFound(f"There is no {thing} {key!r}.")
        return model(**shown(found))

    def all(known: object, wanted: NamedTuple) -> object:
        return listed(getattr(known, name).all, wanted, lambda each: model(**shown(each)))

    def put(key: str, given: BaseModel, known: object) -> object:
        getattr(known, name).put(record_of(record, key, given))
        return read(key, known)

    def delete(key: str, known: object) -> None:
        if not getattr(known, name).delete(key):
            raise NotFound(f"There is no {thing} {key!r}.")

    body, asked = given_model_of(record), Annotated[filter, Depends(wanted(filter))]
    ways: tuple[tuple[Callable[..., object], str, str, str, dict[str, object], str], ...] = (
        (all, "GET", "", f"list_{name}", {"wanted": asked}, "Records, those with the highest keys first."),
        (read, "GET", "/{key:text}", f"get_{one}", {"key": Key}, "One record."),
        (put, "PUT", "/{key:text}", f"put_{one}", {"key": Key, "given": body}, "Keep a record under its key."),
        (delete, "DELETE", "/{key:text}", f"delete_{one}", {"key": Key}, "Delete a record."),
    )
    answers = {all: Page[model], read: model, put: model, delete: None}
    for way, method, path, called, parameters, description in ways:
        way.__annotations__ = {**parameters, "known": Known}
        endpoint = way if method == "GET" else needs(Scope.WRITE)(way)
        status = HTTPStatus.NO_CONTENT if way is delete else HTTPStatus.OK
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=called,
            description=description,
            response_model=answers[way],
            status_code=status,
        )
    return router
