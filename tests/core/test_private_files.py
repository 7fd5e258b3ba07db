"""What Perdure keeps is its user's alone, whatever the umask says."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perdure._platform.files import locked, make_private, touch_private
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing._sample_records import flow_run

PROGRAM = """
import os, sys
os.umask(int(sys.argv[1], 8))
from pydantic import SecretStr
from perdure import flow
from perdure.filesystems import S3
S3(bucket_path="b", access_key_id="a", secret_access_key=SecretStr("sesame")).save("dev")
@flow(persist_result=True)
def kept():
    return list(range(1000))
kept()
"""


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("umask", ["000", "022", "277"])
def test_a_home_and_what_is_secret_in_it_is_its_users_alone(tmp_path: Path, umask: str) -> None:
    home = tmp_path / "above" / "home"
    subprocess.run([sys.executable, "-c", PROGRAM, umask], env={**os.environ, "PERDURE_HOME": str(home)}, check=True)
    assert stat.S_IMODE(home.stat().st_mode) == stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    files = {name: mode for name, mode in modes(home).items() if not name.startswith("storage")}
    assert {"perdure.db", "secrets.key", "secrets.lock"} <= files.keys()
    assert not any(mode & 0o177 for mode in files.values())


@pytest.mark.parametrize("umask", [0, 0o022, 0o277])
def test_databases_their_logs_backups_and_locks_are_their_users_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        known = EmbeddedOrchestrator(tmp_path / "deep" / "er" / "perdure.db")
        known.commit([flow_run()])
        made = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep" / "er").iterdir()}
        assert set(made.values()) == {0o600}
        assert {".db", ".db-wal", ".db-shm"} <= made.keys()
        known.close()
        with locked(tmp_path / "lock"):
            touch_private(tmp_path / "file")
    finally:
        os.umask(before)
    assert modes(tmp_path)["lock"] == modes(tmp_path)["file"] == 0o600
    assert modes(tmp_path)["deep"] == modes(tmp_path)["deep/er"] == 0o700


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
