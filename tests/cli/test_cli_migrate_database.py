"""`perdure migrate --database`"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Perdure

from tests.migration.prefect_database import PrefectDatabase


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[PrefectDatabase]:
    database = PrefectDatabase(tmp_path / "prefect.db")
    id = database.flow_run(1)
    database.state("flow_run", id, "COMPLETED", 2, data='{"type": "literal", "value": true}')
    database.line(id, None, 1, "the market opens")
    yield database
    database.close()


def test_what_was_taken_over_is_shown_as_a_table_and_then_by_the_other_commands(
    perdure: Perdure, prefect: PrefectDatabase
):
    said = perdure("migrate", "--database", f"sqlite+aiosqlite:///{prefect.file}").stdout
    assert said.startswith(f"Took over {prefect.file}.\n")
    assert ["flow", "runs", "1", "0", "1", "0", "0", "1"] in [line.split() for line in said.splitlines()]
    (run,) = json.loads(perdure("flow-run", "ls", "--json").stdout)
    assert (run["flow_name"], run["state"]["type"], run["tags"]) == ("market", "COMPLETED", ["prod"])
    assert json.loads(perdure("result", "get", run["id"]).stdout) is True
    assert "the market opens" in perdure("flow-run", "logs", run["id"]).stdout


def test_a_run_is_inspected_and_its_result_had_by_the_id_that_prefect_gave_it(
    perdure: Perdure, prefect: PrefectDatabase
):
    old = prefect.flow_run(5, "again")
    prefect.state("flow_run", old, "COMPLETED", 6, data='{"type": "literal", "value": false}')
    perdure("migrate", "--database", prefect.file)
    assert json.loads(perdure("flow-run", "inspect", old, "--json").stdout)["name"] == "again"
    assert json.loads(perdure("result", "get", old).stdout) is False


def test_a_dry_run_says_what_it_would_do(perdure: Perdure, prefect: PrefectDatabase):
    prefect.flow_run(5, deployment_id="d-1")
    said = perdure("migrate", "--database", prefect.file, "--dry-run").stdout
    assert said.startswith(f"Would take over {prefect.file}.\n")
    assert "What has no place here, 1 row, would be written to a file." in said
    assert json.loads(perdure("flow-run", "ls", "--json").stdout) == []


def test_the_numbers_are_json_on_request(perdure: Perdure, prefect: PrefectDatabase):
    reported = json.loads(perdure("migrate", "--database", prefect.file, "--json").stdout)
    (tally,) = [each for each in reported["tallies"] if each["of"] == "states"]
    assert (tally["source"], tally["new"], tally["found"], reported["file"]) == (1, 1, 1, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give files to rewrite, or --database to take one over"),
        (("--dry-run", "."), "--dry-run goes with --database"),
        (("--database", "x.db", "--write", "."), "programs are rewritten without it"),
        (("--database", "/nowhere.db"), "There is no database /nowhere.db"),
    ],
)
def test_options_that_do_not_go_together_are_errors(perdure: Perdure, arguments: tuple[str, ...], said: str):
    ended = perdure("migrate", *arguments)
    assert ended.exit_code in (1, 2)
    assert said in " ".join(ended.stderr.split())
