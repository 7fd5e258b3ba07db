"""The documentation of several releases."""

import json
import subprocess
from pathlib import Path

import pytest

from release.docs import publish, releases

CONFIGURATION = "site_name: Tiny\nuse_directory_urls: false\ntheme: {name: material, font: false}\nplugins: []\n"


def git(repository: Path, *command: str) -> None:
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", *who, *command], cwd=repository, check=True, capture_output=True)


def tag(repository: Path, name: str, text: str) -> None:
    (repository / "docs" / "index.md").write_text(f"# Tiny\n\n{text}\n", "utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", name)
    git(repository, "tag", name)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    (path / "docs").mkdir(parents=True)
    (path / "mkdocs.yml").write_text(CONFIGURATION, "utf-8")
    git(path, "init", "--quiet")
    return path


def test_releases_are_in_the_order_of_their_numbers_without_candidates(repository: Path) -> None:
    for name in ("v0.9.0", "v0.10.0", "v1.0.0rc1", "other"):
        tag(repository, name, name)
    assert releases(repository) == ["0.10.0", "0.9.0"]


def test_without_a_release_nothing_is_built(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tag one first"):
        publish(repository, tmp_path / "sites")
    assert not (tmp_path / "sites").exists()


@pytest.mark.slow
def test_a_newer_release_is_put_beside_the_older_one_which_stays_as_it_was(repository: Path, tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    tag(repository, "v0.9.0", "What the old one says.")
    publish(repository, sites)
    assert "What the old one says." in (sites / "latest" / "index.html").read_text("utf-8")
    old = sites / "0.9.0" / "index.html"
    old.write_text(kept := old.read_text("utf-8") + "<!-- as its readers know it -->", "utf-8")

    tag(repository, "v0.10.0", "What the new one says.")
    assert publish(repository, sites) == ["0.10.0", "0.9.0"]

    assert old.read_text("utf-8") == kept
    new = (sites / "0.10.0" / "index.html").read_text("utf-8")
    assert "What the new one says." in new
    assert (sites / "latest" / "index.html").read_text("utf-8") == new
    assert "url=latest/index.html" in (sites / "index.html").read_text("utf-8")
    # What the theme's selector reads, and what makes it and the warning appear.
    assert json.loads((sites / "versions.json").read_text("utf-8")) == [
        {"version": "0.10.0", "title": "0.10.0", "aliases": ["latest"]},
        {"version": "0.9.0", "title": "0.9.0", "aliases": []},
    ]
    assert '"provider": "mike"' in kept
    assert 'href="./../latest/index.html"' in kept
    assert {path.name for path in sites.iterdir()} == {"0.9.0", "0.10.0", "latest", "versions.json", "index.html"}
