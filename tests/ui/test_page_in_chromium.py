"""The built page in Chromium, over real servers with real databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui import filled, hostile
from tests.ui.browsing import home_served, script

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("filled")
    filled.fill(home, days=0.5)
    with home_served(home) as served:
        yield served


def test_every_page_is_accessible_in_both_themes(address: str) -> None:
    script("axe", address)


def test_hostile_text_does_nothing_on_any_page(tmp_path: Path) -> None:
    assert len(hostile.PAYLOADS) >= 50
    hostile.fill(tmp_path)
    with home_served(tmp_path) as served:
        script("walls", served)
