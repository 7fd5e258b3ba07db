"""The pictures of the documentation, from a real run of examples/flights.py: `python -m tests.ui.pictures [FOLDER]`.

They are made by hand, when the page has changed, and committed: their bytes are not the same twice.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.ui.browsing import home_served, script

ROOT = Path(__file__).parents[2]
HOME = ROOT / "examples" / "output" / "home"


def main() -> None:
    """Run the example, and picture the graph of its first run in both themes."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images")
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, ROOT / "examples" / "flights.py"], check=True, stdout=subprocess.DEVNULL)
    with home_served(HOME) as address, tempfile.TemporaryDirectory() as folder:
        print(script("screenshots", address, folder, f"/flow-runs/{_first_run()}?view=graph"))
        for theme in ("light", "dark"):
            (picture,) = Path(folder).glob(f"*-wide-{theme}.png")
            Image.open(picture).convert("RGB").save(target / f"run-{theme}.webp", quality=80, method=6)


def _first_run() -> str:
    from perdure import session, settings
    from perdure.records import RunFilter

    with settings.temporary_settings(home=HOME, database=HOME / "perdure.db"):
        found = session.current().orchestrator.flow_runs(RunFilter(of="flights-2013", oldest_first=True, limit=1))
        session.close()
    return found[0].id


if __name__ == "__main__":
    main()
