"""A repository of git with a flow, for tests of code that comes from one."""

import os
import subprocess
from pathlib import Path

PROGRAM = """\
from perdure import flow
from pathlib import Path

@flow(persist_result=True)
def greeting(x: int = 1) -> str:
    return "{content} " + Path(__file__).with_name("data").read_text()
"""


def git(folder: Path, *arguments: str) -> str:
    made = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **made}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, content: str) -> str:
    (folder / "jobs").mkdir(exist_ok=True)
    (folder / "jobs" / "flows_of_source.py").write_text(PROGRAM.replace("{content}", content))
    (folder / "jobs" / "data").write_text("data")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", content)
    return git(folder, "rev-parse", "HEAD")
