"""What tells the code of one project from another's: the same in every checkout, different for unrelated folders."""

from pathlib import Path

import pytest

from perdure._platform.projects import folder, project_of, whole


def made(directory: Path, **files: str) -> Path:
    """A module in a directory, with other files above it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        directory.joinpath(name.replace("_toml", ".toml")).write_text(text)
    module = directory / "etl.py"
    module.touch()
    return module


def cloned(root: Path, address: str) -> None:
    """A git repository, as far as it matters."""
    root.joinpath(".git").mkdir(parents=True)
    root.joinpath(".git", "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {address}\n')


def of(module: Path) -> str:
    return project_of(str(module), 0)


def test_a_folder_without_more_is_known_by_itself(tmp_path: Path) -> None:
    one, other = (made(tmp_path / name / "jobs") for name in "ab")
    assert of(one) == one.parent.as_posix()
    assert of(one) != of(other)


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "Sales_Reports"\n',
        "[build-system]\nrequires = []\n\n[project] # it\nversion = '1'\nname='sales.reports'\n[tool.x]\nname = 'x'\n",
        '[tool.poetry]\nname = "sales-reports"\n',
    ],
)
def test_a_declared_name_is_the_same_in_every_checkout(tmp_path: Path, text: str) -> None:
    one, other = (made(tmp_path / name / "checkout", pyproject_toml=text) for name in "ab")
    assert of(one) == of(other) == "sales-reports"


def test_folders_inside_a_project_are_distinguished(tmp_path: Path) -> None:
    made(tmp_path, pyproject_toml='[project]\nname = "shop"\n')
    one, other = made(tmp_path / "jobs" / "daily"), made(tmp_path / "reports")
    assert (of(one), of(other)) == ("shop//jobs/daily", "shop//reports")
    assert (whole(of(one)), folder(of(one))) == ("shop", "jobs/daily")


def test_packages_count_from_where_they_are_imported(tmp_path: Path) -> None:
    made(tmp_path, pyproject_toml='[project]\nname = "shop"\n')
    module = made(tmp_path / "src" / "shop" / "orders")
    assert project_of(str(module), 2) == "shop//src"
    assert project_of(str(module.parent / "__init__.py"), 1) == "shop//src"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/team/shop.git",
        "https://user:password@example.org/team/shop",
        "git@example.org:team/shop.git",
        "ssh://git@example.org:22/team/shop/",
    ],
)
def test_a_clone_is_known_by_where_it_comes_from(tmp_path: Path, address: str) -> None:
    cloned(tmp_path, address)
    assert of(made(tmp_path / "jobs")) == "example.org/team/shop//jobs"


def test_a_worktree_is_the_same_project_as_its_repository(tmp_path: Path) -> None:
    cloned(tmp_path / "shop", "git@example.org:team/shop.git")
    place = tmp_path / "shop" / ".git" / "worktrees" / "fix"
    place.mkdir(parents=True)
    place.joinpath("commondir").write_text("../..\n")
    module = made(tmp_path / "fix")
    module.with_name(".git").write_text(f"gitdir: {place}\n")
    assert of(module) == "example.org/team/shop"


def test_a_repository_that_was_cloned_from_nowhere_ends_the_search(tmp_path: Path) -> None:
    made(tmp_path, pyproject_toml='[project]\nname = "outer"\n')
    module = made(tmp_path / "inner")
    tmp_path.joinpath("inner", ".git").mkdir()
    assert of(module) == module.parent.as_posix()


def test_what_is_installed_is_known_by_its_modules_alone(tmp_path: Path) -> None:
    assert of(made(tmp_path / "lib" / "site-packages")) == ""
    assert project_of(pytest.__file__, 1) == ""
