"""Output of commands: tables and texts for people, JSON for programs. All output of commands goes through here."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import typer

from perdure._model.state_types import StateType
from perdure._platform import json_numbers
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.named import NamedTuple
from perdure._platform.printable import printable, printable_json
from perdure._platform.redaction import redact_known

if TYPE_CHECKING:  # rich is imported by what prints with it: it takes as long as all the rest
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

NOTHING = "-"
_PIPE_WIDTH = 120  # columns, where no terminal says how wide it is

S = StateType
_LOOKS: dict[StateType | None, tuple[str, str]] = {
    S.COMPLETED: ("✓", "green"),
    S.FAILED: ("✗", "red"),
    S.CRASHED: ("!", "bold red"),
    S.CANCELLED: ("⊘", "yellow"),
    S.CANCELLING: ("⊘", "yellow"),
    S.RUNNING: ("●", "blue"),
    S.PAUSED: ("‖", "yellow"),
    S.PENDING: ("○", "cyan"),
    S.SCHEDULED: ("○", "cyan"),
    None: ("○", "dim"),
}


class Column(NamedTuple):
    """A column of a table. One that is `whole` is never cut short."""

    title: str
    whole: bool = False
    right: bool = False
    style: str = ""
    spare: int = 0  # where there is no room, the columns with the highest number above 0 are left out first


def json_text(value: object, indent: int | None = None) -> str:
    """JSON without control characters, and without numbers that it has no form for: see `json_numbers`."""
    return printable_json(json_numbers.dumps(value, indent=indent, ensure_ascii=False))


def write(text: str) -> None:
    """Write text to standard output, escaped."""
    sys.stdout.write(printable(text))


def say(text: str, what: str | None = None, colour: str = "red") -> None:
    """Write a line to standard error, escaped; after a label such as `Error`."""
    label = "" if what is None else f"{what if os.environ.get('NO_COLOR') else typer.style(what, fg=colour)}: "
    typer.echo(f"{label}{printable(redact_known(text))}", err=True)


def console() -> "Console":
    """Where people read: standard output, in colour if it is a terminal and NO_COLOR is not set.

    Whatever text is printed there is escaped.
    """
    from perdure.cli.safe_console import SafeConsole

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return SafeConsole(width=width, highlight=False, markup=False, emoji=False)


def show(*parts: "RenderableType") -> None:
    """Print texts, tables and trees, one below the other."""
    from rich.text import Text

    output = console()
    for part in parts:
        output.print(part, soft_wrap=isinstance(part, str | Text))


def show_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def note(text: str) -> "Text":
    """A quiet remark, such as what to do next."""
    from rich.text import Text

    return Text(text, style="dim")


Row: TypeAlias = "Sequence[str | Text]"  # of a table


def table(columns: Sequence[Column], rows: Iterable[Row]) -> "Table":
    """A table without lines; what does not fit is cut short with an ellipsis, or left out where it is spare."""
    from rich.table import Table
    from rich.text import Text

    all_rows = list(rows)
    places = _fitting(columns, all_rows, console().width)
    columns = [columns[place] for place in places]
    rows = [[row[place] for place in places] for row in all_rows]
    shown = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        justify = "right" if column.right else "left"
        shown.add_column(column.title, no_wrap=column.whole, justify=justify, style=column.style)  # type: ignore[arg-type]
    for row in rows:
        shown.add_row(
            *(
                Text(one_line(cell), no_wrap=True, overflow="ellipsis") if isinstance(cell, str) else cell
                for cell in row
            )
        )
    return shown


_LEAST = 8  # characters of a column that may be cut short
_GAP = 2  # characters between columns


def _fitting(columns: Sequence[Column], rows: "Sequence[Sequence[str | Text]]", width: int) -> list[int]:
    """The places of the columns that there is room for."""
    from rich.cells import cell_len

    def least(place: int) -> int:
        longest = max(cell_len(str(cell)) for cell in (columns[place].title, *(row[place] for row in rows)))
        return longest if columns[place].whole else min(longest, _LEAST)

    places = list(range(len(columns)))
    for place in sorted((each for each in places if columns[each].spare), key=lambda each: -columns[each].spare):
        if sum(least(each) + _GAP for each in places) - _GAP <= width:
            break
        places.remove(place)
    return places


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(name: str) -> str:
    """A name as it may stand in a row: line breaks and control characters are blanks."""
    return _CONTROLS.sub(" ", name)


def facts(pairs: "Iterable[tuple[str, str | Text | None]]") -> "Table":
    """Names and what they are, one pair a line; a pair without a value is left out."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(style="dim", no_wrap=True, min_width=9)
    shown.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            shown.add_row(name, Text(value) if isinstance(value, str) else value)
    return shown


