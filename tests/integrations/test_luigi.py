"""Files as Luigi's tasks leave them."""

from pathlib import Path

import pytest

from perdure.integrations.luigi import LocalTarget


@pytest.fixture
def target(tmp_path: Path) -> LocalTarget:
    return LocalTarget(tmp_path / "folder" / "file.txt")


@pytest.mark.parametrize(("kind", "data"), [("", "tea\u00e4\n"), ("b", b"\xff\n")])
def test_a_file_is_there_when_it_is_closed_and_whole(target: LocalTarget, kind: str, data: str) -> None:
    with target.open(f"w{kind}") as file:
        file.write(data)
        assert not target.exists()
    with target.open(f"r{kind}") as file:
        assert file.read() == data
    file = target.open("w")
    file.write("new")
    file.close()
    file.close()
    assert Path(target).read_text() == "new"


def test_a_block_that_raises_leaves_what_was_there(target: LocalTarget) -> None:
    with target.open("w") as file:
        file.write("before")
    with pytest.raises(TypeError), target.open("w") as file:
        print("half", file=file, end=7)
    assert Path(target).read_text() == "before"
    assert [each.name for each in Path(target.path).parent.iterdir()] == ["file.txt"]


def test_a_file_that_nobody_closes_is_not_there(target: LocalTarget) -> None:
    target.open("w").write("half")
    assert not target.exists()
    assert list(Path(target.path).parent.iterdir()) == []


def test_what_is_written_to_a_temporary_path_gets_the_name(target: LocalTarget) -> None:
    with target.temporary_path() as path:
        Path(path).write_text("whole")
        assert not target.exists()
    target.copy(f"{target}.copy")
    target.move(f"{target}.moved")
    assert (Path(f"{target}.copy").read_text(), Path(f"{target.fn}.moved").read_text()) == ("whole", "whole")
    assert not target.exists()


def test_other_modes_are_refused(target: LocalTarget) -> None:
    with pytest.raises(ValueError, match="read, 'r' or 'rb', or written whole"):
        target.open("a")
