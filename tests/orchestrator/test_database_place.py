"""What becomes of a database's file, and whether it is where locks hold."""

from pathlib import Path

import pytest

from perdure._store.sql import database_place


@pytest.mark.parametrize(
    ("at", "kind"), [("shared", "nfs4"), ("shared/a/b", "nfs4"), ("local disk", None), ("shared/on/top", None)]
)
def test_the_innermost_mount_says_whether_a_file_is_on_a_network(
    at: str, kind: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda / ext4 rw 0 0\nnas:/x {tmp_path}/shared nfs4 rw 0 0\n"
        f"/dev/sdb {tmp_path}/local\\040disk xfs rw 0 0\n/dev/sdc {tmp_path}/shared/on/top xfs rw 0 0\n"
    )
    monkeypatch.setattr(database_place, "_MOUNTS", mounts)
    assert database_place.network_file_system(tmp_path / at / "perdure.db") == kind


def test_where_nothing_says_what_is_mounted_no_file_counts_as_on_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_place, "_MOUNTS", tmp_path / "none")
    assert database_place.network_file_system(tmp_path) is None
