"""Every example of the README and of the documentation does what its page says."""

from pathlib import Path
from typing import Any

import pytest
from stories import Story, run, stories

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "docs/concepts/notebooks.md"  # whose examples are run as cells: see test_notebooks.py
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page != NOTEBOOKS)]
EXAMPLES = [story for page in PAGES for story in stories(page, ROOT)]


def example(story: Story) -> Any:
    """A story; commands take long, since each is a process of its own, and so does importing scikit-learn."""
    is_slow = any(block.language == "console" or "sklearn" in block.code for block in story.blocks)
    return pytest.param(story, id=story.name, marks=[pytest.mark.slow] if is_slow else [])


def needs_greenlets(story: Story) -> bool:
    return any("gevent" in block.code for block in story.blocks)


@pytest.mark.parametrize("story", [example(story) for story in EXAMPLES])
def test_an_example_does_what_its_page_says(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if needs_greenlets(story):
        pytest.importorskip("gevent", reason="gevent has no wheel for this Python")
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    run(story, directory)
