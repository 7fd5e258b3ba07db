"""Writes the golden forms of Perdure's own values that are not there yet; what is there is never written again.

    python tests/golden/make_of_ours.py

A value is added to `values_of_ours.py`, and committed with what this writes of it. From then on every version reads it.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE / "perdure_0_1" / "of_ours.json"


def main() -> None:
    sys.path.insert(0, str(HERE))
    with tempfile.TemporaryDirectory() as home:
        os.environ["PERDURE_HOME"] = home
        from values_of_ours import VALUES

        there = json.loads(TARGET.read_text()) if TARGET.exists() else {}
        for name, value in VALUES.items():
            if name not in there:
                there[name] = _written(value)
                sys.stdout.write(f"{name}: {', '.join(there[name])}\n")
        TARGET.write_text(json.dumps(there, indent=1) + "\n")


def _written(value: Any) -> dict[str, list[str]]:
    """The value in each form that it can take, and what is seen of it once it is read again."""
    from values_of_ours import READERS, WRITERS, Webhook, seen

    found = {}
    for form, write in WRITERS.items():
        if form == "digest" and isinstance(value, type | Webhook):  # code or fields that change
            continue
        try:
            text = write(value)
            found[form] = [text, repr(seen(READERS[form](text)))]
        except Exception as error:
            sys.stdout.write(f"{type(value).__name__} has no {form}: {error!s:.150}\n")
    return found


if __name__ == "__main__":
    main()
