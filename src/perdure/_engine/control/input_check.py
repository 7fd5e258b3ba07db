"""What is wrong with the input that a paused flow run is given, by the JSON schema that it waits with.

The flow validates the input by its own type, in its own process. Here, where the input is given, only the schema is
known: what it says is judged as pydantic would, in its lax mode ("yes" is a boolean), and refused only if pydantic is
sure to refuse it. A type with validators of its own that see the raw input says so in the schema (`CUSTOM`): what they
make of it nobody can tell.
"""

import json
import operator
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from perdure._platform.suggest import nearest

if TYPE_CHECKING:
    from pydantic import TypeAdapter

CUSTOM = "x-custom-validation"  # in a schema: the flow alone knows what input it takes

Schema = Mapping[str, Any]
_TYPES: dict[str, type] = {"boolean": bool, "integer": int, "number": float, "string": str}
_CONTAINERS: dict[str, type | None] = {"object": dict, "array": list, "null": type(None)}
_BOUNDS = {
    "exclusiveMinimum": (">", operator.gt),
    "minimum": (">=", operator.ge),
    "exclusiveMaximum": ("<", operator.lt),
    "maximum": ("<=", operator.le),
}
_LISTED = 10  # fields that are named


def mismatch(schema: Schema | None, answer: object) -> str | None:
    """What is wrong with an answer, in a clause without a full stop. A run without a schema takes no answer."""
    if schema is None:
        return None if answer is None else f"it takes none, and was given {json.dumps(answer)}"
    return None if schema.get(CUSTOM) else _wrong(schema, answer, schema.get("$defs", {}), "")


@cache
def _formats() -> dict[str, type]:
    from uuid import UUID  # few programs need it; the others start faster

    return {"date": date, "date-time": datetime, "time": time, "duration": timedelta, "uuid": UUID}


def resolved(schema: Schema, named: Mapping[str, Schema]) -> Schema:
    """A schema, or the one that it refers to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return named.get(name, {}) if name else schema


def _wrong(given: Schema, answer: object, named: Mapping[str, Schema], path: str) -> str | None:
    schema = resolved(given, named)
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        found = [_wrong(each, answer, named, path) for each in several]
        return None if None in found else _wrong_of_all(several, found, answer, named, path)
    wanted = str(schema.get("type"))
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if wanted == "string" and choices:
        return None if answer in choices else _takes(path, f"one of {json.dumps(choices)[1:-1]}", answer)
    if not _fits(schema, wanted, answer):
        return _takes(path, type_name(schema, named), answer)
    if isinstance(answer, dict):
        return _wrong_object(schema, answer, named, path)
    if isinstance(answer, list) and isinstance(schema.get("items"), dict):
        items = (_wrong(schema["items"], each, named, f"{path}[{place}]") for place, each in enumerate(answer))
        return next((each for each in items if each is not None), None)
    return None


def _wrong_of_all(
    several: list[Schema], found: list[str | None], answer: object, named: Mapping[str, Schema], path: str
) -> str | None:
    """Of an object that may be of one kind only, or null, what is wrong in it says more than that it is wrong."""
    objects = [place for place, each in enumerate(several) if resolved(each, named).get("type") == "object"]
    if isinstance(answer, dict) and len(objects) == 1:
        return found[objects[0]]
    return _takes(path, " or ".join(type_name(each, named) for each in several), answer)


def _wrong_object(schema: Schema, answer: dict[str, object], named: Mapping[str, Schema], path: str) -> str | None:
    prefix = f"{path}." if path else ""
    fields, others = schema.get("properties"), schema.get("additionalProperties", False)
    if fields is not None and not others and "patternProperties" not in schema:
        for key in answer:
            if key not in fields:
                hint = nearest(key, fields) or f" It takes {', '.join(list(fields)[:_LISTED]) or 'no fields'}."
                return f"{json.dumps(prefix + key)} is no field.{hint.removesuffix('.')}"
    missing = [f"{prefix}{name}" for name in schema.get("required", ()) if name not in answer]
    if missing:  # at any depth, since no default may stand in for it
        return f"{', '.join(missing)} must be given"
    for key, value in answer.items():
        part = (fields or {}).get(key, others)
        wrong = _wrong(part, value, named, f"{prefix}{key}") if isinstance(part, dict) else None
        if wrong is not None:
            return wrong
    return None


def _fits(schema: Schema, wanted: str, answer: object) -> bool:
    if wanted in _CONTAINERS:
        return isinstance(answer, _CONTAINERS[wanted] or object)
    name = schema.get("format")
    python = _formats().get(str(name)) if name is not None else _TYPES.get(wanted)
    if python is None:
        return True  # a format that more than text may be given for
    try:
        value: Any = _adapter(python).validate_json(json.dumps(answer))
    except ValueError:
        return False
    return wanted == "string" or all(fits(value, schema[key]) for key, (_, fits) in _BOUNDS.items() if key in schema)


@cache
def _adapter(python: type) -> "TypeAdapter[object]":
    from pydantic import TypeAdapter  # few processes are asked for input

    return TypeAdapter(python)


def type_name(given: Schema, named: Mapping[str, Schema]) -> str:
    """What a schema takes, in a few words: `boolean`, `array of string`, `integer or null`, `one of "a", "b"`."""
    schema = resolved(given, named)
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(type_name(each, named) for each in several))
    if "enum" in schema:
        return f"one of {json.dumps(schema['enum'])[1:-1]}"
    if "const" in schema:
        return json.dumps(schema["const"])
    wanted = str(schema.get("type", "any"))
    if wanted == "array" and isinstance(schema.get("items"), dict):
        return f"array of {type_name(schema['items'], named)}"
    bounds = [f"{sign} {schema[key]}" for key, (sign, _) in _BOUNDS.items() if key in schema]
    return " ".join([str(schema.get("format", wanted)) if wanted == "string" else wanted, *bounds])


def _takes(path: str, what: str, answer: object) -> str:
    return f"{path or 'it'} takes {'JSON of type ' if not path else ''}{what}, and was given {json.dumps(answer)}"
