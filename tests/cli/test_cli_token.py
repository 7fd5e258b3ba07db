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


def test_a_database_without_tokens_says_how_to_make_one(perdure: Perdure) -> None:
    assert "perdure token create" in perdure("token", "ls").stdout
    refused = perdure("token", "create", "--name", "x", "--expires", "soon")
    assert refused.exit_code == 1
    assert "'soon' is no age" in refused.stderr
