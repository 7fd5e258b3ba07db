"""Filters: which rows of a list somebody wants. One declaration is what code, SQL and the API have of each.

A filter is a named tuple whose fields have defaults: one that is its default does not filter. Beside the type of a
field stands how it chooses rows (`Rows`), and what the API calls it (`Parameter`):

    class BookmarkFilter(NamedTuple):
        flow_name: Annotated[str | None, Rows("flow_name = {}"), Parameter("flow")] = None
        tags: Annotated[tuple[str, ...], Rows("tag IN ({})"), Parameter("tag", most=10)] = ()
        older_than: Annotated[str | None, Rows("id < {}"), CURSOR] = None
        limit: int | None = None
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, get_args

T = TypeVar("T")


class Rows:
    """Which rows a field lets through: a condition of SQL, where `{}` is its value, or all of its values.

    `beginning` is the condition of a text with a `*` at its end, of which `{}` is what comes before that.
    """

    def __init__(self, condition: str, beginning: str | None = None) -> None:
        self.condition = condition
        self.beginning = beginning


class Parameter:
    """What the API calls a field. It takes `most` of a tuple's values; 1 is one value, which makes a tuple of one."""

    def __init__(
        self,
        name: str,
        description: str | None = None,
        most: int | None = None,
        between: tuple[int, int] | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.most = most
        self.between = between  # the least and the highest number


CURSOR = Parameter("cursor", "`next` of the page before this one.")


class Choice:
    """What a filter's field does: its type without what is beside that, and that."""

    def __init__(self, name: str, hint: Any, rows: Rows | None, parameter: Parameter | None) -> None:
        self.name = name
        self.hint = hint
        self.rows = rows
        self.parameter = parameter


@cache
def choices_of(filter: Any) -> list[Choice]:
    """What the fields of a filter do, in their order."""
    return [_choice(name, hint) for name, hint in filter.__annotations__.items()]


def conditions(filter: Any, mark: str) -> tuple[list[str], list[Any]]:
    """The conditions of SQL of what a filter says, and their values; the fields without any are the caller's."""
    kind: Any = type(filter)
    found, values, defaults = ["1 = 1"], list[Any](), kind._field_defaults
    for choice, value in zip(choices_of(kind), filter, strict=True):
        if choice.rows is None or value == defaults[choice.name]:
            continue
        condition, given = choice.rows.condition, value if isinstance(value, tuple) else (value,)
        if choice.rows.beginning is not None and value.endswith("*"):
            condition, given = choice.rows.beginning, (value[:-1],)
        count = condition.count("{}")
        found.append(condition.format(*[", ".join([mark] * len(given))] * count))
        values += given * count
    return found, values


def _choice(name: str, hint: Any) -> Choice:
    beside = list(_beside(hint))
    return Choice(name, get_args(hint)[0] if beside else hint, _of(Rows, beside), _of(Parameter, beside))


def _beside(hint: Any) -> Iterator[Any]:
    return (each for each in getattr(hint, "__metadata__", ()) if isinstance(each, (Rows, Parameter)))


def _of(kind: type[T], beside: list[Any]) -> T | None:
    return next((each for each in beside if isinstance(each, kind)), None)
