"""What two runs of the flow did, shown on the terminal."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from perdure import Flow, session, settings
from perdure.records import FlowRun, ResultFilter, ResultRecord, RunFilter, TaskRun

Run = FlowRun | TaskRun
STYLES = {"Completed": ("✔", "green"), "Cached": ("↻", "cyan"), "Failed": ("✘", "red")}

console = Console(highlight=False)


def run_twice(flow: Flow[[], dict[str, Any]], output: Path) -> None:
    """Run the flow in a fresh home of its own, run it again, and show what came of it."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with settings.temporary_settings(home=output / "home"):
        console.print()
        first, outcome = _shown_run("First run", flow, output)
        second, _ = _shown_run("Second run, the same call", flow, output)
        _show_savings(first, second)
        _show_outcome(outcome)
        _show_places(output)
        session.close()


def _shown_run(title: str, flow: Flow[[], dict[str, Any]], output: Path) -> tuple[FlowRun, dict[str, Any]]:
    log = output / "flights.log"
    with console.status(title), log.open("a") as file, redirect_stderr(file):
        outcome = flow()
    run = session.current().orchestrator.flow_runs(RunFilter(of=flow.name, limit=1))[0]
    _heading(title)
    _show_tree(run)
    _show_warnings(run)
    return run, outcome


def _heading(text: str) -> None:
    console.rule(Text(text, "bold"), align="left", style="dim")
    console.print()


def _show_tree(root: FlowRun) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("run", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("result", overflow="fold")  # the only one that gives way on a narrow terminal
    results = {each.run_id: each for each in _orchestrator().results(ResultFilter(run_ids=tuple(_ids(root))))}
    for guide, run in _lines(root, "", ""):
        name = Text(guide, "dim").append(run.name if isinstance(run, TaskRun) else run.flow_name, "default")
        table.add_row(name, _state(run), _time(run), *_result(results.get(run.id)))
    console.print(table)
    console.print()


def _orchestrator() -> Any:
    return session.current().orchestrator


def _children(run: Run) -> list[Run]:
    if isinstance(run, TaskRun):
        return []
    of = RunFilter(flow_run_ids=(run.id,))
    return sorted(
        (*_orchestrator().flow_runs(of), *_orchestrator().task_runs(of)), key=lambda each: (each.created, each.id)
    )


def _ids(run: Run) -> Iterator[str]:
    yield run.id
    for child in _children(run):
        yield from _ids(child)


def _lines(run: Run, guide: str, indent: str) -> Iterator[tuple[str, Run]]:
    """The run and all below it, each with what is drawn before its name."""
    yield guide, run
    children = _children(run)
    for child in children:
        is_last = child is children[-1]
        yield from _lines(child, indent + ("└─ " if is_last else "├─ "), indent + ("   " if is_last else "│  "))


def _state(run: Run) -> Text:
    icon, style = STYLES.get(run.state_name or "", ("•", "yellow"))
    attempts = f", try {run.run_count}" if run.run_count > 1 else ""
    return Text(f"{icon} {run.state_name}{attempts}", style)


def _time(run: Run) -> str:
    return _seconds(_duration(run))


def _duration(run: Run) -> float:
    """Seconds that the run took; a cached one never starts, so from its creation."""
    return ((run.ended or 0) - (run.started or run.created)) / 1_000_000


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{max(1, round(seconds * 1000))} ms"


def _result(result: ResultRecord | None) -> tuple[str, Text]:
    if result is None or result.storage_key is None:
        return "", Text("in memory only", "dim")
    return _size(result.size or 0), Text(result.storage_key)


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1_000:.1f} kB"


def _show_warnings(root: FlowRun) -> None:
    names = {run.id: run.name for _, run in _lines(root, "", "")}
    lines = [each for each in _orchestrator().logs(root.id) if each.level >= logging.WARNING]
    for line in lines:
        style = "red" if line.level >= logging.ERROR else "yellow"
        name = names[line.task_run_id or line.flow_run_id]
        message = line.message.splitlines()[0].removeprefix("Task run encountered an exception ")
        _say(f"[{style}]{name}[/]: {escape(message)}")
    console.print()


def _show_savings(first: FlowRun, second: FlowRun) -> None:
    before, after = _duration(first), _duration(second)
    tasks = [run for _, run in _lines(second, "", "") if isinstance(run, TaskRun)]
    cached = sum(run.state_name == "Cached" for run in tasks)
    failed = sum(run.state_name == "Failed" for run in tasks)
    _heading("What the second run saved")
    _say(f"[bold]{before - after:.2f} s, {1 - after / before:.0%}[/]: {before:.2f} s became {after:.2f} s.")
    _say(
        f"Of {len(tasks)} task runs, {cached} came from the cache;"
        f" {failed} failed, and ran again, since failures are not cached."
    )
    console.print()


def _show_outcome(outcome: Mapping[str, Any]) -> None:
    scores = outcome["scores"]
    _heading("What the flow found")
    _say(f"Of {outcome['rows']:,} flights, {outcome['flights']:,} left, in weather that is known.")
    _say(
        f"The forecast errs by {scores['error']:.1f} minutes (root mean square over {scores['flights']:,} flights"
        f" that it had not seen); always saying the mean errs by {scores['error_of_mean']:.1f}."
    )
    _say(
        f"Of the tenth that it called riskiest, {scores['late_among_riskiest']:.0%} left 15 minutes late or more;"
        f" of all, {scores['late']:.0%}."
    )
    console.print()


def _show_places(output: Path) -> None:
    places = {"results": "the results, by the keys above", "delays.png": "the chart", "flights.log": "the whole log"}
    _heading("Where everything lies")
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2))
    for name, what in (*places.items(), ("home/perdure.db", "the runs, their states and their log lines")):
        table.add_row(Text(_relative(output / name)), Text(what, "dim"))
    console.print(table)
    console.print()
    _say(f"Look further:  [bold]PERDURE_HOME={_relative(output / 'home')} perdure flow-run ls[/]")
    console.print()


def _say(text: str) -> None:
    console.print(Padding(text, (0, 0, 0, 2)))


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