def section(title: str) -> "Text":
    """The heading of a part of what is shown, with an empty line before it."""
    from rich.text import Text

    return Text(f"\n{title}", style="bold")


def state_text(type: StateType | None, name: str | None) -> "Text":
    """A state's sign and name, in its colour."""
    from rich.text import Text

    sign, style = _LOOKS[type]
    return Text(f"{sign} {name or 'Unknown'}", style=style, no_wrap=True)


def lost_text(name: str | None) -> "Text":
    """The name of the last recorded state of a run whose process is lost."""
    from rich.text import Text

    return Text(f"! {name or 'Unknown'} (lost)", style="bold red", no_wrap=True)


def count_text(type: StateType | None, count: int) -> "Text":
    """How many are in a state, such as `✓ 41 completed`."""
    from rich.text import Text

    sign, style = _LOOKS[type]
    return Text(f"{sign} {count:,} {(type or 'unknown').lower()}", style=style)


def iso(time: Micros | None) -> str | None:
    """A time for programs: ISO 8601, in UTC."""
    return None if time is None else to_datetime(time).isoformat()


def full_time(time: Micros | None) -> str:
    """A time for people, local, to the millisecond."""
    if time is None:
        return NOTHING
    return f"{to_datetime(time).astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3]


def clock_time(time: Micros) -> str:
    """The time of day, local, to the millisecond."""
    return f"{to_datetime(time).astimezone():%H:%M:%S.%f}"[:-3]


def short_time(time: Micros | None) -> str:
    """A time for people, local: the time of day if it is today, else the date."""
    if time is None:
        return NOTHING
    moment, now = to_datetime(time).astimezone(), datetime.now().astimezone()
    if moment.date() == now.date():
        return f"{moment:%H:%M:%S}"
    return f"{moment:%m-%d %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d}"


_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def duration_text(micros: int | None) -> str:
    """A span of time, such as `40 µs`, `12 ms`, `1.2 s` or `3m 05s`."""
    if micros is None:
        return NOTHING
    if micros < 1_000:
        return f"{micros} µs"
    if micros < 999_500:
        return f"{micros / 1_000:.{1 if micros < 9_950 else 0}f} ms"
    if micros < 59_950_000:
        return f"{micros / 1_000_000:.1f} s"
    seconds = round(micros / 1_000_000)
    large, name, small, rest = next(step for step in _STEPS if seconds >= step[0])
    return f"{seconds // large}{name} {seconds % large // small:02d}{rest}"


def size_text(size: int | None) -> str:
    """A number of bytes, such as `120 B` or `3.4 MiB`."""
    if size is None:
        return NOTHING
    if size < 1024:
        return f"{size} B"
    amount, units = size / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:.1f} {units[0]}"


def type_text(name: str) -> str:
    """A Python type for people: `dict`, not `builtins.dict`."""
    return name.removeprefix("builtins.")


def plural(count: int, noun: str) -> str:
    """A number and what it counts, such as `1 task run` or `2 task runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def jsonable(value: object) -> object:
    """A value as JSON types; what JSON has no form for is shown by its repr, and secrets by asterisks."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=repr, bytes_mode="base64", inf_nan_mode="strings")


def is_json(value: object) -> bool:
    """Whether JSON holds the value as it is."""
    if isinstance(value, dict):
        return all(type(key) is str and is_json(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    return value is None or type(value) in (bool, int, float, str)
