"""States as dicts, as JSON and as changed copies, for code that stores or compares them."""

import builtins
import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, Self

_FIELDS = ("id", "type", "name", "timestamp", "message", "state_details", "data")


class StateForms:
    """What other forms a state has."""

    __slots__ = ()

    def dict(self, *, include: Collection[str] | None = None, exclude: Collection[str] = ()) -> builtins.dict[str, Any]:
        """The state's fields by name, all of them or those that are to be included, without those to be left out."""
        named = {name: getattr(self, name) for name in _FIELDS if name not in exclude}
        if "state_details" in named:
            named["state_details"] = asdict(named["state_details"])
        return named if include is None else {name: value for name, value in named.items() if name in include}

    def json(self, *, include: Collection[str] | None = None, exclude: Collection[str] = ()) -> str:
        """`dict` as JSON: of a result its description, without the value; of other data that JSON lacks, a `repr`."""
        return json.dumps(self.dict(include=include, exclude=exclude), default=_as_json)

    def copy(self, *, update: Mapping[str, object] | None = None) -> Self:
        """Another state with the same fields, but for those that are updated: `message`, `name`, `data` and the like.

        Raises:
            AttributeError: states have no such field, or it follows from others.
        """
        made = copy.copy(self)
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made


def _as_json(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.describe() if hasattr(value, "describe") else repr(value)
