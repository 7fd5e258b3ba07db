"""Every example of the README and of the documentation does what its page says."""

from pathlib import Path

import pytest
from stories import Story, run, stories

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [story for page in PAGES for story in stories(page, ROOT)]


@pytest.mark.parametrize("story", EXAMPLES, ids=[story.name for story in EXAMPLES])
def test_an_example_does_what_its_page_says(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    run(story, directory)
