"""One exchange of documents between Perdure and a real Prefect 2."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from environment import prefect_python

HERE = Path(__file__).parent


class Exchange(NamedTuple):
    """What each side wrote, and what Prefect made of Perdure's documents: the empty text where all is well."""

    perdure: Path
    prefect: Path
    flow: Path  # where a Prefect flow had its results
    outcomes: dict[str, str]


def exchanged(place: Path) -> Exchange:
    """The exchange in a directory; it takes place if it has not yet."""
    kept = place / "outcomes.json"
    exchange = Exchange(place / "perdure", place / "prefect", place / "flow", {})
    if not kept.exists():
        for folder in (exchange.perdure, exchange.prefect, exchange.flow):
            folder.mkdir(parents=True)
        _run(sys.executable, place, "perdure_side.py", exchange.perdure)
        printed = _run(prefect_python(), place, "prefect_side.py", exchange.perdure, exchange.prefect, exchange.flow)
        kept.write_text(printed.splitlines()[-1])
    return exchange._replace(outcomes=json.loads(kept.read_text()))


def _run(python: str | Path, place: Path, script: str, *arguments: Path) -> str:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PERDURE_", "PREFECT_"))}
    environment = others | {
        "HOME": str(place / "home"),
        "PERDURE_HOME": str(place / "home" / "perdure"),
        "PREFECT_HOME": str(place / "home" / "prefect"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
    }
    command = [python, HERE / script, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{script}\n{ended.stdout}{ended.stderr}"
    return ended.stdout
