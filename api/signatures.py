"""Signatures as text, as they are written in Python."""

from typing import Any

_POSITIONAL, _ANY, _STAR, _KEYWORD, _STARS = (
    "positional-only",
    "positional or keyword",
    "variadic positional",
    "keyword-only",
    "variadic keyword",
)


def parameters(function: Any) -> list[str]:
    """The parameters, each as it is written, with the marks `/` and `*` between them."""
    written, before = [], None
    for each in function.parameters:
        kind = each.kind.value
        if before == _POSITIONAL and kind != _POSITIONAL:
            written.append("/")
        if kind == _KEYWORD and before not in (_KEYWORD, _STAR):
            written.append("*")
        written.append(_parameter(each, kind))
        before = kind
    return [*written, "/"] if before == _POSITIONAL else written


def _parameter(each: Any, kind: str) -> str:
    text: str = {_STAR: "*", _STARS: "**"}.get(kind, "") + each.name
    if each.annotation is not None:
        text += f": {each.annotation}"
    if each.default is not None and kind not in (_STAR, _STARS):
        text += f" = {each.default}" if each.annotation is not None else f"={each.default}"
    return text


def definition(function: Any, name: str, *, wide: int = 100) -> str:
    """`def name(...) -> ...`, in lines of its own for each parameter if it is wider than `wide` characters."""
    start = f"{'async ' if 'async' in function.labels else ''}def {name}"
    return call(start, parameters(function), f" -> {function.returns}" if function.returns is not None else "", wide)


def call(start: str, given: list[str], end: str, wide: int = 100) -> str:
    """`start(given, ...)end`, in several lines if it is wider than `wide` characters."""
    line = f"{start}({', '.join(given)}){end}"
    if len(line) <= wide or not given:
        return line
    return "\n".join([f"{start}(", *(f"    {each}," for each in given), f"){end}"])


def attribute(target: Any) -> str:
    """`name: annotation = value`; without the value where it is long, or is set as an object is made."""
    text: str = target.name
    if target.annotation is not None:
        text += f": {target.annotation}"
    is_set_later = "class-attribute" not in target.labels and "instance-attribute" in target.labels
    if not is_set_later and target.value is not None and len(value := str(target.value)) <= 60 and "\n" not in value:
        text += f" = {value}"
    return text
