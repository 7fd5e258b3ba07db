"""Who is measured, and how each is set up."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_HERE = Path(__file__).parent
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


class Tracked(NamedTuple):
    """Where a peer's database lies in its home, and the query that counts the finished tasks in it."""

    database: str
    query: str


class Peer(NamedTuple):
    """A system that is measured, in a virtual environment and with a home of its own."""

    name: str
    requirements: Path
    module: str
    scripts: Path
    calls: int  # in each workload
    groups: tuple[tuple[str, ...], ...]  # workloads that share a process, since some peers take long to start
    help: tuple[str, ...]  # the command, after the environment's `python`
    source: Path | None = None  # where its package is, when the environment has only what it needs
    environment: Mapping[str, str] = {}
    tracked: Tracked | None = None
    alone: Mapping[str, int] = {}  # workloads with their own number of calls, in a process each, run once


def _program(module: str, function: str) -> tuple[str, ...]:
    return ("-c", f"import sys; from {module} import {function}; sys.argv[0] = 'x'; {function}()", "--help")


def _prefect(version: int, calls: int) -> Peer:
    return Peer(
        name=f"prefect{version}",
        requirements=_HERE / "peers" / f"prefect{version}.txt",
        module="prefect",
        scripts=_HERE / "scripts" / "prefect",
        calls=calls,
        # Version 3 writes behind: what follows in the same process would give it time to catch up with `seq`.
        groups=(("seq",), ("submit", "persist", "cache hit")),
        help=_program("prefect.cli", "app"),
        environment=_QUIET | {"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true"},
        tracked=Tracked(".prefect/prefect.db", "SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'"),
    )


PEERS = (
    Peer(
        name="perdure",
        requirements=ROOT / "requirements" / "base.txt",
        module="perdure",
        scripts=_HERE / "scripts" / "perdure",
        calls=1000,
        groups=(("seq",), ("submit",), ("persist",), ("inline",), ("cache hit",)),
        help=_program("perdure.cli", "main"),
        source=ROOT / "src",
        tracked=Tracked(".perdure/perdure.db", "SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'"),
        alone={"seq 100k": 100_000, "memory": 100_000, "cores": 100, "map 1M": 1_000_000},
    ),
    _prefect(2, calls=40),
    _prefect(3, calls=250),
    Peer(
        name="dbos",
        requirements=_HERE / "peers" / "dbos.txt",
        module="dbos",
        scripts=_HERE / "scripts" / "dbos",
        calls=500,
        groups=(("seq",), ("submit",), ("cache hit",)),
        help=_program("dbos.cli.cli", "app"),
        tracked=Tracked("dbos.db", "SELECT count(*) FROM operation_outputs WHERE error IS NULL"),
    ),
    Peer(
        name="dagster",
        requirements=_HERE / "peers" / "dagster.txt",
        module="dagster",
        scripts=_HERE / "scripts" / "dagster",
        calls=100,
        groups=(("seq",),),
        help=_program("dagster._cli", "main"),
        environment={"DAGSTER_DISABLE_TELEMETRY": "yes"},
    ),
    Peer(
        name="joblib",
        requirements=_HERE / "peers" / "joblib.txt",
        module="joblib",
        scripts=_HERE / "scripts" / "joblib",
        calls=1000,
        groups=(("persist",), ("cache hit",)),
        help=(),
    ),
)
