"""`python -m bench [--only perdure,dbos] [--runs 3]`: measure, print the tables, keep them in bench/results/latest.md.

Every figure is the median of whole processes, each in an empty home. Milliseconds a task are taken inside the
process, after one call of warm-up, and leave start-up out. Peers' runs take turns, so that noise meets all alike.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench import table
from bench.environments import python_of
from bench.peers import PEERS, Peer
from bench.process import Ended, ProcessError, run

HERE = Path(__file__).parent
LIMITS_COUNT = 5000
COUNT_DISTRIBUTIONS = """
from importlib.metadata import distributions
print(len({each.name.lower() for each in distributions()} - {"pip", "setuptools"}))
"""


class Bench:
    """Figures and failures, gathered run by run."""

    def __init__(self, homes: Path) -> None:
        # All are removed at the end: ext4 makes new files several times slower where many were just deleted.
        self._homes = homes
        self.figures: dict[str, dict[str, list[float]]] = {}
        self.limits: dict[str, list[float]] = defaultdict(list)
        self.failures: list[str] = []
        self._pythons: dict[str, Path] = {}

    def install(self, peer: Peer) -> None:
        try:
            self._pythons[peer.name] = python_of(peer)
        except subprocess.CalledProcessError as error:
            self._fail(peer, "install", error.stderr.strip().splitlines()[-1:] or error)
        else:
            self.figures[peer.name] = defaultdict(list)

    def measure(self, peer: Peer) -> None:
        """One run of everything that is measured repeatedly."""
        if peer.name not in self._pythons:
            return
        self._start(peer)
        for group in peer.groups:
            home = self._new_home()
            if self._tasks(peer, home, peer.calls, group) and "seq" in group:
                # Each workload has one call more than it is asked for: the warm-up's.
                self._count_tracked(peer, home, (peer.calls + 1) * len(group))

    def measure_once(self, peer: Peer) -> None:
        """The workloads of many tasks."""
        if peer.name not in self._pythons:
            return
        for key, calls in peer.alone.items():
            home = self._new_home()
            ended = self._tasks(peer, home, calls, (key.split()[0],), key)
            if ended and key.startswith("seq"):
                self._count_tracked(peer, home, calls + 1)
            if ended and key not in ("memory", "cores"):
                self._keep(peer, f"{key} process", ended.seconds / calls * 1000)
                self._keep(peer, f"{key} MiB", ended.peak_mib)

    def measure_limits(self) -> None:
        ended = run([sys.executable, HERE / "limits.py", str(LIMITS_COUNT)], self._new_home(), {})
        for name, figure in json.loads(ended.printed).items():
            self.limits[name].append(figure)

    def _start(self, peer: Peer) -> None:
        if started := self._run(peer, "import", "-c", f"import {peer.module}"):
            self._keep(peer, "import", started.seconds)
        if peer.help and (helped := self._run(peer, "help", *peer.help)):
            self._keep(peer, "help", helped.seconds)
        if said := self._run(peer, "hello", peer.scripts / "hello.py"):
            self._keep(peer, "hello", said.seconds)
            self._keep(peer, "hello MiB", said.peak_mib)
        kept = peer.scripts / "kept.py"
        home = self._new_home()
        is_kept = kept.exists() and self._run(peer, "keep a value", kept, "keep", home=home)
        if is_kept and (read := self._run(peer, "first result", kept, home=home)):
            self._keep(peer, "first result", read.seconds)
        if counted := self._run(peer, "distributions", "-c", COUNT_DISTRIBUTIONS):
            # What is run from its source is not installed.
            self._keep(peer, "distributions", int(counted.printed) + (peer.source is not None))

    def _tasks(self, peer: Peer, home: Path, calls: int, workloads: tuple[str, ...], key: str = "") -> Ended | None:
        what = key or ", ".join(workloads)
        ended = self._run(peer, what, peer.scripts / "tasks.py", str(calls), *workloads, home=home)
        if ended:
            for workload, figure in json.loads(ended.printed.strip().splitlines()[-1]).items():
                self._keep(peer, key or workload, figure)
        return ended

    def _count_tracked(self, peer: Peer, home: Path, called: int) -> None:
        if not peer.tracked:
            return
        try:
            with closing(sqlite3.connect(home / peer.tracked.database)) as connection:
                finished = connection.execute(peer.tracked.query).fetchone()[0]
        except sqlite3.Error as error:
            self._fail(peer, f"{peer.tracked.query} in {peer.tracked.database}", error)
        else:
            self._keep(peer, "tracked", finished / called)

    def _run(self, peer: Peer, what: str, *arguments: str | Path, home: Path | None = None) -> Ended | None:
        print(f"{peer.name}: {what}", file=sys.stderr, flush=True)
        path = [str(each) for each in (peer.source, HERE / "scripts" / "common") if each]
        environment = {**peer.environment, "PYTHONPATH": os.pathsep.join(path)}
        try:
            return run([self._pythons[peer.name], *arguments], home or self._new_home(), environment)
        except ProcessError as error:
            self._fail(peer, what, error)
            return None

    def _new_home(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._homes))

    def _keep(self, peer: Peer, key: str, figure: float) -> None:
        self.figures[peer.name][key].append(figure)

    def _fail(self, peer: Peer, what: str, why: object) -> None:
        failure = f"{peer.name}: {what} failed: {why}"
        print(failure, file=sys.stderr, flush=True)
        if failure not in self.failures:
            self.failures.append(failure)

    def report(self) -> str:
        """All tables, as Markdown."""
        parts = [
            f"Python {platform.python_version()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. "
            "Medians; in brackets, how many times the first column's figure.",
            table.comparison(self.figures),
            table.limits(self.limits, self.figures.get("perdure", {})),
            table.targets(self.figures, self.limits),
        ]
        if self.failures:
            parts.append("\n".join(["Failed:", "", *[f"- {failure}" for failure in self.failures]]))
        return "\n\n".join(parts) + "\n"


def main() -> int:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Time Perdure beside its peers.")
    parser.add_argument("--only", default=",".join(names), help=f"some of {','.join(names)}")
    parser.add_argument("--runs", type=int, default=3, help="whole-process runs of each workload (default 3)")
    options = parser.parse_args()
    only = options.only.split(",")
    if unknown := set(only) - set(names):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [peer for peer in PEERS if peer.name in only]
    with tempfile.TemporaryDirectory() as homes:
        bench = Bench(Path(homes))
        for peer in chosen:
            bench.install(peer)
        for _ in range(options.runs):
            bench.measure_limits()
            for peer in chosen:
                bench.measure(peer)
        for peer in chosen:
            bench.measure_once(peer)
    report = bench.report()
    print(report)
    results = HERE / "results" / "latest.md"
    results.parent.mkdir(exist_ok=True)
    results.write_text(report, "utf-8")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
