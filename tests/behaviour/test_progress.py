"""The live progress bar of mapped calls."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import time
from perdure import flow, task

@task
def nap(number):
    time.sleep(0.1)

@flow
def naps():
    nap.map(range(60)).wait()
    return 60

naps()
"""


def run_on_terminal(directory: Path) -> str:
    """What the script shows on a terminal as its standard error."""
    script = directory / "naps.py"
    script.write_text(SCRIPT)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PERDURE_TASK_RUNNER_MAX_WORKERS": "2", "COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen([sys.executable, str(script)], stderr=theirs, env=environment) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the terminal's other side is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert child.returncode == 0, shown
    return shown.decode()


@pytest.mark.slow
def test_a_long_map_shows_how_far_it_is_on_a_terminal_and_clears_it_at_the_end(tmp_path: Path) -> None:
    shown = run_on_terminal(tmp_path)

    counts = [int(count) for count in re.findall(r"(\d+)/60", shown)]
    assert counts == sorted(counts)
    assert 10 <= counts[0] < counts[-1] <= 60
    assert shown.rstrip().endswith("Finished in state Completed()")


@pytest.mark.slow
def test_a_map_shows_nothing_where_there_is_no_terminal(tmp_path: Path) -> None:
    script = tmp_path / "naps.py"
    script.write_text(SCRIPT.replace("0.1", "0.05"))
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "/60" not in ended.stderr
