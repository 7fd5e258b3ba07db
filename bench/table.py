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
    Row("first result", "a process that reads a kept value, s", 2),
    Row("seq", "seq, ms a task", 3),
    Row("submit", "submit, ms a task", 3),
    Row("persist", "persist, ms a task", 3),
    Row("inline", "persist, in the database itself, ms a task", 3),
    Row("cache hit", "cache hit, ms a task", 3),
    Row("tracked", "share of tasks in the database at the end", 2, compared=False),
    Row("seq 100k", "seq of 100,000, ms a task", 3),
    Row("seq 100k process", "the same, whole process over the tasks, ms", 3),
    Row("memory", "memory a finished task leaves, bytes", 0),
    Row("cores", "submitted tasks that release the GIL, two threads: times as fast as one", 2, compared=False),
    Row("map 1M", "map of 1,000,000, ms a task", 3),
    Row("map 1M MiB", "the same, peak MiB", 0),
)

_ROW, _COMMIT, _FILE, _THREAD = (
    "an SQLite row, inserted in bulk",
    "an SQLite commit of one row (WAL, synchronous=normal)",
    "a file of 200 bytes, written and renamed",
    "a thread pool's submit and result",
)
# Which workload each limit bounds: it holds at least one of these.
BOUNDS = {
    _ROW: "seq",
    _COMMIT: "persist",
    "an SQLite commit of one row (WAL, synchronous=full)": "persist",
    _FILE: "persist",
    "arguments bound to a signature": "seq",
    _THREAD: "submit",
}


class Target(NamedTuple):
    """What a figure of Perdure's is to be at most: times those of limits or of a peer of the same run, or as it is."""

    title: str
    key: str
    most: float
    beside: tuple[str, ...] = ()  # limits, which are added up, or a peer
    less: str = ""  # a figure that does not count


TARGETS = (
    Target("a tracked call, in rows inserted in bulk", "seq", 6, (_ROW,)),
    Target("a submitted call, in a thread's submit and result", "submit", 2.5, (_THREAD,)),
    Target("a persisted call, in a commit and a file", "persist", 2.2, (_COMMIT, _FILE)),
    Target("the same in the database itself, in a commit", "inline", 2.5, (_COMMIT,)),
    Target("a cache hit, in joblib's", "cache hit", 0.5, ("joblib",)),
    Target("`import perdure`, in joblib's", "import", 1.0, ("joblib",)),
    Target("a first script, in joblib's", "hello", 1.2, ("joblib",)),
    Target("a call of a map of 1,000,000, ms", "map 1M", 0.06),
    Target("the same, peak MiB of its process", "map 1M MiB", 200),
    Target("a process that reads a kept value, s over its import", "first result", 0.15, less="import"),
)


def targets(figures: Mapping[str, Figures], limits: Figures) -> str:
    """The table of what is to be reached: ratios to limits and peers of the same run, and a few plain figures."""
    ours = figures.get("perdure", {})
    lines = [_line(["to be reached", "is", "at most"]), _line(["---", "--:", "--:"])]
    for target in TARGETS:
        parts = [limits.get(name) or figures.get(name, {}).get(target.key) for name in target.beside]
        keys = [target.key, *([target.less] if target.less else [])]
        if all(ours.get(key) for key in keys) and all(parts):
            figure = median(ours[target.key]) - (median(ours[target.less]) if target.less else 0)
            figure /= sum(median(part) for part in parts if part) if parts else 1
            lines.append(_line([target.title, f"{figure:,.3g}", f"{target.most:g}"]))
    return "\n".join(lines)


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
