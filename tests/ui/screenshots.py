"""Pictures of every page: `python -m tests.ui.screenshots FILLED FOLDER`."""

import sys
from pathlib import Path

from tests.ui import filled
from tests.ui.browsing import home_served, script


def main() -> None:
    """Fill the home unless it is filled, and look at all of it."""
    home, folder = (Path(each).absolute() for each in sys.argv[1:3])
    if not (home / "filled").exists():
        home.mkdir(parents=True, exist_ok=True)
        filled.fill(home)
    with home_served(home) as address:
        print(script("screenshots", address, str(folder)))


if __name__ == "__main__":
    main()
