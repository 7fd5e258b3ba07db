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

from perdure._model.flow_names import spellings
from perdure._platform.ids import is_dated
from perdure._platform.named import NamedTuple

T = TypeVar("T")
Conditions = tuple[list[str], list[object]]
_ID_LENGTH = 36
_TAIL = 15  # where in an id all comes that is not of its time, nor says how it was made


class Rows:
    """Which rows a field lets through: a condition of SQL, where `{}` is its value, or all of its values.

    `beginning` is the condition of a text with a `*` at its end, of which `{}` is what comes before that; `otherwise`
    is that of False.
    """

    def __init__(self, condition: str, beginning: str | None = None, otherwise: str | None = None) -> None:
        self.condition = condition
        self.beginning = beginning
        self.otherwise = otherwise

    def chosen(self, value: object, mark: str) -> Conditions:
        """What chooses the rows that have a value, or one of several: conditions that all hold, and their values."""
        condition, given = self.condition, value if isinstance(value, tuple) else (value,)
        if self.otherwise is not None and not value:
            condition = self.otherwise
        if self.beginning is not None and isinstance(value, str) and value.endswith("*"):
            condition, given = self.beginning, (value[:-1],)
        count = condition.count("{}")
        return [condition.format(*[", ".join([mark] * len(given))] * count)], [*given] * count


def holds(column: str) -> str:
    """The condition of a text that is somewhere in a column."""
    # Not LIKE: it ignores case in SQLite and gives % and _ a meaning.
    return f"replace({column}, CAST({{}} AS text), '') <> {column}"


class OfFlow(Rows):
    """The rows of a flow, by either of its names."""

    def chosen(self, value: Any, mark: str) -> Conditions:
        """One condition."""
        return super().chosen(spellings(value), mark)


class OfIds(Rows):
    """The rows whose ids begin as one of some does, or were made from one of them: see `_platform.ids.dated_id`."""

    def chosen(self, value: Any, mark: str) -> Conditions:
        """One condition, which an index serves: ids are hexadecimal digits and hyphens, which sort below "g"."""
        column = self.condition
        whole = [each for each in value if len(each) >= _ID_LENGTH]
        found, values = [f"{column} IN ({', '.join([mark] * len(whole))})"] if whole else [], list(whole)
        for text in (each.lower() for each in value if len(each) < _ID_LENGTH):
            found.append(f"({column} >= {mark} AND {column} < {mark})")
            values += [text, text + "g"]
        # No index has the ends of ids. Ids without a time in them come from elsewhere, one at a time.
        for id in (each for each in whole if not is_dated(each)):
            found.append(f"substr({column}, {_TAIL + 1}) = {mark}")
            values.append(id[_TAIL:])
        return [f"({' OR '.join(found)})"], values


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

    def __init__(self, name: str, hint: object, rows: Rows | None, parameter: Parameter | None) -> None:
        self.name = name
        self.hint = hint
        self.rows = rows
        self.parameter = parameter


@cache
def choices_of(filter: object) -> list[Choice]:
    """What the fields of a filter do, in their order."""
    return [_choice(name, hint) for name, hint in filter.__annotations__.items()]


def conditions(filter: NamedTuple, mark: str) -> Conditions:
    """The conditions of SQL of what a filter says, and their values; the fields without any are the caller's."""
    kind = type(filter)
    found, values, defaults = ["1 = 1"], list[object](), kind._field_defaults
    for choice, value in zip(choices_of(kind), filter, strict=True):
        if choice.rows is not None and value != defaults[choice.name]:
            chosen, given = choice.rows.chosen(value, mark)
            found += chosen
            values += given
    return found, values


def is_declared(filter: NamedTuple) -> bool:
    """Whether conditions of fields are all that a filter says: nobody else need see to it, but for the limit."""
    kind = type(filter)
    defaults, pairs = kind._field_defaults, zip(choices_of(kind), filter, strict=True)
    return all(
        choice.rows is not None or choice.name == "limit" or value == defaults[choice.name] for choice, value in pairs
    )


def _choice(name: str, hint: object) -> Choice:
    beside = list(_beside(hint))
    return Choice(name, get_args(hint)[0] if beside else hint, _of(Rows, beside), _of(Parameter, beside))


def _beside(hint: object) -> Iterator[object]:
    return (each for each in getattr(hint, "__metadata__", ()) if isinstance(each, (Rows, Parameter)))


def _of(kind: type[T], beside: list[object]) -> T | None:
    return next((each for each in beside if isinstance(each, kind)), None)
