import json
from pathlib import Path

import pytest
from command_line import Perdure

from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator

pytestmark = pytest.mark.slow  # the server's modules take half a second to import


def test_a_token_is_made_shown_once_listed_and_revoked(perdure: Perdure, home: Path) -> None:
    made = perdure("token", "create", "--name", "ci", "--scope", "write", "--expires", "90d")
    text = made.stdout.strip()
    orchestrator = EmbeddedOrchestrator(home / "perdure.db")
    found = orchestrator.tokens.find(text, system_clock())
    assert found is not None
    assert found.scope is Scope.WRITE
    listed = perdure("token", "ls").stdout
    assert found.shown in listed
    assert text not in listed
    assert "Revoked 'ci'" in perdure("token", "revoke", "ci").stdout
    assert orchestrator.tokens.find(text, system_clock()) is None
    orchestrator.close()
    assert [each["revoked"] is None for each in json.loads(perdure("token", "ls", "--json").stdout)] == [False]


@pytest.mark.parametrize(
    "command", [("token", "ls"), ("token", "revoke", "ci"), ("database", "copy", "new.db", "--from")]
)
def test_what_reads_a_database_makes_none(
    perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    option = () if "--from" in command else ("--database",)
    refused = perdure(*command, *option, "./nope.db")
    assert refused.exit_code == 1
    assert f"There is no database {tmp_path / 'nope.db'}" in refused.stderr
    assert not list(tmp_path.glob("*.db"))


def test_a_word_is_no_new_database_and_a_path_is_one_that_is_named(
    perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("server", "start"), ("token", "create", "--name", "ci")):
        refused = perdure(*command, "--database", "nope")
        assert refused.exit_code == 1
        assert "There is no database 'nope', and it is no URL" in refused.stderr
    assert not (tmp_path / "nope").exists()
    for said in (f"There was no database {tmp_path / 'nope'}: it was made", ""):
        assert said in perdure("token", "create", "--name", "ci", "--database", "./nope").stderr


def test_a_database_without_tokens_says_how_to_make_one(perdure: Perdure) -> None:
    assert "perdure token create" in perdure("token", "ls").stdout
    refused = perdure("token", "create", "--name", "x", "--expires", "soon")
    assert refused.exit_code == 1
    assert "'soon' is no age" in refused.stderr
