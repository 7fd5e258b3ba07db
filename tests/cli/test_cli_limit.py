import json

from command_line import Perdure

from perdure import concurrency


def test_a_limit_is_made_shown_changed_and_deleted(perdure: Perdure) -> None:
    assert "Made the limit 'db': 5 at once." in perdure("limit", "create", "db", 5).stdout
    perdure("limit", "create", "api", 10, "--decay", 2.5)
    with concurrency("db", occupy=2):
        assert perdure("limit", "ls").stdout.split() == [
            *("limit", "slots", "taken", "waiting", "a", "second"),
            *("api", "10", "0", "0", "2.5"),
            *("db", "5", "2", "0", "-"),
        ]
        assert "holds" in perdure("limit", "inspect", "db").stdout
    assert "Changed the limit 'db': 3 at once." in perdure("limit", "update", "db", "--slots", 3).stdout
    assert "Deleted the limit 'api'." in perdure("limit", "delete", "api").stdout
    assert [limit["slots"] for limit in json.loads(perdure("limit", "ls", "--json").stdout)] == [3]


def test_a_limit_that_is_there_or_is_not_is_named(perdure: Perdure) -> None:
    perdure("limit", "create", "db", 5)
    assert "There is a limit 'db' already." in perdure("limit", "create", "db", 5).stderr
    assert "There is no limit 'dbs'. Did you mean 'db'" in perdure("limit", "inspect", "dbs").stderr


def test_the_command_says_how_to_begin(perdure: Perdure) -> None:
    assert "perdure limit create db 5" in perdure("limit", "ls").stdout


def test_names_that_runs_asked_for_and_that_are_not_there_are_listed(perdure: Perdure) -> None:
    for name in ("dbs", "api"):
        with concurrency(name):
            pass
    perdure("limit", "create", "api", 1)
    after = perdure("limit", "ls").stdout.partition("Asked for, and not there")[2]
    assert ("dbs" in after, "api" in after) == (True, False)
    assert "runs asked for the limit 'dbs', which is not there" in perdure("doctor").stdout
