"""What every call of `perdure` pays for, and what holds for all commands."""

import json
import subprocess
import sys

import pytest
from command_line import Perdure
from typer.main import get_command

from perdure._platform.version import VERSION
from perdure.cli import app
from perdure.cli.output import duration_text, size_text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argument", "heavy"),
    [
        ("--help", {"pydantic", "sqlalchemy", "asyncio", "rich", "cryptography"}),
        ("--version", {"pydantic", "sqlalchemy", "asyncio", "rich", "cryptography"}),
        ("version", {"sqlalchemy", "asyncio", "rich", "cryptography"}),
    ],
)
def test_help_and_versions_leave_heavy_packages_out(argument: str, heavy: set[str]):
    program = f"""
import atexit, sys
from perdure.cli import main
sys.argv = ["perdure", {argument!r}]
atexit.register(lambda: print({heavy!r} & set(sys.modules), file=sys.stderr))
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == "set()\n"


def test_help_names_every_command(perdure: Perdure):
    shown = perdure("--help").stdout
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("name", get_command(app).commands)  # type: ignore[attr-defined]
def test_every_command_takes_json_or_has_commands_that_do(perdure: Perdure, name: str):
    shown = perdure(name, "--help").stdout
    below = shown.partition("Commands:\n")[2].splitlines()
    pages = [perdure(name, line.split()[0], "--help").stdout for line in below] or [shown]
    assert all("--json" in page for page in pages)


def test_version_as_json(perdure: Perdure):
    assert json.loads(perdure("version", "--json").stdout)["perdure"] == VERSION


def test_a_mistyped_command_is_answered_with_the_nearest(perdure: Perdure):
    ended = perdure("flow-rnu", "ls")
    assert ended.exit_code == 2
    assert "Did you mean 'flow-run'?" in ended.stderr


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, "-"),
        (40, "40 µs"),
        (9_940, "9.9 ms"),
        (9_960, "10 ms"),
        (999_499, "999 ms"),
        (999_500, "1.0 s"),
        (59_949_999, "59.9 s"),
        (59_950_000, "1m 00s"),
        (185_000_000, "3m 05s"),
        (3_600_000_000, "1h 00m"),
        (90_000_000_000, "1d 01h"),
    ],
)
def test_a_span_of_time_is_short(micros: int | None, text: str):
    assert duration_text(micros) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 40, "5.0 TiB")])
def test_a_size_is_in_units_of_1024(size: int, text: str):
    assert size_text(size) == text
