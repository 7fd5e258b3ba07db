"""`python -m bench.figures`: what the benchmarks have measured on this machine, as the page docs/figures.md.

Each benchmark keeps its tables in bench/results; those that have not run there are left out, and the page says so.
"""

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "figures.md"
PARTS = {  # the name of a benchmark's file: what it is about, and the command
    "latest": ("Beside other systems, and beside the machine", "python -m bench"),
    "profile": ("Where the work goes", "python -m bench.profile"),
    "large": ("Large results", "python -m bench.large"),
    "resuming": ("Resuming, caching, digests", "python -m bench.resuming"),
    "server": ("A server", "python -m bench.server"),
    "scale": ("Task runners of other processes", "python -m bench.scale"),
    "unattended": ("Schedules", "python -m bench.unattended"),
    "page": ("The page", "python -m bench.page"),
}
HEAD = """# Figures

What the benchmarks measured on one machine: {cores} cores, Python {python}, {system}. `make bench` measures all of it
on yours, and `make figures` makes this page of that. Where the time goes is said in [Performance](performance.md), and
who is better at what in [Beside other systems](comparison.md).
"""


def page(results: Path) -> str:
    """The page of the tables that are in a folder."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    return "\n".join([HEAD.format(**machine), *_parts(results)])


def _parts(results: Path) -> Iterator[str]:
    missing = []
    for name, (title, command) in PARTS.items():
        kept = results / f"{name}.md"
        if not kept.exists():
            missing.append(f"`{command}`")
            continue
        when = datetime.fromtimestamp(kept.stat().st_mtime, UTC)
        yield f"## {title}\n\n`{command}`, {when:%Y-%m-%d}.\n\n{kept.read_text('utf-8').strip()}\n"
    if missing:
        yield f"Not measured there: {', '.join(missing)}.\n"


if __name__ == "__main__":
    PAGE.write_text(page(RESULTS), "utf-8")
    print(f"The figures are in {PAGE}")
