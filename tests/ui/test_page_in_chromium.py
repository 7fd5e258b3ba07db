"""The built page in Chromium, over real servers with real databases."""

import shutil
from pathlib import Path

import pytest

from tests.ui import filled, hostile
from tests.ui.browsing import home_served, script

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled")
    filled.fill(home, days=0.5)
    return home


def test_every_page_is_accessible_in_both_themes(filled_home: Path) -> None:
    with home_served(filled_home) as address:
        script("axe", address)


def test_what_people_do_is_done(filled_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(filled_home, tmp_path / "home")
    with home_served(home, "--run-flows") as address:
        script("journeys", address)


def test_hostile_text_does_nothing_on_any_page(tmp_path: Path) -> None:
    assert len(hostile.PAYLOADS) >= 50
    hostile.fill(tmp_path)
    with home_served(tmp_path) as address:
        script("walls", address)
