"""A flow's parameters as a JSON schema, by which others check what they give before a run is made."""

import inspect
from collections.abc import Mapping
from typing import Any

from perdure._engine.lifecycle.validation import hints_of
from perdure._model.errors import ParameterTypeError
from perdure._model.options import FlowOptions


def schema_of(options: FlowOptions) -> dict[str, Any]:
    """The JSON schema of a flow's parameters. One whose type has no schema may be anything."""
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    properties: dict[str, Any] = {}
    required: list[str] = []
    named: dict[str, Any] = {}
    is_open = False
    hints = hints_of(options.function)
    for name, parameter in options.signature.inspected.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            is_open = True
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        hint: Any = hints.get(name, Any)
        try:
            shape = TypeAdapter(hint).json_schema(ref_template="#/$defs/{model}")
        except (PydanticUserError, TypeError, NameError):
            shape = {}
        named |= shape.pop("$defs", {})
        properties[name] = {"title": name, **shape}
        if parameter.default is inspect.Parameter.empty:
            required.append(name)
            continue
        try:
            properties[name]["default"] = to_jsonable_python(parameter.default)
        except PydanticSerializationError:
            properties[name]["description"] = "It has a default that JSON cannot show."
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    schema["additionalProperties"] = is_open
    return schema | ({"$defs": named} if named else {})


def check(schema: Mapping[str, Any], parameters: Mapping[str, object], flow: str) -> None:
    """Refuse parameters that the schema does not let through.

    Raises:
        ParameterTypeError: one is unknown, missing, or of another type; names it.
    """
    from jsonschema import Draft202012Validator

    problems = []
    known = schema.get("properties", {})
    if not schema.get("additionalProperties", True):
        problems += [f"there is no parameter {name!r}" for name in parameters if name not in known]
    for error in Draft202012Validator({**schema, "additionalProperties": True}).iter_errors(dict(parameters)):
        place = ".".join(map(str, error.absolute_path))
        problems.append(f"{place}: {error.message}" if place else error.message)
    if problems:
        shown = "; ".join(text[:200] for text in problems[:5])
        names = ", ".join(known) or "none"
        raise ParameterTypeError(f"The flow {flow!r} cannot be run with these parameters: {shown}. It takes: {names}.")
