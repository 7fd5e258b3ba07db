"""What a record that a client sends must hold in each field, by the word beside its type: see `_model.fields`."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter
from pydantic_core import from_json


def _is_json(*kinds: type) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not isinstance(decoded(text), kinds):
            raise ValueError(f"JSON of another type than {' or '.join(kind.__name__ for kind in kinds)}")  # noqa: TRY004
        return text

    return check


def decoded(text: str) -> object:
    """What JSON text stands for, if all of its readers can read it: not all take numbers of any length."""
    if len(text) > _MOST_DIGITS and _LONG_NUMBER.search(text) is not None:
        raise ValueError(f"a number of more than {_MOST_DIGITS} digits")
    return from_json(text, allow_inf_nan=False)


def _is_tags(text: str) -> str:
    if text != "[]":
        _TAGS.validate_json(text)
    return text


def _is_epochs(text: str) -> str:
    EPOCHS.validate_json(text)
    return text


def _is_answer(text: str) -> str:
    if text:  # nothing says that nobody answered in time
        decoded(text)
    return text


def has_no_nul(text: str) -> str:
    if "\0" in text:  # PostgreSQL has none
        raise ValueError("a text with a NUL character")
    return text


_MOST_DIGITS = 4_300  # what Python reads by default
_LONG_NUMBER = re.compile(rf"\d{{{_MOST_DIGITS + 1}}}")
_TAGS = TypeAdapter(list[str])
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Id = Annotated[str, Field(pattern=f"^{_ID}$")]
EPOCHS = TypeAdapter(dict[Id, Annotated[int, Field(ge=1, lt=2**62)]])
# What the words beside fields' types mean: see `_model.fields`. Texts without one may hold anything.
CHECKS: Mapping[str, object] = {
    "id": Field(pattern=f"^{_ID}$"),
    "small": Field(ge=0, lt=2**31),
    **dict.fromkeys(("number", "time"), Field(ge=0, lt=2**63)),
    "json": AfterValidator(_is_json(object)),
    "object": AfterValidator(_is_json(dict)),
    "tags": AfterValidator(_is_tags),
    "answer": AfterValidator(_is_answer),
    "epochs": AfterValidator(_is_epochs),
}
