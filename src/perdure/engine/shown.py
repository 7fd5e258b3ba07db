"""The parameters of a flow run as they are recorded, for people: bounded, and without secrets."""

import json
from collections.abc import Mapping
from typing import Any

from perdure.core.secrecy import HIDDEN, is_secret_name, without_secrets
from perdure.results.previews.text import hidden
from perdure.results.previews.tree import Tree
from perdure.results.previews.types import name_of

_LENGTH = 10_000  # characters of one parameter's value


def shown_parameters(parameters: Mapping[str, Any]) -> str:
    """The parameters as a JSON object: what JSON cannot hold is shown as in a preview, what is long is cut."""
    if not parameters:
        return "{}"
    return json.dumps({name: shown_parameter(name, value) for name, value in parameters.items()})


def shown_parameter(name: str, value: Any) -> Any:
    """One parameter in JSON's types; asterisks if its name or its type says that it is a secret."""
    if is_secret_name(name):
        return hidden(value)
    kind = type(value)
    if kind is str:
        return without_secrets(value[:_LENGTH]) + "…" * (len(value) > _LENGTH)
    if value is None or kind is int or kind is bool:
        return value
    if kind is dict or kind is list or kind is tuple:
        if len(value) > _LENGTH:
            return f"<{kind.__name__} of {len(value):,} items>"
        try:
            shown = _without_secret_values(value)
            text = json.dumps(shown, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            pass  # JSON cannot hold it
        else:
            return shown if len(text) <= _LENGTH else text[:_LENGTH] + "…"
    shown = Tree(_LENGTH).of(value)
    return _repr_of(value) if shown == f"<{name_of(kind)}>" else shown


def _repr_of(value: Any) -> str:
    """What an object says of itself: all that could be said otherwise is its type."""
    try:
        return without_secrets(repr(value)[:_LENGTH])
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def _without_secret_values(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return without_secrets(value)
    if kind is dict:
        return {
            key: hidden(each) if type(key) is str and is_secret_name(key) else _without_secret_values(each)
            for key, each in value.items()
        }
    if kind is list or kind is tuple:
        items = [_without_secret_values(each) for each in value]
        is_pair = len(items) == 2 and type(items[0]) is str and is_secret_name(items[0])
        return [items[0], HIDDEN] if is_pair else items
    if value is None or kind is int or kind is float or kind is bool:
        return value
    raise TypeError(kind)
