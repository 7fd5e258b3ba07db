"""The documentation's site."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a browser loads with a page: the site works without a network.
LOADED = re.compile(
    r'<(?:script|img|source|iframe)[^>]+src="(https?:[^"]+)"|<link[^>]+stylesheet[^>]+href="(https?:[^"]+)"'
)


@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute of processor time
def test_the_site_builds_without_a_warning_a_dead_link_or_a_request_to_others(tmp_path: Path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", site]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "wait_for_input" in (site / "search" / "search_index.json").read_text()
    (moved_to,) = re.findall(r'href="([^"]+)">It is here', (site / "concepts" / "steering.html").read_text())
    assert (site / "concepts" / moved_to).exists()
    assert {page.name: found for page in site.rglob("*.html") if (found := LOADED.findall(page.read_text()))} == {}


DECISIONS = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))


def test_each_decision_is_in_the_navigation_in_order():
    listed = re.findall(r"^ +- decisions/(\d.*\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert listed == DECISIONS


def test_each_decision_is_in_the_index_in_order():
    index = (ROOT / "docs/decisions/index.md").read_text()
    listed = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| .+ \|$", index, re.MULTILINE)
    assert listed == [(str(int(name[:4])), name) for name in DECISIONS]


def test_each_decision_has_its_number_in_its_title():
    titles = {name: (ROOT / "docs/decisions" / name).read_text().partition("\n")[0] for name in DECISIONS}
    assert [name for name, title in titles.items() if not title.startswith(f"# {int(name[:4])}. ")] == []


PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)#:]+\.md)(?:#[\w-]*)?\)")


def test_each_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(set(PAGES) - set(re.findall(r"\S+\.md", navigation))) == []


def test_each_page_is_reached_from_the_index_by_links():
    reached, waiting = set(), ["index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        folder = (ROOT / "docs" / page).parent
        linked = ((folder / link).resolve() for link in LINK.findall((ROOT / "docs" / page).read_text("utf-8")))
        names = (path.relative_to(ROOT / "docs").as_posix() for path in linked if path.is_relative_to(ROOT / "docs"))
        waiting += [name for name in names if name not in reached]
    assert sorted(set(PAGES) - reached) == []


@pytest.mark.parametrize("page", ["README.md", "examples/README.md", "ui/README.md", "CHANGELOG.md"])
def test_each_link_of_a_page_outside_the_site_leads_to_a_file(page: str):
    text = (ROOT / page).read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)|(?:src|srcset)=\"([^\":]+)\"", text)
    missing = [link for found in links for link in found if link and not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []
