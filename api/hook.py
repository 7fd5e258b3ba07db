"""A hook of MkDocs: pages below `reference/` have what is generated in its place when the site is built."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # MkDocs loads this file by its path

from api.reference import PAGES, filled


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text, filled."""
    return filled(markdown) if page.file.src_uri.startswith(f"{PAGES}/") else markdown
