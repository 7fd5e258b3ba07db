"""Hooks of MkDocs: what is generated is put into pages below `reference/`, and pages that moved lead on."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # MkDocs loads this file by its path

from api.reference import PAGES, filled

MOVED = {"concepts/steering.html": "control.html"}  # from the site's folder; to, from the page's own folder


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text, filled."""
    return filled(markdown) if page.file.src_uri.startswith(f"{PAGES}/") else markdown


def on_post_build(config: Any, **_: Any) -> None:
    """Leave a page that leads to the new one under each former address."""
    for former, now in MOVED.items():
        refresh = f'<meta http-equiv="refresh" content="0; url={now}"><link rel="canonical" href="{now}">'
        head = f'<!doctype html><meta charset="utf-8"><title>Moved</title>{refresh}'
        (Path(config.site_dir) / former).write_text(f'{head}<a href="{now}">It is here now.</a>\n', "utf-8")
