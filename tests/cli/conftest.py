"""The command line, called in this process; and programs for it to run."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Perdure, Program
from typer.testing import CliRunner, Result

from perdure.cli import app


@pytest.fixture
def perdure() -> Perdure:
    """Calls `perdure` with arguments, as if on a terminal of 100 columns without colour."""
    runner = CliRunner(env={"NO_COLOR": "1"})

    def call(*arguments: object, columns: int = 100) -> Result:
        reported = [str(each) for each in arguments]
        return runner.invoke(app, reported, catch_exceptions=False, env={"COLUMNS": str(columns)})

    return call


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """Writes `program.py` into a directory of its own. What running it changes in this process is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    file = tmp_path / "programs" / "program.py"
    file.parent.mkdir()

    def write(text: str) -> Path:
        file.write_text(f"from perdure import flow, task\n\n{text}")
        return file

    yield write
    for name in [name for name, each in sys.modules.items() if getattr(each, "__file__", None) == str(file)]:
        del sys.modules[name]
