"""Writes the golden home, if it is not there: the database, storage, keys and profiles of runs of `golden_program`.

    python tests/golden/make_home.py

It was written in the directory `/tmp/perdure-golden`; whoever reads it elsewhere has to replace that in the database.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE / "perdure_0_1" / "home.zip"
PLACE = Path("/tmp/perdure-golden")


def main() -> None:
    if TARGET.exists():
        sys.exit(f"{TARGET} is there already, and is never written again")
    shutil.rmtree(PLACE, ignore_errors=True)
    home = PLACE / "home"
    home.mkdir(parents=True)
    shutil.copy(HERE / "golden_program.py", PLACE)
    environment = {
        **os.environ,
        "PERDURE_HOME": str(home),
        "PERDURE_PROJECT": "golden",
        "CALLED": str(PLACE / "called"),
    }
    perdure = [sys.executable, "-m", "perdure"]
    subprocess.run([*perdure, "profile", "create", "golden"], env=environment, check=True)
    subprocess.run([*perdure, "profile", "use", "golden"], env=environment, check=True)
    subprocess.run([*perdure, "config", "set", "task_default_retry_delay_seconds=7"], env=environment, check=False)
    subprocess.run([sys.executable, "golden_program.py", "--crash"], cwd=PLACE, env=environment, check=False)
    connection = sqlite3.connect(home / "perdure.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("VACUUM")
    connection.close()
    shutil.make_archive(str(TARGET.with_suffix("")), "zip", home)


if __name__ == "__main__":
    main()
