"""`python -m bench.driver_memory [--only array-dask,array-ray,map-processes] [--calls 1000000]`: how much the memory
of the flow's process grows, where tasks hand large arrays to each other, and where a map has very many calls.

An array of 1 GiB is made on one worker and reduced on another, in turns with the bare engine: medians of 5. A map is
of calls that do nothing, whose runs are then counted in the database. Prints lines of two tables.
"""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.process import ProcessError, run
from bench.scale import CALLS, ENVIRONMENT, disk

TIMES = 5
MIB = 1024
GROWN_BY_ARRAY, TIMES_BARE, GROWN_BY_MAP = 32, 1.3, 250  # at most
_HOURS = 3600.0  # seconds for a map
_TITLES = {"dask": "DaskTaskRunner", "ray": "RayTaskRunner", "processes": "ProcessTaskRunner"}


def array(engine: str, home: Path) -> str:
    """A line about arrays."""
    script = CALLS.with_name("large_array.py")
    ended = run([sys.executable, script, engine, str(MIB), str(TIMES)], home, ENVIRONMENT)
    found: Mapping[str, Sequence[Mapping[str, float]]] = json.loads(ended.printed.strip().splitlines()[-1])
    walls, cpus = ({key: median(each[of] for each in found[key]) for key in found} for of in ("wall", "cpu"))
    spread = sorted(each["wall"] for each in found["tracked"])
    cells = [
        _TITLES[engine],
        f"{walls['tracked']:.2f} ({cpus['tracked']:.2f})",
        f"{spread[0]:.2f} to {spread[-1]:.2f}",
        f"{walls['bare']:.2f} ({cpus['bare']:.2f})",
        f"{walls['tracked'] / walls['bare']:.2f}",
        f"at most {TIMES_BARE}",
        f"{max(each['grown'] for each in found['tracked']):.1f}",
        f"at most {GROWN_BY_ARRAY}",
    ]
    return f"| {' | '.join(cells)} |"


def million(engine: str, home: Path, calls: int) -> str:
    """A line about a map."""
    script = CALLS.with_name("million.py")
    ended = run([sys.executable, script, engine, str(calls)], home, ENVIRONMENT, _HOURS)
    found = json.loads(ended.printed.strip().splitlines()[-1])
    cells = [
        f"{_TITLES[engine]}, {calls:,} calls",
        f"{found['wall']:.0f} ({found['cpu']:.0f})",
        f"{found['grown']:.0f}",
        f"at most {GROWN_BY_MAP}",
        "all" if found["right"] else "not all",
        f"{found['completed']:,}",
        f"{found['twice']}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parts = [f"array-{each}" for each in ("dask", "ray")] + [f"map-{each}" for each in _TITLES]
    parser = argparse.ArgumentParser(prog="python -m bench.driver_memory", description="Measure a flow's process.")
    parser.add_argument("--only", default="array-dask,array-ray,map-processes", help=f"some of {','.join(parts)}")
    parser.add_argument("--calls", type=int, default=1_000_000, help="of a map (default 1,000,000)")
    options = parser.parse_args()
    failed = False
    with disk() as folder:
        for part in options.only.split(","):
            what, _, engine = part.partition("-")
            if part not in parts:
                parser.error(f"there is no {part}; there are {', '.join(parts)}")
            if engine == "ray" and importlib.util.find_spec("ray") is None:
                continue
            home = folder / part
            home.mkdir()
            print(f"{part}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
            try:
                print(array(engine, home) if what == "array" else million(engine, home, options.calls), flush=True)
            except ProcessError as error:
                failed = True
                print(f"{part}: {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
