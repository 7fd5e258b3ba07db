"""The query parameters of lists, made from what their filters declare: see `_model.filters`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from fastapi import Query
from pydantic import BaseModel, Field, create_model

from perdure._http.pages import Id, Listing, Moment, Page, Plain, micros, page
from perdure._model.fields import word_of
from perdure._model.filters import CURSOR, Choice, Parameter, choices_of
from perdure._platform.named import NamedTuple
from perdure._store.paging import paged

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R", bound=tuple[Any, ...])


def listed(ask: Callable[[Any], Sequence[R]], wanted: Any, model: Callable[[R], T]) -> Page[T]:
    """A page of the records that are asked for, by the id that each begins with."""
    found = paged(ask(wanted._replace(limit=wanted.limit + 1)), wanted.limit, lambda each: each[0])
    return page(found, model)


def wanted(kind: Any) -> Callable[[BaseModel], object]:
    """A dependency: the filter that a request's query asks for. It has the limit that was asked for."""
    model: Any = _query_of(kind)

    def filter(given: BaseModel) -> object:
        found = {}
        for choice in choices_of(kind):
            value = getattr(given, _named(choice), None)
            if value is not None:
                found[choice.name] = _value(choice, value)
        return kind(**found)

    filter.__annotations__["given"] = Annotated[model, Query()]
    return filter


@cache
def _query_of(kind: type[NamedTuple]) -> type[BaseModel]:
    """The model of the query; the cursor is the first after the limit, as in all lists."""
    chosen = [(choice, choice.parameter) for choice in choices_of(kind) if choice.parameter is not None]
    chosen.sort(key=lambda each: each[1] is not CURSOR)
    fields: dict[str, Any] = {
        parameter.name: (_type(choice, parameter), _default(choice, parameter, kind)) for choice, parameter in chosen
    }
    return create_model(f"{kind.__name__}Query", __base__=Listing, **fields)


def _named(choice: Choice) -> str:
    return choice.name if choice.parameter is None else choice.parameter.name


def _value(choice: Choice, given: object) -> object:
    if isinstance(given, datetime):
        return micros(given)
    is_one = choice.parameter is not None and choice.parameter.most == 1
    return (given,) if is_one and _is_many(choice.hint) else given


def _default(choice: Choice, parameter: Parameter, kind: type[NamedTuple]) -> object:
    return None if parameter.most == 1 else kind._field_defaults[choice.name]


def _is_many(hint: object) -> bool:
    return get_origin(hint) is tuple


def _type(choice: Choice, parameter: Parameter) -> Any:
    given: Any = {} if parameter.between is None else dict(zip(("ge", "le"), parameter.between, strict=True))
    if _is_many(choice.hint):
        (part, _) = get_args(choice.hint)
        if parameter.most == 1:
            return Annotated[_of(part) | None, Field(description=parameter.description)]
        many = tuple[_of(part), ...]  # type: ignore[misc,valid-type]
        return Annotated[many, Field(description=parameter.description, max_length=parameter.most)]
    return Annotated[_of(choice.hint), Field(description=parameter.description, **given)]


def _of(hint: object) -> Any:
    """The type of a parameter: of ids, times and texts, what the API has for them."""
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_of(part) for part in get_args(hint))]  # noqa: UP007
    return {"id": Id, "time": Moment}.get(word_of(hint) or "", Plain if hint is str else hint)
