"""The parameters of a flow run as they are recorded, for people: bounded, and without secrets."""

import json
from collections.abc import Mapping
from typing import Any

from perdure._platform.redaction import is_secret_name
from perdure._previews.text import beginning, may_hold_a_secret, redacted
from perdure._previews.tree import Limits, Tree, encode

_LENGTH = 10_000  # characters of one parameter's value, and items of it
_INTEGER = 2**200
_LIMITS = Limits(items=(_LENGTH,), lengths=(_LENGTH,), deepest=20, integer=_INTEGER)


def shown_parameters(parameters: Mapping[str, object]) -> str:
    """The parameters as a JSON object: what JSON cannot hold is shown as in a preview, what is long is cut."""
    if not parameters:
        return "{}"
    return json.dumps({name: shown_parameter(name, value) for name, value in parameters.items()})


def shown_parameter(name: str, value: Any) -> object:
    """One parameter in JSON's types; asterisks if its name or its type says that it is a secret."""
    if is_secret_name(name):
        return redacted(value)
    kind = type(value)
    if kind is str:
        return beginning(value, _LENGTH) + "…" * (len(value) > _LENGTH)
    if value is None or kind is bool or (kind is int and -_INTEGER < value < _INTEGER):
        return value
    if kind is dict or kind is list or kind is tuple:
        if len(value) > _LENGTH:
            return f"<{kind.__name__} of {len(value):,} items>"
        if _room_after(value, _LENGTH, _LIMITS.deepest) > 0:
            text = encode(value)
            if len(text) <= _LENGTH and not may_hold_a_secret(text):
                return value
    return Tree(2 * _LENGTH, limits=_LIMITS).of(value)  # of its room, a text takes half at most


def _room_after(value: Any, room: int, depth: int) -> int:
    """How much is left of some room for characters and items once a value is in it; 0 or less if it does not fit.

    Only what JSON holds as it is fits: plain numbers, texts, lists, tuples, and dicts whose keys are texts.
    """
    kind = type(value)
    room -= 1
    if kind is str:
        return room - len(value)
    if value is None or kind is bool:
        return room
    if kind is int:
        return room if -_INTEGER < value < _INTEGER else 0
    if kind is float:
        return room if value - value == 0.0 else 0  # neither infinite nor NaN
    if kind is dict and depth:
        for key, each in value.items():
            room = _room_after(each, room - len(key), depth - 1) if type(key) is str else 0
            if room <= 0:
                return 0
        return room
    if (kind is list or kind is tuple) and depth:
        for each in value:
            room = _room_after(each, room, depth - 1)
            if room <= 0:
                return 0
        return room
    return 0
