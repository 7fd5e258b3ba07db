"""The API's description for people."""

import re

import httpx
import pytest

from perdure.testing.server import serving


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[httpx.Response, dict[str, dict[str, object]]]:
    with serving(str(tmp_path_factory.mktemp("server") / "perdure.db")) as address:
        return httpx.get(f"{address}/api/docs"), httpx.get(f"{address}/api/openapi.json").json()["paths"]


@pytest.mark.slow
def test_the_page_names_every_operation(page: tuple[httpx.Response, dict[str, dict[str, object]]]) -> None:
    answer, paths = page
    assert answer.status_code == 200
    listed = set(re.findall(r"<h2><code>(\w+) (\S+)</code></h2>", answer.text))
    assert listed == {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_page_asks_for_nothing_from_elsewhere(page: tuple[httpx.Response, dict[str, dict[str, object]]]) -> None:
    answer, _ = page
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", answer.text) == ["/api/openapi.json"]
    assert "<script" not in answer.text
