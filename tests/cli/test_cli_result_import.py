"""`perdure result import`"""

import json
from pathlib import Path

from command_line import Perdure

DOCUMENT = json.dumps({"serializer": {"type": "json"}, "data": "[1, 2]", "prefect_version": "2.20.25"})


def test_imported_results_are_listed_shown_and_had(perdure: Perdure, tmp_path: Path):
    (tmp_path / "one").write_text(DOCUMENT)
    said = perdure("result", "import", tmp_path, "--flow", "old").stdout
    assert f"Imported 1 result ({len(DOCUMENT)} B) from {tmp_path}." in said
    assert json.loads(perdure("result", "get", "one").stdout) == [1, 2]
    (listed,) = json.loads(perdure("result", "ls", "--json").stdout)
    assert (listed["type"], listed["storage_key"]) == ("builtins.list", "one")
    assert str(tmp_path / "one") in perdure("result", "show", "one").stdout.replace("\n", "").replace(" ", "")


def test_other_files_are_named(perdure: Perdure, tmp_path: Path):
    place = tmp_path / "place"
    place.mkdir()
    (place / "notes.txt").write_text("no result")
    said = perdure("result", "import", place).stdout
    assert said == f"Imported 0 results from {place}.\nPassed over 1 other file: notes.txt\n"


def test_a_dry_run_says_what_would_be_imported(perdure: Perdure, tmp_path: Path):
    (tmp_path / "one").write_text(DOCUMENT)
    assert perdure("result", "import", tmp_path, "--dry-run").stdout.startswith("Would import 1 result (")
    summary = json.loads(perdure("result", "import", tmp_path, "--dry-run", "--json").stdout)
    assert (summary["imported"], summary["known"], summary["flow_run_id"]) == (1, 0, None)


def test_a_directory_that_is_not_there_is_named(perdure: Perdure):
    ended = perdure("result", "import", "/nowhere")
    assert ended.exit_code == 1
    assert "There is no directory '/nowhere'. Give one that is there" in ended.stderr
