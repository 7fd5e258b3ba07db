"""Annotations and signatures of functions and classes, whatever the names in them stand for.

From Python 3.14 on annotations are evaluated when they are asked for: a name that is there for type checkers alone, or
defined further down, is an error of whoever asks. Here such a name stays a name, in a `ForwardRef`.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = ["annotations_in", "own_annotations", "own_texts", "signature", "without_annotating"]

Annotations: TypeAlias = dict[str, object]

_LATE = sys.version_info >= (3, 14)
_MADE = frozenset({"__annotate_func__", "__annotations_cache__"})  # members that Python makes for annotations


def signature(function: Callable[..., object], follow_wrapped: bool = True) -> inspect.Signature:
    """As `inspect.signature` has it, which raises NameError where a name is not there."""
    options: Any = {"annotation_format": _library().Format.FORWARDREF} if _LATE else {}
    return inspect.signature(function, follow_wrapped=follow_wrapped, **options)


def own_annotations(of: object) -> Annotations:
    """The annotations of a function or of a class itself, by name."""
    if not _LATE:
        return dict(vars(of).get("__annotations__", {}) if isinstance(of, type) else getattr(of, "__annotations__", {}))
    return _evaluated(of, "FORWARDREF")


def own_texts(of: object) -> dict[str, str]:
    """The annotations as people have written them, as far as that is known."""
    found: Mapping[str, object] = _evaluated(of, "STRING") if _LATE else own_annotations(of)
    return {name: str(each) for name, each in found.items()}


def annotations_in(namespace: Mapping[str, object]) -> Annotations:
    """The annotations in the body of a class that is being made."""
    given = namespace.get("__annotations__")
    if isinstance(given, dict):
        return dict(given)
    annotate = _library().get_annotate_from_class_namespace(namespace) if _LATE else None
    return {} if annotate is None else dict(_library().call_annotate_function(annotate, _library().Format.FORWARDREF))


def without_annotating(members: Mapping[str, object]) -> dict[str, object]:
    """The members of a class without those that Python has made for its annotations."""
    return {name: value for name, value in members.items() if name not in _MADE}


def _library() -> Any:
    return importlib.import_module("annotationlib")  # of Python 3.14 and later


def _evaluated(of: object, format: str) -> Annotations:
    try:
        return dict(_library().get_annotations(of, format=_library().Format[format]))
    except TypeError:  # it is nothing that has annotations, such as a builtin or a partial
        return {}
