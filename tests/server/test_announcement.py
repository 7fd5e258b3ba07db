"""What a server says of itself as it begins."""

from pathlib import Path

import pytest

from tests.server.running import running

pytestmark = pytest.mark.slow


def test_a_server_says_that_its_database_was_made_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        with running(str(tmp_path / "perdure.db")):
            pass
        said.append(capsys.readouterr().out)
    assert [f"{tmp_path / 'perdure.db'}, which is new" in each for each in said] == [True, False]
