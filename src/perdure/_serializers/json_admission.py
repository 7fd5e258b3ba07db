"""Which classes JSON may be made values of, beside the types of `json_types`, and whether their own code runs for it.

A document is data, whoever wrote it. So it makes values of classes that this process has imported already, and no code
of these classes runs, unless the allow-list names them. With an allow-list, there are no others.
"""

import functools
from collections.abc import Iterator
from enum import Enum
from types import FunctionType
from typing import Any

from pydantic import BaseModel, TypeAdapter

from perdure._model.errors import ResultUntrusted
from perdure._serializers.json_classes import path_of
from perdure._serializers.pickle_allow_list import allow_list

_SETTING = "PERDURE_RESULTS_ALLOWED_CLASSES"
# Of our own classes, those that hold a name which is imported once they are used are left out.
_OURS = frozenset(
    {
        *(f"perdure.filesystems.{name}" for name in ("LocalFileSystem", "S3", "GCS", "Azure")),
        "perdure._storages.local.LocalFileSystem",
        *(f"perdure._storages.clouds.{name}" for name in ("S3", "GCS", "Azure")),
    }
)


def check_admitted(kind: type) -> None:
    """Let a class pass of which JSON may make values.

    Raises:
        ResultUntrusted: the allow-list does not name it, or it is one of ours that could import what it names.
    """
    path = path_of(kind)
    if kind.__module__.partition(".")[0] == "perdure" and not _is_harmless_of_ours(kind):
        raise ResultUntrusted(
            f"The JSON holds a {path}, and objects of Perdure's own are not made from JSON: some import what they name."
            " Return what it was made from, or use result_serializer='pickle'."
        )
    allowed = allow_list()
    if allowed is not None and not allowed.admits(path):
        raise ResultUntrusted(
            f"The JSON holds a {path}, which {_SETTING} does not allow; none was made. If you know it and trust "
            f"the result's writer, add {path!r} to that setting."
        )


def _is_harmless_of_ours(kind: type) -> bool:
    return issubclass(kind, Enum | BaseException) or path_of(kind) in _OURS


def check_builds_plainly(kind: type) -> None:
    """Let a dataclass or model pass that is validated by pydantic alone, or that the allow-list names.

    Raises:
        ResultUntrusted: it has a validator, an `__init__` or the like, to be called with what a document holds.
    """
    allowed = allow_list()
    code = None if allowed is not None and allowed.admits(path_of(kind)) else _own_code(kind)
    if code is not None:
        raise ResultUntrusted(
            f"The JSON holds a {path_of(kind)} as Prefect 2 wrote it. To make one, its {code} would be called, and JSON"
            f" calls nothing that {_SETTING} does not name. If you trust the result's writer, add"
            f" {path_of(kind)!r} to that setting."
        )


@functools.lru_cache(maxsize=256)
def _own_code(kind: type) -> str | None:
    """The first code that pydantic would call to validate a value of a class; None if there is none but its own."""
    if not issubclass(kind, BaseModel) and isinstance(getattr(kind, "__post_init__", None), FunctionType):
        return "__post_init__"
    return next(_code_in(TypeAdapter(kind).core_schema), None)


def _code_in(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        kind = schema.get("type")
        if schema.get("custom_init"):
            yield "__init__"
        if schema.get("post_init") and not _is_of_pydantic(getattr(schema["cls"], schema["post_init"])):
            yield str(schema["post_init"])
        if isinstance(kind, str) and (kind.startswith("function-") or kind in ("call", "custom-error")):
            yield from _called(schema.get("function"))
        parts: Any = [part for name, part in schema.items() if name not in ("cls", "serialization", "metadata")]
    elif isinstance(schema, list | tuple):
        parts = schema
    else:
        return
    for part in parts:
        yield from _code_in(part)


def _called(function: object) -> Iterator[str]:
    function = function.get("function", function) if isinstance(function, dict) else function
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if not _is_of_pydantic(function) or "import" in name.lower():  # of its own, one imports what the text names
        yield f"validator {name}"


_CONVERTERS = {"pydantic", "pydantic_core", "collections", "decimal", "fractions", "ipaddress", "pathlib", "re", "uuid"}


def _is_of_pydantic(function: object) -> bool:
    """Whether a function is pydantic's, or turns a text into a value of the standard library."""
    return (getattr(function, "__module__", None) or "").partition(".")[0] in _CONVERTERS
