"""The same for Prefect 3: `python nothing.py POOL RUNS` deploys the flow, and makes so many runs of it that are due."""

import sys
from pathlib import Path

from prefect import flow
from prefect.deployments import run_deployment


@flow
def nothing() -> None:
    """Does nothing."""


if __name__ == "__main__":
    pool, runs = sys.argv[1], int(sys.argv[2])
    found = flow.from_source(source=str(Path(__file__).parent), entrypoint="nothing.py:nothing")
    found.deploy(name="dispatch", work_pool_name=pool, print_next_steps=False, ignore_warnings=True)
    for _ in range(runs):
        run_deployment("nothing/dispatch", timeout=0)
