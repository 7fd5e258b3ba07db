"""Scripts of ui/e2e, which drive Chromium, against real servers."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.server.running import running

UI = Path(__file__).parents[2] / "ui"


@contextmanager
def home_served(home: Path, *options: str) -> Iterator[str]:
    """The address of a server with a home of its own."""
    before = os.environ.get("PERDURE_HOME")
    os.environ["PERDURE_HOME"] = str(home)
    try:
        with running(str(home / "perdure.db"), *options) as address:
            yield address
    finally:
        if before is None:
            del os.environ["PERDURE_HOME"]
        else:
            os.environ["PERDURE_HOME"] = before


def script(name: str, *arguments: str) -> str:
    """What a script printed.

    Raises:
        AssertionError: it found something wrong.
    """
    command = ["node", str(UI / "e2e" / f"{name}.mjs"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def asking(name: str, *arguments: str) -> Iterator[Iterator[str]]:
    """What a script asks for, line by line: each is done when the next is taken, or when the block ends.

    Raises:
        AssertionError: the script found something wrong.
    """
    command = ["node", str(UI / "e2e" / f"{name}.mjs"), *arguments]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield _asked(process.stdin, process.stdout)
            process.communicate("done\n", timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0


def _asked(answers: IO[str], questions: IO[str]) -> Iterator[str]:
    for line in questions:
        yield line.strip()
        print("done", file=answers, flush=True)
