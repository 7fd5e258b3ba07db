"""The page on settings lists what there is."""

from pathlib import Path

from perdure.settings import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "settings.md"


def test_the_page_lists_every_setting_with_its_description():
    text = PAGE.read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `PERDURE_")]
    listed = {row[0].strip("`"): row[-1] for row in rows}
    assert listed == {each.variable: each.description for each in SETTINGS.values()}
