"""Tokens in the database: kept as digests, and of no use when their time is up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure._rooms.tokens.records import Scope
from perdure._rooms.tokens.store import Tokens
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.errors import TokenError, TokenMissing
from tests.postgresql_server import new_database

MINUTE = 60_000_000


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def tokens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tokens]:
    if request.param == "sqlite":
        orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
        yield orchestrator.tokens
        orchestrator.close()
    else:
        with new_database(request.getfixturevalue("postgresql")) as url:
            orchestrator = EmbeddedOrchestrator(PostgreSQL(url))
            yield orchestrator.tokens
            orchestrator.close()


def test_a_token_is_found_by_its_text_until_it_expires(tokens: Tokens) -> None:
    text, token = tokens.create("ci", Scope.WRITE, now=0, expires=MINUTE)
    assert tokens.find(text, now=MINUTE - 1) == token
    assert tokens.find(text, now=MINUTE) is None
    assert text.startswith(token.shown)
    assert text[len(token.shown) + 1 :] not in repr(tokens.all())


def test_the_last_use_is_kept_to_the_minute(tokens: Tokens) -> None:
    text, _ = tokens.create("ci", Scope.READ, now=0)
    for now in (1, MINUTE, 3 * MINUTE, 3 * MINUTE + 5):
        tokens.find(text, now)
    assert [token.used for token in tokens.all()] == [3 * MINUTE]


def test_a_revoked_token_is_not_found_and_its_name_is_free_again(tokens: Tokens) -> None:
    text, token = tokens.create("ci", Scope.READ, now=0)
    with pytest.raises(TokenError, match="A token has the name 'ci' already"):
        tokens.create("ci", Scope.READ, now=1)
    tokens.revoke(token.shown, now=2)
    assert tokens.find(text, now=3) is None
    again, _ = tokens.create("ci", Scope.READ, now=4)
    assert tokens.find(again, now=5) is not None
    with pytest.raises(TokenMissing, match="No token is called 'cd'"):
        tokens.revoke("cd", now=6)


def test_an_expired_namesake_does_not_keep_the_live_token_from_being_revoked(tokens: Tokens) -> None:
    tokens.create("ci", Scope.READ, now=0, expires=MINUTE)
    text, token = tokens.create("ci", Scope.READ, now=MINUTE)
    assert [each.id for each in tokens.revoke("ci", now=MINUTE + 1)] == [token.id]
    assert tokens.find(text, now=MINUTE + 2) is None


def test_every_live_token_that_a_name_fits_is_revoked_and_named(tokens: Tokens) -> None:
    text, token = tokens.create("ci", Scope.READ, now=0)
    other, namesake = tokens.create(token.id, Scope.READ, now=1)  # named as the other one is shown
    assert {each.id for each in tokens.revoke(token.id, now=2)} == {token.id, namesake.id}
    assert [tokens.find(each, now=3) for each in (text, other)] == [None, None]


def test_revoking_what_has_ended_already_says_how_it_ended(tokens: Tokens) -> None:
    _, token = tokens.create("ci", Scope.READ, now=0, expires=1)
    with pytest.raises(TokenMissing, match=f"No live token is called 'ci': {token.shown} has expired"):
        tokens.revoke("ci", now=2)


def test_what_is_live_is_known_by_ids(tokens: Tokens) -> None:
    _, token = tokens.create("me", Scope.READ, now=0)
    _, short = tokens.create("short", Scope.READ, now=0, expires=3)
    _, session = tokens.begin_session(token, now=0, expires=MINUTE)
    ids = [token.id, short.id, session.id, "none"]
    assert tokens.live(ids, now=2) == {token.id, short.id, session.id}
    tokens.revoke("me", now=3)
    assert tokens.live(ids, now=4) == set()


def test_a_session_ends_with_its_token(tokens: Tokens) -> None:
    _, token = tokens.create("me", Scope.ADMIN, now=0)
    text, session = tokens.begin_session(token, now=0, expires=MINUTE)
    assert tokens.find(text, now=1) == session
    tokens.revoke("me", now=2)
    assert tokens.find(text, now=3) is None
    assert [each.name for each in tokens.all()] == ["me"]


def test_an_ended_session_is_not_found(tokens: Tokens) -> None:
    _, token = tokens.create("me", Scope.ADMIN, now=0)
    text, session = tokens.begin_session(token, now=0, expires=MINUTE)
    tokens.end(session, now=1)
    assert tokens.find(text, now=2) is None


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101, "-" + "%" * 3])
def test_a_name_that_cannot_be_shown_in_a_line_is_refused(tmp_path: Path, name: str) -> None:
    orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
    with pytest.raises(TokenError, match="is no name of a token"):
        orchestrator.tokens.create(name, Scope.READ, now=0)
    orchestrator.close()
