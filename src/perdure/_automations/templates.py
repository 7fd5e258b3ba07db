"""Templates of actions: "{event.payload.path}" stands for a field of the event.

Only that is filled in, once: what comes from an event is text or JSON, never a template itself, whatever it holds.
"""

import json
import re
from collections.abc import Mapping

from perdure._model.errors import AutomationError

_TEMPLATE = re.compile(r"\{event\.([^\s{}]+)\}")


class _Missing:
    pass


MISSING = _Missing()  # what `looked_up` answers where there is nothing


def looked_up(content: object, path: str) -> object:
    """A field of an event by its path; `MISSING` if there is none.

    Names may hold points: the longest that fits is meant.
    """
    if isinstance(content, list):
        head, _, rest = path.partition(".")
        if not head.isdecimal() or int(head) >= len(content):
            return MISSING
        found = content[int(head)]
        return looked_up(found, rest) if rest else found
    if not isinstance(content, Mapping):
        return MISSING
    if path in content:
        return content[path]
    end = len(path)
    while (end := path.rfind(".", 0, end)) > 0:
        if path[:end] in content:
            return looked_up(content[path[:end]], path[end + 1 :])
    return MISSING


def filled_from(value: object, event: Mapping[str, object]) -> object:
    """A value of an action with the fields of an event in place of its templates, in texts however deep.

    A text that is nothing but a template becomes the field itself, a number or a list as it is.

    Raises:
        AutomationError: the event has no such field.
    """
    if isinstance(value, Mapping):
        return {name: filled_from(each, event) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled_from(each, event) for each in value]
    if not isinstance(value, str):
        return value
    alone = _TEMPLATE.fullmatch(value)
    if alone is not None:
        return _field(alone, event)
    return _TEMPLATE.sub(lambda found: _as_text(_field(found, event)), value)


def _field(found: re.Match[str], event: Mapping[str, object]) -> object:
    value = looked_up(event, found[1])
    if isinstance(value, _Missing):
        raise AutomationError(
            f"{found[0]!r} cannot be filled in: the event {event.get('kind')!r} has no {found[1]!r}. It has:"
            f" {', '.join(_paths(event))}."
        )
    return value


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _paths(event: Mapping[str, object]) -> list[str]:
    """The fields of an event for people: one level below those of its own."""
    found: list[str] = []
    for name, value in event.items():
        found += [f"{name}.{each}" for each in value] if isinstance(value, Mapping) else [name]
    return found[:40]
