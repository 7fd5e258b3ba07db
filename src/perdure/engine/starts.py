"""What another process needs to go on with a flow run: where its flow is found, and its arguments."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from perdure.core.errors import PerdureError, ResumeError, SerializationError
from perdure.core.secrecy import is_secret, is_secret_name

_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOST = 1024 * 1024  # bytes of packed arguments that the database takes


def entry_point_of(function: Callable[..., Any]) -> str | None:
    """Where another process finds a flow's function, as JSON; None if it cannot, since it is inside another function.

    Of a script, that is the file; of a module, its name and the directory from which it is imported.
    """
    name = getattr(function, "__qualname__", "<")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if "<" in name or file is None or module is None:
        return None
    spec = getattr(module, "__spec__", None)
    full_name = module.__name__ if spec is None else spec.name
    path = Path(file).resolve()
    if module.__name__ == "__main__" and spec is None:
        return json.dumps({"target": f"{path}:{name}", "directory": os.getcwd()})  # noqa: PTH109 - half the time
    levels = full_name.count(".") + (path.name == "__init__.py")
    return json.dumps({"target": f"{full_name}:{name}", "directory": str(path.parents[levels])})


def packed(parameters: Mapping[str, Any]) -> str | None:
    """A flow run's arguments as text, secrets encrypted; None if they cannot be pickled, or take more than a MiB."""
    hidden = any(is_secret_name(name) or _holds_secret(value) for name, value in parameters.items())
    if not hidden and all(type(value) in _PLAIN for value in parameters.values()):
        with suppress(ValueError):  # an integer of more digits than Python turns into text
            text = json.dumps(dict(parameters))  # needs no pydantic, which a flow that persists nothing does without
            return f"json:{text}" if len(text) <= _MOST else None
    from perdure.serializers import PickleSerializer

    try:
        data = PickleSerializer().dumps(dict(parameters))
    except SerializationError:
        return None
    if len(data) > _MOST:
        return None
    if hidden:
        from perdure.blocks.secrets import encrypt

        return f"encrypted:{encrypt(data)}"
    return f"pickle:{data.decode()}"


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(is_secret_name(str(key)) or _holds_secret(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return any(map(_holds_secret, value))
    return is_secret(value)


def unpacked(arguments: str | None, run_id: str) -> dict[str, Any]:
    """The arguments that `packed` made text of.

    Raises:
        ResumeError: there are none, or they cannot be had here.
    """
    if arguments is None:
        raise ResumeError(
            f"The arguments of the flow run {run_id} were not kept: they could not be pickled, or take more than a MiB."
            " Call the flow anew; give it paths or ids instead of large values."
        )
    kind, _, text = arguments.partition(":")
    if kind == "json":
        plain: dict[str, Any] = json.loads(text)
        return plain
    from perdure.blocks.secrets import decrypt
    from perdure.serializers import PickleSerializer

    try:
        data = decrypt(text) if kind == "encrypted" else text.encode()
        found: dict[str, Any] = PickleSerializer().loads(data)
    except PerdureError as error:
        raise ResumeError(f"The arguments of the flow run {run_id} cannot be had here. {error}") from error
    return found
