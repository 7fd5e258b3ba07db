"""How many runs of a queue workers of Prefect 3 begin in a second: `python -m bench.dispatch_prefect RUNS`."""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.environments import python_of
from bench.peers import PEERS
from bench.server import HERE, _free_port, _wait_until_healthy

POOL = "dispatch"
WORKERS, LIMIT = 8, 4
SCRIPT = HERE / "scripts" / "unattended" / "prefect3" / "nothing.py"
_SECONDS = 240.0  # for runs to be begun: those that are not by then do not count
_BEGUN = "SELECT 86400.0 * julianday(start_time) FROM flow_run WHERE start_time IS NOT NULL ORDER BY 1"


def begun_by_prefect(runs: int, workers: int, home: Path) -> float:
    """Runs that are begun in a second, by processes of workers that take them from a server on SQLite."""
    (peer,) = (each for each in PEERS if each.name == "prefect3")
    python, port = python_of(peer), _free_port()
    address = f"http://127.0.0.1:{port}/api"
    variables = {
        **os.environ,
        **peer.environment,
        "HOME": str(home),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": address,
    }
    variables |= {"PREFECT_WORKER_QUERY_SECONDS": "1"}

    def command(*arguments: str) -> list[str]:
        return [str(python), "-c", "from prefect.cli import app; app()", *arguments]

    with (home / "said").open("w") as said:
        quiet = {"env": variables, "cwd": home, "stdout": said, "stderr": said}
        started = [subprocess.Popen(command("server", "start", "--port", str(port)), **quiet)]  # type: ignore[call-overload]
        try:
            _wait_until_healthy(f"{address}/health", started[0])
            subprocess.run(command("work-pool", "create", POOL, "--type", "process"), check=True, **quiet)  # type: ignore[call-overload]
            subprocess.run([str(python), str(SCRIPT), POOL, str(runs)], check=True, **quiet)  # type: ignore[call-overload]
            worker = command("worker", "start", "--pool", POOL, "--type", "process", "--limit", str(LIMIT))
            started += [subprocess.Popen(worker, **quiet) for _ in range(workers)]  # type: ignore[call-overload]
            until, begun = time.monotonic() + _SECONDS, list[float]()
            with closing(sqlite3.connect(f"file:{home / 'prefect.db'}?mode=ro", uri=True)) as connection:
                while len(begun) < runs and time.monotonic() < until:
                    time.sleep(0.5)
                    begun = [each for (each,) in connection.execute(_BEGUN)]
        finally:
            for each in reversed(started):
                each.terminate()
            for each in started:
                try:
                    each.wait(30)
                except subprocess.TimeoutExpired:
                    each.kill()
    return (len(begun) - 1) / (begun[-1] - begun[0])


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.dispatch_prefect", description=__doc__.partition(":")[0])
    parser.add_argument("runs", type=int)
    parser.add_argument("--workers", type=int, default=WORKERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp"), ignore_cleanup_errors=True) as home:
        begun = begun_by_prefect(options.runs, options.workers, Path(home))
    print(f"Prefect 3: {begun:.2f} runs begun a second, load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
