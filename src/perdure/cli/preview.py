"""Previews for people: trees, tables, arrays with a histogram, exceptions."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perdure.cli.output import NOTHING, facts, plural, size_text, type_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
    from rich.tree import Tree

Preview = dict[str, Any]

_BARS = " ▁▂▃▄▅▆▇█"
_NUMBERS = ("int", "uint", "float", "double", "decimal", "halffloat")  # how the types of columns of numbers begin
_WIDE = 100  # characters of a container that is shown on one line


def rendered(preview: Preview) -> "RenderableType":
    """What a preview says, as something that rich prints; of a kind that is not known here, its fields."""
    return _KINDS.get(preview.get("kind", ""), _object)(preview)


def _text(text: object, style: str = "") -> "Text":
    from rich.text import Text

    return Text(str(text), style=style)


def _group(*parts: "RenderableType | None") -> "RenderableType":
    from rich.console import Group

    return Group(*(part for part in parts if part is not None))


# Values


def _json(preview: Preview) -> "RenderableType":
    value = preview.get("value")
    if not isinstance(value, dict | list) or len(json.dumps(value)) <= _WIDE:
        return _scalar(value)
    from rich.tree import Tree

    tree = Tree(_text(_heading(preview, value), "bold"), guide_style="dim")
    _grow(tree, value)
    return tree


def _heading(preview: Preview, value: "dict[str, Any] | list[Any]") -> str:
    length = preview.get("length")
    noun = "field" if "fields" in preview else "item"
    return f"{type_text(preview['type'])}, {plural(len(value) if length is None else length, noun)}"


def _grow(tree: "Tree", value: "dict[str, Any] | list[Any]") -> None:
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for name, each in pairs:
        label = _text("" if name is None else f"{name}  ", "cyan")
        if isinstance(each, dict | list) and len(json.dumps(each)) > _WIDE:
            label.append(plural(len(each), "item"), style="dim")
            _grow(tree.add(label), each)
        else:
            label.append_text(_scalar(each))
            tree.add(label)


def _scalar(value: object) -> "Text":
    """A value on one line; quietly, what was left out or hidden."""
    if isinstance(value, str):
        return _text(value, "dim" if value.startswith(("…", "**********")) or value.endswith(" more") else "default")
    return _text(json.dumps(value, ensure_ascii=False), "green" if isinstance(value, int | float) else "default")


def _long_text(preview: Preview) -> "RenderableType":
    return _text(preview.get("value", ""))


def _bytes(preview: Preview) -> "RenderableType":
    digits = preview.get("hex", "")
    hidden = digits.startswith("*")
    shown = digits if hidden else " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))
    more = preview.get("length", 0) - (0 if hidden else len(digits) // 2)
    return _text(shown).append(f" … {plural(more, 'more byte')}" if more > 0 else "", style="dim")


def _object(preview: Preview) -> "RenderableType":
    if "fields" in preview:
        return _json(preview | {"value": preview["fields"]})
    if "text" in preview:
        return _text(preview["text"])
    size = preview.get("size")
    return _text(type_text(preview.get("type", "object"))).append(
        "" if size is None else f", {size_text(size)}; it has no preview", style="dim"
    )


# Tables and arrays


def _table(preview: Preview) -> "RenderableType":
    from rich import box
    from rich.table import Table

    columns, index = preview.get("columns", []), preview.get("index")
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="", padding=(0, 1))
    if index is not None:
        shown.add_column("", style="dim", no_wrap=True)
    for column in columns:
        title = _text(column["name"], "bold").append(f"\n{column['dtype']}", style="dim not bold")
        is_number = column["dtype"].lower().startswith(_NUMBERS)
        shown.add_column(title, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis")
    for at, row in enumerate(preview.get("head", [])):
        label = [] if index is None else [_text(index[at])]
        shown.add_row(*label, *(_cell(each) for each in row))
    size = f"{plural(preview['rows'], 'row')} × {plural(preview['width'], 'column')}"
    return _group(
        _text(f"{size}, {size_text(preview['memory'])} in memory"), shown if columns else None, _rest(preview)
    )


def _cell(text: str) -> "Text":
    return _text(text, "dim" if text in ("None", "NaT", "nan", "<NA>", "**********") else "default")


def _rest(preview: Preview) -> "Text | None":
    """How many rows and columns there are that are not shown."""
    rows = preview["rows"] - len(preview.get("head", []))
    columns = preview["width"] - len(preview.get("columns", []))
    parts = [plural(count, f"more {noun}") for count, noun in ((rows, "row"), (columns, "column")) if count > 0]
    return _text(f"… {' and '.join(parts)}", "dim") if parts else None


def _array(preview: Preview) -> "RenderableType":
    shape = " × ".join(f"{each:,}" for each in preview["shape"]) or "a single value"
    about: dict[str, str | Text | None] = {
        "shape": shape,
        "dtype": preview["dtype"],
        "size": size_text(preview["bytes"]),
        "device": preview.get("device"),
    }
    stats = preview.get("stats") or {}
    sampled = "sampled" in stats
    about |= {name: _about(_number(stats[name]), sampled) for name in ("min", "mean", "max") if name in stats}
    about["NaN"] = _about(f"{stats['nan']:,}", sampled) if stats.get("nan") else None
    about["sampled"] = f"{stats['sampled']:,} elements, from which what is marked by ≈ comes" if sampled else None
    if "histogram" in stats:
        about["values"] = _histogram(stats)
    return _group(facts(about.items()), _matrix(preview["head"], preview["shape"]) if "head" in preview else None)


def _about(text: str, sampled: bool) -> str:
    return f"≈ {text}" if sampled else text


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _histogram(stats: Preview) -> "Text":
    counts = stats["histogram"]
    # A count that is not nothing has a bar that is not nothing.
    bars = "".join(_BARS[-(-each * (len(_BARS) - 1) // max(counts))] for each in counts)
    return _text(f"{_number(stats['min'])} ", "dim").append(bars, style="cyan").append(f" {_number(stats['max'])}")


def _matrix(head: object, shape: list[int]) -> "RenderableType | None":
    """The first values, in rows if the array has any; of more than two dimensions, those of the first plane."""
    if not isinstance(head, list) or not head:
        return None if isinstance(head, list) else _text(_number(head))
    from rich.table import Table

    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows = head if isinstance(head[0], list) else [head]
    for row in rows:
        cells = [_text(_number(each)) for each in (row if isinstance(row, list) else [row])]
        shown.add_row(*cells, *([_text("…", "dim")] if shape[-1] > len(cells) else []))
    for column in shown.columns:
        column.justify, column.no_wrap = "right", True
    is_cut = len(shape) > 2 or (len(shape) == 2 and shape[0] > len(rows))
    return _group("", shown, _text("…", "dim") if is_cut else None)


# Images and exceptions


def _image(preview: Preview) -> "RenderableType":
    size = f"{preview['width']:,} × {preview['height']:,} pixels"
    thumbnail = "in --json" if "thumbnail" in preview else NOTHING
    return facts({"size": size, "mode": preview.get("mode"), "thumbnail": thumbnail}.items())


def _exception(preview: Preview) -> "RenderableType":
    frames = preview.get("frames", [])
    return _group(
        _text(f"{type_text(preview['type'])}: ", "bold red").append(
            preview.get("message", ""), style="not bold default"
        ),
        *(_frame(each) for each in frames),
        *(_other("caused by", each) for each in preview.get("causes", [])),
        *(_other("holds", each) for each in preview.get("exceptions", [])),
    )


def _frame(frame: Preview) -> "Text":
    where = f"  {frame['file']}:{frame['line']}"
    return _text(where, "cyan").append(f" in {frame['function']}", style="dim")


def _other(what: str, error: Preview) -> "Text":
    return _text(f"{what} ", "dim").append(f"{type_text(error['type'])}: {error['message']}", style="not dim")


_KINDS: "dict[str, Callable[[Preview], RenderableType]]" = {
    "json": _json,
    "text": _long_text,
    "bytes": _bytes,
    "object": _object,
    "table": _table,
    "array": _array,
    "image": _image,
    "exception": _exception,
}
