"""Prefect 2's own tests of what its users write, run against Perdure from a checkout of Prefect, and counted.

    python -m tests.movers.prefect_tests CHECKOUT

The Python that runs it needs Perdure, and what Prefect's tests import: pytest below 9, pytest-asyncio below 0.23,
pytest-timeout, pytest-xdist, pendulum, respx, regex, apprise, orjson, PyYAML, fsspec. Nothing of the checkout is
changed or kept: the tests run in a temporary copy, where texts that name a module or a setting of Prefect's name
Perdure's.

A test counts if it, its fixtures and helpers use only what users of Prefect import (`public`). A failure that
`on_purpose.txt` lists counts as marked there: it is described, with the line to write instead, in
docs/coming-from-prefect.md.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

FILES = (
    *("test_flows.py", "test_tasks.py", "test_states.py", "test_futures.py", "results", "test_serializers.py"),
    *("test_filesystems.py", "runtime", "test_logging.py", "test_log_prints.py", "blocks", "test_variables.py"),
    *("test_artifacts.py", "concurrency", "test_context.py", "test_task_runners.py", "input"),
)
_INI = "[pytest]\nasyncio_mode = auto\ntimeout = 20\nmarkers =\n    service\n    enable_api_log_handler\n    clear_db\n"
_HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run, count, and list the failures that are not on purpose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--notes", type=Path, default=Path(".cache/movers.jsonl"), help="what became of each test")
    parser.add_argument("--only", nargs="*", default=FILES, help="files or folders below tests/")
    parser.add_argument("--count", action="store_true", help="count the notes of a run before, without running")
    parser.add_argument("--workers", type=int, default=2, help="how many processes run them")
    given = parser.parse_args()
    if not given.count:
        given.notes.unlink(missing_ok=True)
        _run(given.checkout, given.notes.resolve(), given.only, given.workers)
    _count(given.notes)


def _run(checkout: Path, notes: Path, only: list[str], workers: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        tests = Path(temporary) / "tests"
        shutil.copytree(checkout / "tests", tests, ignore=shutil.ignore_patterns("conftest.py", "fixtures"))
        for path in tests.rglob("*.py"):
            path.write_text(_renamed(path.read_text()))
        (Path(temporary) / "pytest.ini").write_text(_INI)
        plugin = ["-p", "movers.plugin", "-p", "no:cacheprovider", f"-n{workers}", "--continue-on-collection-errors"]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", *plugin, *(f"tests/{each}" for each in only)],
            cwd=temporary,
            env=os.environ | {"PYTHONPATH": f"{_HERE.parent}:{_HERE.parents[1] / 'src'}", "MOVERS_NOTES": str(notes)},
            check=False,
        )


def _renamed(code: str) -> str:
    """The code with Perdure's names in texts: of loggers, classes and environment variables."""
    code = re.sub(r"(?<=[\"'])PREFECT_", "PERDURE_", re.sub(r"(?<=[\"'])prefect\.", "perdure.", code))
    return re.sub(r"== ([\"'])prefect\1", r"== \1perdure\1", code)


def _marked() -> dict[str, str]:
    """The tests that fail on purpose, by file, class and name, with the reason of each."""
    marked, reason = {}, ""
    for line in (_HERE / "on_purpose.txt").read_text().splitlines():
        if line.startswith("  "):
            marked[line.strip()] = reason
        elif not line.startswith("#"):
            reason = line
    return marked


def _count(path: Path) -> None:
    outcomes: dict[str, str] = {}
    for line in path.read_text().splitlines():
        note = json.loads(line)
        if outcomes.get(note["test"]) != "failed":
            outcomes[note["test"]] = note["outcome"]
    marked = _marked()
    for test, outcome in outcomes.items():
        if outcome == "failed" and test.removeprefix("tests/").partition("[")[0] in marked:
            outcomes[test] = "on purpose"
    failed = sorted(test for test, outcome in outcomes.items() if outcome == "failed")
    counts = Counter(outcomes.values())
    print("\n".join(failed))
    print(dict(counts))
    passed = counts["passed"]
    print(f"{passed} of {passed + len(failed)} that are not on purpose: {passed / max(1, passed + len(failed)):.1%}")


if __name__ == "__main__":
    main()
