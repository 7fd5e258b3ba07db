"""The design document speaks of modules that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs/design.md").read_text("utf-8")
PACKAGE = ROOT / "src/perdure"


def test_the_files_of_the_walks_are_there() -> None:
    named = set(re.findall(r"`(_\w+/[\w/]+\.py)`", DESIGN))
    assert len(named) > 40
    assert sorted(name for name in named if not (PACKAGE / name).is_file()) == []


def test_the_modules_it_names_are_there() -> None:
    named = set(re.findall(r"`(_\w+(?:\.\w+)+)`", DESIGN))
    assert len(named) > 30
    assert sorted(name for name in named if not _leads_to_a_module(name)) == []


def test_the_hard_modules_explain_their_ideas() -> None:
    table = DESIGN.partition("## Where an idea is explained")[2].partition("\n## ")[0]
    modules = re.findall(r"\| `(\S+\.py)` \|", table)
    assert len(modules) >= 10
    for module in modules:
        text = (PACKAGE / module).read_text("utf-8")
        assert "The problem:" in text, module
        assert "What always holds:" in text, module


def _leads_to_a_module(dotted: str) -> bool:
    """Whether a dotted name is a module or a folder, or something that one has by that name."""
    place = PACKAGE
    for part in dotted.split("."):
        if place.is_dir():
            place = place / part if (place / part).is_dir() else place / f"{part}.py"
        elif not place.is_file() or not re.search(rf"\b{part}\b", place.read_text("utf-8")):
            return False
    return place.exists()
