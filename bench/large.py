"""`python -m bench.large [--runs 5] [--only array,sizes,table,wide,small,many,s3,prune]`: large results beside what
their formats' own libraries take, in one run. Prints a table, and keeps it in bench/results/large.md.

Seconds are medians; those of reading are of fresh processes, where the libraries are imported and the file is in the
system's cache. "synced" waits for the disk: `os.fsync` on their side, PERDURE_RESULTS_DURABILITY=disk on ours.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.process import run
from bench.s3 import running_s3

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts" / "large"


class Duel(NamedTuple):
    """Two ways to the same end, and how many times theirs ours may take."""

    title: str
    theirs: str
    limit: float | None
    unit: str = "s"


DUELS = {
    "array write": Duel("256 MiB array, written and synced", "numpy.save", 1.1),
    "array first": Duel("the same, its first number", 'numpy.load(mmap_mode="c")', 1.1),
    "array all": Duel("the same, all its numbers summed", "numpy.load", 1.0),
    "array verified": Duel("the same, from a copy of the file: digests compared", "numpy.load", None),
    "array memory": Duel("the same, peak memory above the array while writing", "64 MiB allowed", 1.0, "MiB"),
    "array write 1": Duel("1 MiB array, written and synced", "numpy.save", 1.3),
    "array read 1": Duel("the same, all its numbers summed", "numpy.load", 1.1),
    "array write 16": Duel("16 MiB array, written and synced", "numpy.save", 1.3),
    "array read 16": Duel("the same, all its numbers summed", "numpy.load", 1.1),
    "array write 4096": Duel("4 GiB array, written and synced", "numpy.save", 1.3),
    "array read 4096": Duel("the same, all its numbers summed", "numpy.load", 1.1),
    "table write": Duel("1,000,000-row table, written and synced", "pyarrow", 1.3),
    "table read": Duel("the same, read whole", "pyarrow", 1.3),
    "table mapped": Duel("the same", "pyarrow, mapped: looks at no byte", None),
    "wide arrow write": Duel("a table of 100 columns as Arrow, written and synced", "pyarrow", 1.3),
    "wide arrow read": Duel("the same, read whole", "pyarrow", 1.3),
    "wide parquet write": Duel("the same as Parquet, written and synced", "pyarrow", 1.3),
    "wide parquet read": Duel("the same, read whole", "pyarrow", 1.3),
    "many": Duel("100,000 results of 1 KiB to disk", "bare files", None),
    "s3 small": Duel("1 KiB result to S3", "obstore.put", 1.3),
    "s3 write": Duel("256 MiB array to S3", "obstore.put, multipart", 1.2),
    "s3 read": Duel("the same, from S3", "obstore.get", 1.2),
    "s3 write 8": Duel("an array of 8 parts (64 MiB) to S3", "obstore.put, multipart", 1.2),
    "s3 read 8": Duel("the same, from S3", "obstore.get", 1.2),
    "s3 write 64": Duel("an array of 64 parts (512 MiB) to S3", "obstore.put, multipart", 1.2),
    "s3 read 64": Duel("the same, from S3", "obstore.get", 1.2),
    "s3 many": Duel("10,000 mapped calls with results of 1 KiB to S3, 32 threads", "obstore.put, 32 threads", None),
    "preview": Duel("a small persisted result, previews on", "previews off", 1.05),
    "s3 prune": Duel("5,000 small objects in S3, deleted", "one by one, 32 threads", 1.0),
    "prune": Duel("1,000,000 results and their files, pruned in 60 s", "the files unlinked by 32 threads", None),
    "prune memory": Duel("the same, peak memory of the process", "100 MiB allowed", 1.0, "MiB"),
}
SCENARIOS = {
    "array": ("array_write", "array_memory", "array_read"),
    "sizes": ("sizes", "huge"),
    "table": ("table_write", "table_read"),
    "wide": ("wide",),
    "small": ("preview",),
    "many": ("many",),
    "s3": ("s3_small", "s3_large", "s3_parts", "s3_many", "s3_prune"),
    "prune": ("prune",),
}
_ONCE = {"prune", "huge", "many", "s3_many", "s3_parts"}  # these take a minute or more
_MOST_SECONDS = 3_600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__.split(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--runs", type=int, default=5, help="processes of each kind (default 5)")
    options = parser.parse_args()
    chosen = options.only.split(",")
    figures: dict[str, list[tuple[float, float]]] = {}
    with ExitStack() as exits:
        # Not a file system in memory: what is measured waits for the disk.
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp"))))
        environment = {"PYTHONPATH": str(HERE.parent / "src"), "BENCH_DATA": str(folder)}
        if "s3" in chosen:
            environment |= exits.enter_context(running_s3(folder))
        for script in (each for scenario in chosen for each in SCENARIOS[scenario]):
            for _ in range(1 if script in _ONCE else options.runs):
                print(script, file=sys.stderr, flush=True)
                ended = run([sys.executable, SCRIPTS / f"{script}.py"], folder, environment, _MOST_SECONDS)
                for name, (theirs, ours) in json.loads(ended.printed.strip().splitlines()[-1]).items():
                    figures.setdefault(name, []).append((theirs, ours))
    report = table(figures)
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "large.md").write_text(report, "utf-8")
    return 0


def table(figures: dict[str, list[tuple[float, float]]]) -> str:
    """All duels, as Markdown: each with the median of both sides and of their ratios."""
    lines = ["| | beside | theirs | ours | ratio | at most |", "|---|---|--:|--:|--:|--:|"]
    for name, pairs in figures.items():
        duel = DUELS[name]
        theirs, ours = (median(side) for side in zip(*pairs, strict=True))
        ratio = median(our / their for their, our in pairs)
        show: Callable[[float], str] = seconds if duel.unit == "s" else "{:.1f} MiB".format
        limit = "" if duel.limit is None else f"{duel.limit:g}"
        lines.append(f"| {duel.title} | {duel.theirs} | {show(theirs)} | {show(ours)} | {ratio:.2f} | {limit} |")
    return "\n".join(lines) + "\n"


def seconds(figure: float) -> str:
    """A time with three figures that count."""
    return f"{figure:.3g} s" if figure >= 1 else f"{figure * 1_000:.3g} ms"


if __name__ == "__main__":
    sys.exit(main())
