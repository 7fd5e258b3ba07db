"""Flows from folders and repositories, and their runs where the code is not."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from perdure import Flow, flow, session, settings
from perdure._rooms.deployments.code_origin import what_is_missing
from perdure._rooms.deployments.definition import definition_of_text
from perdure.blocks.system import Secret
from perdure.deployments import run_deployment
from perdure.errors import DeploymentError, EntrypointError, StorageError
from perdure.filesystems import LocalFileSystem, RemoteFileSystem
from perdure.integrations.git import GitRepository
from perdure.integrations.github import GitHub, GitHubRepository
from perdure.records import RunFilter
from perdure.states import StateType
from tests.deployments.repositories import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "first")
    return folder


def entry_of(of) -> dict[str, str]:
    return definition_of_text(of.definition).entry_point


def test_a_flow_is_loaded_from_a_folder(repository: Path) -> None:
    loaded = flow.from_source(str(repository), entrypoint="jobs/flows_of_source.py:greeting")
    assert loaded(1) == "first data"
    assert "source" not in entry_of(loaded.deploy("nightly"))


@pytest.mark.parametrize("as_block", [True, False])
def test_a_flow_of_a_repository_is_deployed_with_its_commit(repository: Path, as_block: bool) -> None:
    url = f"file://{repository}"
    source = GitRepository(url=url, branch="main") if as_block else url
    of = Flow.from_source(source=source, entrypoint="jobs/flows_of_source.py:greeting").deploy("nightly")
    said = json.loads(entry_of(of)["source"])
    assert (said["url"], said["commit"]) == (url, git(repository, "rev-parse", "HEAD"))
    assert str(settings.current().home) in entry_of(of)["directory"]


def test_a_commit_that_is_there_is_not_fetched_again(repository: Path) -> None:
    chosen = GitRepository(url=f"file://{repository}", commit_sha=git(repository, "rev-parse", "HEAD"))
    first = Flow.from_source(chosen, "jobs/flows_of_source.py:greeting")
    shutil.rmtree(repository)
    again = Flow.from_source(chosen, "jobs/flows_of_source.py:greeting")
    assert first(1) == again(1) == "first data"


@pytest.mark.parametrize("as_url", [True, False])
def test_a_flow_of_a_storage_is_copied_and_deployed_as_a_bundle(repository: Path, as_url: bool) -> None:
    url = f"local://{repository}"
    source = url if as_url else RemoteFileSystem(basepath=url)
    loaded = flow.from_source(source=source, entrypoint="jobs/flows_of_source.py:greeting")
    shutil.rmtree(repository)
    assert loaded(1) == "first data"
    entry = entry_of(loaded.deploy("nightly"))
    assert (entry["target"], "bundle" in json.loads(entry["source"])) == ("jobs/flows_of_source.py:greeting", True)


@pytest.mark.parametrize("of", [lambda folder: LocalFileSystem(basepath=folder), lambda folder: f"file://{folder}"])
def test_a_local_storage_and_its_url_are_their_folder(repository: Path, of: Callable[[Path], object]) -> None:
    shutil.rmtree(repository / ".git")
    loaded = flow.from_source(of(repository), "jobs/flows_of_source.py:greeting")
    assert entry_of(loaded.deploy("nightly"))["target"] == f"{repository}/jobs/flows_of_source.py:greeting"


def test_a_storage_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There are no files in"):
        flow.from_source(f"local://{tmp_path}/nothing", "a.py:f")


def test_blocks_of_repositories_are_sources(repository: Path) -> None:
    for chosen in (
        GitHub(repository=f"file://{repository}", reference="main"),
        GitHubRepository(repository_url=f"file://{repository}"),
    ):
        assert Flow.from_source(chosen, "jobs/flows_of_source.py:greeting")(1) == "first data"


def test_a_repository_takes_what_prefects_takes() -> None:
    url = "https://git.example.com/a.git"
    for credentials in (Secret(value="t"), {"access_token": Secret(value="t")}):
        chosen = GitRepository(url, pull_interval=60, credentials=credentials)
        assert (chosen.url, chosen._wanted().token) == (url, SecretStr("t"))


def test_in_coroutines_it_is_awaited(repository: Path) -> None:
    async def load() -> str:
        loaded = await flow.from_source(source=repository, entrypoint="jobs/flows_of_source.py:greeting")
        return loaded(1)

    assert asyncio.run(load()) == "first data"


@pytest.mark.parametrize(
    ("source", "entrypoint", "error", "says"),
    [
        ("no/such/folder", "a.py:f", DeploymentError, "There is no folder"),
        (object(), "a.py:f", DeploymentError, "a repository's URL or a GitRepository"),
        (".", "no_such_file.py:f", EntrypointError, "There is no file"),
    ],
)
def test_what_is_not_there_is_named(source: object, entrypoint: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        flow.from_source(source, entrypoint)


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ("def f(): pass", "{folder}/jobs.py:f", None),
        ("f = g()", "jobs:f", None),
        ("from others import *", "jobs:f", None),
        ("if True:\n    import f", "jobs:f", None),
        ("class Jobs: pass", "jobs:Jobs.f", None),
        ("def g(): f = 1", "{folder}/jobs.py:f", "jobs.py has no 'f'"),
        ("print(f)", "jobs:f", "jobs.py has no 'f'"),
        ("def f(:", "jobs:f", "jobs.py has no 'f'"),
        ("def f(): pass", "{folder}/others.py:f", "there is no file {folder}/others.py"),
        ("def f(): pass", "others.jobs:f", "there is no module 'others.jobs' in {folder}"),
    ],
)
def test_what_code_lacks_is_seen_without_running_it(text: str, target: str, says: str | None, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(text)
    entry = {"target": target.format(folder=tmp_path), "directory": str(tmp_path)}
    missing = what_is_missing(entry)
    assert missing == says if says is None else missing.endswith(says.format(folder=tmp_path))


@pytest.mark.slow
def test_a_run_uses_the_commit_it_was_made_with_where_the_copy_is_missing(repository: Path) -> None:
    url = f"file://{repository}"
    of = Flow.from_source(url, "jobs/flows_of_source.py:greeting").deploy("nightly")
    run = run_deployment("greeting/nightly", timeout=0)
    commit(repository, "second")
    shutil.rmtree(settings.current().home / "sources")
    begun = subprocess.run([sys.executable, "-m", "perdure", "flow-run", "start", run.id], check=False)
    assert begun.returncode == 0
    (after,) = session.current().orchestrator.flow_runs(RunFilter(ids=(run.id,)))
    assert after.state_type is StateType.COMPLETED
    begun_from = json.loads(session.current().orchestrator.start(run.id).entry_point)
    assert begun_from.pop("source_digest")  # of what its page shows
    assert begun_from == entry_of(of)  # and it would be resumed from that, wherever it is
    assert run_deployment(of.id, timeout=0).id != run.id
    from perdure.results import get_result

    assert get_result(run.id) == "first data"
