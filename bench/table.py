"""What was measured, as Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

Figures = Mapping[str, Sequence[float]]  # by the row's key, one figure a run


class Row(NamedTuple):
    """A line of the table. In those that are `compared` less is better; of the others the worst run is shown."""

    key: str
    title: str
    decimals: int
    compared: bool = True


ROWS = (
    Row("import", "import, s", 2),
    Row("help", "`--help`, s", 2),
    Row("hello", "hello, s", 2),
    Row("hello MiB", "hello, peak MiB", 0),
    Row("distributions", "installed distributions", 0),
    Row("seq", "seq, ms a task", 3),
    Row("submit", "submit, ms a task", 3),
    Row("persist", "persist, ms a task", 3),
    Row("cache hit", "cache hit, ms a task", 3),
    Row("tracked", "share of tasks in the database at the end", 2, compared=False),
    Row("seq 100k", "seq of 100,000, ms a task", 3),
    Row("seq 100k process", "the same, whole process over the tasks, ms", 3),
    Row("memory", "memory a finished task leaves, bytes", 0),
    Row("map 1M", "map of 1,000,000, ms a task", 3),
    Row("map 1M MiB", "the same, peak MiB", 0),
)

# Which workload each limit bounds: it holds at least one of these.
BOUNDS = {
    "an SQLite row, inserted in bulk": "seq",
    "an SQLite commit of one row (WAL, synchronous=normal)": "persist",
    "an SQLite commit of one row (WAL, synchronous=full)": "persist",
    "a file of 200 bytes, written and renamed": "persist",
    "arguments bound to a signature": "seq",
    "a thread pool's submit and result": "submit",
}


def comparison(figures: Mapping[str, Figures]) -> str:
    """The table of all peers; the first is what the others' ratios are taken to."""
    names = list(figures)
    lines = [_line(["", *names]), _line(["---", *["--:"] * len(names)])]
    for row in ROWS:
        shown = [_of_all_runs(row, figures[name].get(row.key)) for name in names]
        if any(figure is not None for figure in shown):
            lines.append(_line([row.title, *[_cell(row, figure, shown[0]) for figure in shown]]))
    return "\n".join(lines)


def limits(figures: Figures, perdure: Figures) -> str:
    """The table of what the machine itself takes, and how far above it Perdure is."""
    lines = [_line(["limit", "µs", "Perdure's"]), _line(["---", "--:", "--:"])]
    for name, runs in figures.items():
        workload, limit = BOUNDS[name], median(runs)
        ratio = f"{workload}: {_times(median(perdure[workload]) / limit)}" if perdure.get(workload) else ""
        lines.append(_line([name, f"{limit * 1000:,.1f}", ratio]))
    return "\n".join(lines)


def _of_all_runs(row: Row, runs: Sequence[float] | None) -> float | None:
    if not runs:
        return None
    return median(runs) if row.compared else min(runs)


def _cell(row: Row, figure: float | None, first: float | None) -> str:
    if figure is None:
        return ""
    text = f"{figure:,.{row.decimals}f}"
    return f"{text} ({_times(figure / first)})" if row.compared and first and figure is not first else text


def _times(ratio: float) -> str:
    decimals = 0 if ratio >= 10 else 1 if ratio >= 1 else 2
    return f"{ratio:,.{decimals}f}x"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
