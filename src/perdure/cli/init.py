"""`perdure init`: a project to start from; or, where flows are already, the file that deploys them."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.declared import NAME
from perdure._rooms.deployments.declared_schema import SCHEMA
from perdure.cli.groups import SETTINGS, AsJson
from perdure.cli.output import note, show, show_json

app = typer.Typer(add_completion=False, **SETTINGS)
_SCHEMA_FILE = "perdure.schema.json"  # editors that know TOML complete and check by it
_LEFT_OUT = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "tests", "venv"})
_MOST_FILES = 2_000  # of Python, that are looked through for flows


class _Found(NamedTuple):
    """A flow that is there."""

    entrypoint: str
    name: str


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where; it is made if it is not there.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a project: a flow, its test, and the deployment that runs it each night.

    In a folder that has flows, only perdure.toml is made, with a deployment for each of them. No file is overwritten.
    """
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{folder} is a file. Name a folder.")
    flows = list(_flows_in(folder)) if folder.is_dir() else []
    files = dict(_files_for(flows) if flows else _files_of(_name_of(folder)))
    there = [each for each in files if (folder / each).exists()]
    if there:
        raise typer.BadParameter(f"{folder.absolute()} has {', '.join(there)} already, and nothing is overwritten.")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if as_json:
        show_json(
            {"folder": str(folder.absolute()), "files": list(files), "flows": [each.entrypoint for each in flows]}
        )
        return
    show(*(f"{folder / name}" for name in files))
    steps = ["perdure deploy --all --dry-run"] if flows else ["python flows.py", "pytest", "perdure deploy --all"]
    change = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    show("", note("Next:"), *(note(f"  {each}") for each in [*change, *steps, "perdure worker start"]))


def _name_of(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name or "flows"


# A folder with flows


def _flows_in(folder: Path) -> Iterator[_Found]:
    """The flows of a folder, found by reading: nothing is imported."""
    files = (path for path in sorted(folder.rglob("*.py")) if not _is_left_out(path.relative_to(folder)))
    for _, path in zip(range(_MOST_FILES), files, strict=False):
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # a file that is no program of this Python's
        if "flow" not in {alias.asname or alias.name for alias in _imported(tree)}:
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_flow, node.decorator_list)):
                yield _Found(f"{path.relative_to(folder).as_posix()}:{node.name}", node.name)


def _is_left_out(path: Path) -> bool:
    return any(part in _LEFT_OUT or part.startswith(".") for part in path.parts)


def _imported(tree: ast.Module) -> Iterator[ast.alias]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "perdure":
            yield from node.names


def _is_flow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "flow"


def _files_for(flows: Sequence[_Found]) -> Iterator[tuple[str, str]]:
    names = [each.name for each in flows]
    blocks = [
        _DEPLOYMENT.format(
            name=each.name.replace("_", "-") if names.count(each.name) == 1 else _long_name(each.entrypoint),
            entrypoint=each.entrypoint,
        )
        for each in flows
    ]
    yield NAME, "\n".join([_HEAD, *blocks])
    yield _SCHEMA_FILE, json.dumps(SCHEMA, indent=2) + "\n"


def _long_name(entrypoint: str) -> str:
    """A name of a flow that is unique among flows of one name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", entrypoint.replace(".py:", "-"))


_HEAD = f"""#:schema {_SCHEMA_FILE}
# Deployments: `perdure deploy --all` makes them, and a worker runs them, `perdure worker start`.
"""
_DEPLOYMENT = """[[deployments]]
name = "{name}"
entrypoint = "{entrypoint}"
# schedules = [{{ cron = "0 6 * * *", timezone = "Europe/Oslo" }}]
"""

# A new project


def _files_of(name: str) -> Mapping[str, str]:
    return {
        "flows.py": _FLOWS,
        "test_flows.py": _TESTS,
        NAME: f"{_HEAD}\n{_NIGHTLY}",
        _SCHEMA_FILE: json.dumps(SCHEMA, indent=2) + "\n",
        "pyproject.toml": _PYPROJECT.format(name=name),
    }


_FLOWS = '''"""Flows: functions whose runs are recorded, and whose results last."""

from datetime import date, timedelta

from perdure import flow, task
from perdure.tasks import task_input_hash


@task(retries=2, retry_delay_seconds=5)
def extract(day: date) -> list[float]:
    """Read the readings of a day; here they are made up."""
    return [day.day + hour / 10 for hour in range(24)]


@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(days=30))
def summarize(readings: list[float]) -> dict[str, float]:
    """Summarize readings. The result is kept, and equal readings are not summarized again."""
    return {"least": min(readings), "mean": sum(readings) / len(readings), "most": max(readings)}


@flow(log_prints=True)
def report(day: date | None = None) -> dict[str, float]:
    """Report on a day, by default yesterday."""
    day = day or date.today() - timedelta(days=1)
    summary = summarize(extract(day))
    print(f"{day}: {summary}")
    return summary


if __name__ == "__main__":
    report()
'''
_TESTS = '''"""Tests: a flow is called as a function is; `perdure_home` gives each test an empty home of its own."""

from datetime import date

import pytest
from flows import report, summarize


@pytest.mark.usefixtures("perdure_home")
def test_a_report_has_the_readings_of_its_day() -> None:
    assert report(date(2024, 5, 1))["least"] == 1.0


def test_a_summary_has_the_mean() -> None:
    assert summarize.fn([1.0, 2.0, 6.0])["mean"] == 3.0
'''
_NIGHTLY = """[[deployments]]
name = "nightly"
entrypoint = "flows.py:report"
schedules = [{ cron = "0 6 * * *", timezone = "UTC" }]
"""
_PYPROJECT = """[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["perdure"]

[dependency-groups]
dev = ["pytest"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""
