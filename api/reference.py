"""The pages of the reference: what stands in the place of `<!-- api: perdure.module -->` on them."""

import inspect
import re
from importlib import import_module
from typing import Any

import griffe

from api.signatures import attribute, call, definition, parameters
from api.surface import Exported, homes, initialiser, members, surface

PLACE = re.compile(r"^<!-- api: ([\w.]+) -->$", re.MULTILINE)
PAGES = "reference"


def page_of(module: str) -> str:
    """The name of the page that a module is on: each one below the package's top has it together with that one."""
    return f"{[*module.split('.'), 'perdure'][1]}.md"


def filled(text: str) -> str:
    """The text of a page with what belongs in its places.

    Raises:
        KeyError: a place names no public module.
    """
    return PLACE.sub(lambda place: "\n".join(_module(place[1])), text)


def _module(module: str) -> list[str]:
    exported = surface()[module]
    elsewhere = [each for each in exported if not each.is_home]
    here = [each for each in exported if each.is_home]
    lines = [_escaped(import_module(module).__doc__ or ""), ""]
    if elsewhere:
        lines += ["It exports these too:", "", *(f"- `{each.path}`: {link(each.home)}" for each in elsewhere), ""]
    for each in here:
        lines += _entry(each)
    return lines


def link(home: str) -> str:
    """A link to where something is documented."""
    return f"[`{home}`]({page_of(homes()[home].module)}#{home})"


def _entry(each: Exported) -> list[str]:
    lines = [f"### {_plain(each.name)} {{ #{each.path} }}", ""]
    if each.target.is_class:
        return lines + _class(each)
    if each.target.is_function:
        return lines + _function(each.target, each.name)
    if inspect.isfunction(each.value):  # one that is made as the program runs
        return [*lines, *_code(f"def {each.name}{inspect.signature(each.value)}"), each.value.__doc__ or "", ""]
    return [*lines, *_code(attribute(each.target)), *_text(each.target.docstring or _of_its_class(each.value))]


def _of_its_class(value: object) -> Any:
    """A value without a docstring of its own has that of its class, if this is one of ours."""
    kind = type(value)
    return griffe.Docstring(kind.__doc__ or "") if kind.__module__.startswith("perdure") else None


def _class(each: Exported) -> list[str]:
    bases = f"({', '.join(str(base) for base in each.target.bases)})" if each.target.bases else ""
    lines = _code(_making(each) or f"class {each.name}{bases}")
    lines += [f"Base: {link(path)}", ""] if (path := _documented_base(each)) else []
    lines += _text(each.target.docstring)
    made = initialiser(each.target)
    lines += _text(made.docstring) if made is not None and made.parent is each.target else []
    found = members(each.target)
    lines += [_field(member) for member in found if member.is_attribute]
    lines += [""] if found else []
    for member in found:
        if member.is_function:
            lines += [f"#### {_plain(f'{each.name}.{member.name}')} {{ #{each.path}.{member.name} }}", ""]
            lines += _function(member, member.name)
    return lines


def _making(each: Exported) -> str | None:
    """How an object of the class is made, where that is its own affair."""
    made = initialiser(each.target)
    return call(f"class {each.name}", parameters(made)[1:], "") if made is not None else None


def _documented_base(each: Exported) -> str | None:
    """The path of the first base that is documented."""
    by_value = {id(other.value): path for path, other in homes().items() if isinstance(other.value, type)}
    bases = each.value.__mro__[1:] if isinstance(each.value, type) else ()
    return next((by_value[id(base)] for base in bases if id(base) in by_value), None)


def _field(target: Any) -> str:
    said = " ".join(target.docstring.value.split()) if target.docstring else _comment(target)
    return f"- `{attribute(target)}`{f': {_escaped(said)}' if said else ''}"


def _comment(target: Any) -> str:
    """The comment at the end of its line, in which fields of records say their unit."""
    line = target.lines_collection[target.filepath][target.lineno - 1] if target.lineno == target.endlineno else ""
    return line.rpartition("  # ")[2].partition(" type: ignore")[0].partition(" noqa")[0] if "  # " in line else ""


def _function(target: Any, name: str) -> list[str]:
    marks = [f"@{mark}" for mark in ("classmethod", "staticmethod") if mark in target.labels]
    forms = [definition(each, name) for each in target.overloads or [target]]
    return _code("\n".join([*marks, *forms])) + _text(target.docstring)


def _code(text: str) -> list[str]:
    return ["```python", text, "```", ""]


def _text(docstring: Any) -> list[str]:
    """A docstring as Markdown: its text as it is, what is raised and the like as lists."""
    if docstring is None:
        return []
    lines: list[str] = []
    for section in docstring.parse("google", warnings=False):
        value: Any = section.value
        if section.kind is griffe.DocstringSectionKind.text:
            lines += [_escaped(value), ""]
        elif isinstance(value, list):
            lines += [f"**{section.title or section.kind.value.capitalize()}**", "", *map(_item, value), ""]
        else:
            lines += [_escaped(str(getattr(value, "description", value))), ""]
    return lines


def _item(each: Any) -> str:
    name = getattr(each, "name", None) or str(each.annotation)
    errors = re.sub(r"\w+", lambda word: _error(word[0]), name)
    return f"- {errors}: {_escaped(' '.join(each.description.split()))}"


def _error(name: str) -> str:
    path = f"perdure.errors.{name}"
    return f"[`{name}`](errors.md#{path})" if path in homes() else f"`{name}`"


def _plain(name: str) -> str:
    return name.replace("_", r"\_")


def _escaped(text: str) -> str:
    """Text whose `<` and `*` outside of code mean themselves."""
    parts = re.split(r"(```.*?```|`[^`]*`|^    [^\n]*$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if number % 2 else re.sub(r"([<*])", r"\\\1", part) for number, part in enumerate(parts))
