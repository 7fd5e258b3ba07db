"""Records whose texts have halves of surrogate pairs, as they go to a server: with these spelled out, in JSON, too."""

from typing import Any

from perdure._model.fields import fields_of
from perdure._platform.surrogates import spelled, spelled_in_json

HALF_IN_JSON = rb"\\ud"  # how a half, or a pair, begins that is escaped in a field's JSON, in the JSON of its record


def spelled_record(record: Any) -> Any:
    """A record with halves of surrogate pairs spelled out, in texts and in JSON."""
    return record._make(map(spelled_value, record, _words_of(record)))


def _words_of(record: object) -> list[str | None]:
    kind: object = type(record)
    return [field.word for field in fields_of(kind).values()]


def spelled_value(value: Any, word: str | None) -> object:
    """A field or an argument in the same way; what is beside its type is a `word`, if it is JSON."""
    if isinstance(value, str):
        return (spelled if word is None else spelled_in_json)(value)
    if hasattr(value, "_make"):
        return spelled_record(value)
    return [spelled_value(each, word) for each in value] if isinstance(value, list | tuple) else value
