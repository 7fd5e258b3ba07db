"""Deployments whose code is a bundle: it runs where the code is not, and nothing else is ever run in its place."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import Flow, session, settings
from perdure._results import signing
from perdure._rooms.deployments.bundles import Bundle, bundled, unbundled
from perdure._rooms.deployments.definition import definition_of_text
from perdure._settings.settings import as_environment
from perdure.deployments import BundleError, DeploymentError, run_deployment
from perdure.filesystems import S3, LocalFileSystem
from perdure.records import RunFilter
from perdure.results import get_result, prune
from perdure.serializers import new_key
from perdure.states import StateType
from tests import prepared
from tests.deployments.test_workers import ended, working
from tests.server.serving import serving

KEY, OTHER = new_key("ours"), new_key("theirs")

PROGRAM = """\
from pathlib import Path

from perdure import flow, task

from helpers_of_bundle import word


@task
def said() -> str:
    return word


@flow(persist_result=True, on_crash="resume")
def greeting(folder: str = "") -> str:
    if folder and not Path(folder, "died").exists():
        Path(folder, "died").touch()
        import os

        os.kill(os.getpid(), 9)
    return f"{said()} {Path(__file__).with_name('data').read_text()}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a flow, a module that it imports, and a file that it reads."""
    folder = tmp_path / "project"
    (folder / "jobs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (folder / "jobs" / "flows_of_bundle.py").write_text(PROGRAM)
    (folder / "jobs" / "helpers_of_bundle.py").write_text("word = 'first'\n")
    (folder / "jobs" / "data").write_text("data")
    return folder


def loaded(project: Path) -> Any:
    return Flow.from_source(str(project), "jobs/flows_of_bundle.py:greeting")


def deployed(project: Path, **options: Any) -> Any:
    return loaded(project).deploy("nightly", **({"source": "bundle"} | options))


def entry_of(of: Any) -> dict[str, str]:
    return definition_of_text(of.definition).entry_point


def source_of(of: Any) -> dict[str, str]:
    said: dict[str, str] = json.loads(entry_of(of)["source"])
    return said


def file_of(digest: str) -> Path:
    return settings.current().local_storage_path / "bundles" / f"{digest}.zip"


def copies() -> list[Path]:
    return [*(settings.current().home / "bundles").glob("*")]


def begun(run_id: str, *how: str, **environment: str) -> Any:
    """The end of a process that has begun a run, as a worker starts one, in a folder that is empty."""
    away = settings.current().home.parent / "away"
    away.mkdir(exist_ok=True)
    given = {name: value for name, value in as_environment().items() if value is not None} | environment
    command = ("-m", "perdure", "flow-run", *(how or ("start", "--quiet")), run_id)
    return prepared.run(*command, cwd=away, env={"PATH": "/usr/bin:/bin", **given})


def state_of(run_id: str) -> StateType | None:
    (run,) = session.current().orchestrator.flow_runs(RunFilter(ids=(run_id,)))
    return run.state_type


def test_a_run_begins_where_the_folder_is_not_there(project: Path) -> None:
    of = deployed(project)
    shutil.rmtree(project)
    run = run_deployment(of.id, timeout=0)
    assert begun(run.id).returncode == 0
    assert get_result(run.id) == "first data"
    assert [path.name for path in copies() if path.is_dir()] == [source_of(of)["bundle"]]


def test_of_several_that_need_a_copy_at_once_each_has_the_whole_one(project: Path) -> None:
    entry, find = entry_of(deployed(project)), session.current().storages.get
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: Path(unbundled(entry, find)["target"].rpartition(":")[0]), range(8))]
    assert {path.with_name("data").read_text() for path in found} == {"data"}
    assert [path.name for path in copies() if path.name.startswith(".")] == []


def test_the_entry_point_says_nothing_of_the_folder(project: Path) -> None:
    assert str(project) not in json.dumps(entry_of(deployed(project)))


def test_what_has_not_changed_is_one_version_and_what_has_is_another(project: Path) -> None:
    first, again = deployed(project), deployed(project)
    (project / "jobs" / "helpers_of_bundle.py").write_text("word = 'second'\n")
    assert (first.version, again.version, deployed(project).version) == (1, 1, 2)


@pytest.mark.slow
def test_a_run_keeps_its_bundle_also_when_it_is_resumed(project: Path, tmp_path: Path) -> None:
    of = deployed(project, parameters={"folder": str(tmp_path)})
    run = run_deployment(of.id, timeout=0)
    assert begun(run.id).returncode == -9
    (project / "jobs" / "helpers_of_bundle.py").write_text("word = 'second'\n")
    assert deployed(project, parameters={"folder": str(tmp_path)}).version == 2
    shutil.rmtree(project)
    assert begun(run.id, "resume").returncode == 0
    assert get_result(run.id) == "first data"
    other = run_deployment(of.id, timeout=0)
    assert begun(other.id).returncode == 0
    assert get_result(other.id) == "second data"


@pytest.mark.slow
def test_a_run_that_crashed_is_resumed_where_no_copy_of_its_bundle_is(project: Path, tmp_path: Path) -> None:
    of = deployed(project, parameters={"folder": str(tmp_path)})
    run = run_deployment(of.id, timeout=0)
    known, chosen = session.current().orchestrator, settings.current()
    made_with = known.start(run.id).entry_point
    assert begun(run.id).returncode == -9
    assert json.loads(known.start(run.id).entry_point) == json.loads(made_with)
    shutil.rmtree(project)
    shutil.rmtree(chosen.home / "bundles")
    kept = {"PERDURE_DATABASE": str(chosen.database), "PERDURE_LOCAL_STORAGE_PATH": str(chosen.local_storage_path)}
    assert begun(run.id, "resume", PERDURE_HOME=str(tmp_path / "elsewhere"), **kept).returncode == 0
    assert get_result(run.id) == "first data"


@pytest.mark.slow
def test_of_many_that_crashed_each_is_resumed_with_its_own_bundle(project: Path, tmp_path: Path) -> None:
    runs = []
    for word in ("first", "second"):
        (project / "jobs" / "helpers_of_bundle.py").write_text(f"word = '{word}'\n")
        (tmp_path / word).mkdir()
        of = deployed(project, parameters={"folder": str(tmp_path / word)})
        runs.append(run_deployment(of.id, timeout=0))
        assert begun(runs[-1].id).returncode == -9
    shutil.rmtree(project)
    assert begun("--crashed", "resume").returncode == 0
    assert [get_result(run.id) for run in runs] == ["first data", "second data"]


@pytest.mark.slow
def test_a_worker_runs_a_bundle_of_an_object_store(project: Path, s3_server: Any, s3_prefix: str) -> None:
    storage = S3(**s3_server.fields(s3_prefix))
    deployed(project, source=Bundle(storage=storage))
    shutil.rmtree(project)
    run = run_deployment("greeting/nightly", timeout=0)
    known = session.current().orchestrator
    with working():
        assert ended(known, run).state_type is StateType.COMPLETED
    assert get_result(run.id) == "first data"
    assert [*storage.list("bundles/")] != []


@pytest.mark.slow
def test_a_process_with_another_home_has_the_bundle_by_the_server(project: Path, tmp_path: Path) -> None:
    shared = LocalFileSystem(tmp_path / "shared")
    with serving(tmp_path / "server") as server, settings.temporary_settings(api_url=server.address):
        deployed(project, source=Bundle(storage=shared))
        shutil.rmtree(project)
        run = run_deployment("greeting/nightly", timeout=0)
        assert begun(run.id, PERDURE_HOME=str(tmp_path / "elsewhere")).returncode == 0
        assert state_of(run.id) is StateType.COMPLETED
        session.close()
    assert [path.name for path in (tmp_path / "elsewhere" / "bundles").iterdir() if path.is_dir()] != []
    assert copies() == []


def test_a_bundle_is_kept_with_the_results_of_its_flow(project: Path, tmp_path: Path) -> None:
    flow = loaded(project).with_options(result_storage=LocalFileSystem(tmp_path / "results"))
    digest = source_of(flow.deploy("nightly", source="bundle"))["bundle"]
    assert (tmp_path / "results" / "bundles" / f"{digest}.zip").is_file()
    (tmp_path / "other").mkdir()
    flow.deploy("nightly", source=Bundle(storage=str(tmp_path / "other")))
    assert (tmp_path / "other" / "bundles" / f"{digest}.zip").is_file()


def test_perdures_home_is_in_no_bundle(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with settings.temporary_settings(home=project / "jobs" / "state"):
        settings.current().home.mkdir()
        (settings.current().home / "secrets.key").write_text("secret")
        bundle = loaded(project).to_deployment("nightly", source="bundle").bundle
    assert b"secrets.key" not in bundle.data


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("elsewhere", DeploymentError, "source= is 'bundle' or a Bundle"),
        (Bundle(folder="no/such/folder"), BundleError, "There is no folder"),
        (Bundle(folder="/usr/lib"), BundleError, "which is not in /usr/lib"),
        (Bundle(exclude=["flows_*"]), BundleError, "would not be in the bundle"),
    ],
)
def test_what_cannot_be_a_bundle_is_refused(source: Any, error: type[Exception], says: str, project: Path) -> None:
    with pytest.raises(error, match=says):
        loaded(project).deploy("nightly", source=source)
    assert not session.current().orchestrator.deployments.all()


def test_a_bundle_is_not_made_of_a_copy_of_one(project: Path) -> None:
    with pytest.raises(BundleError, match="runs from a bundle here"):
        bundled(entry_of(deployed(project)), Bundle(), LocalFileSystem())


def refused(entry: dict[str, str], find: Callable[[str], Any] | None = None) -> str:
    """Why a bundle is not run; nothing of it was unpacked."""
    before = copies()
    with pytest.raises(BundleError) as raised:
        unbundled(entry, find or session.current().storages.get)
    assert [path for path in copies() if path.is_dir()] == [path for path in before if path.is_dir()]
    return str(raised.value)


def test_a_bundle_that_is_gone_ends_its_runs_with_the_reason(project: Path) -> None:
    of = deployed(project)
    file_of(source_of(of)["bundle"]).unlink()
    assert "is not there" in refused(entry_of(of))
    run = run_deployment(of.id, timeout=0)
    assert "is not there" in begun(run.id).stderr


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle that is as it should be."""
    from perdure._rooms.deployments import archives

    folder = tmp_path_factory.mktemp("packed")
    (folder / "flows_of_bundle.py").write_text(PROGRAM)
    return archives.packed(folder)


def entry_for(digest: str, **said: str) -> dict[str, str]:
    return {"target": "flows_of_bundle.py:greeting", "directory": ".", "source": json.dumps({"bundle": digest, **said})}


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(place=st.integers(0), change=st.integers(1, 255), how=st.sampled_from(["change", "cut", "append", "replace"]))
def test_no_bundle_that_was_altered_is_unpacked(place: int, change: int, how: str, packed: bytes, home: Path) -> None:
    digest, altered, at = hashlib.sha256(packed).hexdigest(), bytearray(packed), place % len(packed)
    if how == "change":
        altered[at] ^= change
    elif how == "cut":
        del altered[at:]
    elif how == "append":
        altered += bytes([change])
    else:
        altered = altered.replace(b"flows_of_bundle", b"flows_of_forger")
    file = file_of(digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(altered)
    assert "was altered" in refused(entry_for(digest, storage="x"), lambda _: LocalFileSystem())


@pytest.fixture
def signs(home: Path) -> Iterator[Path]:
    """There is a signing key."""
    with settings.temporary_settings(results_signing_keys=KEY):
        yield home


def signature(digest: str, ring: str, domain: bytes = signing.BUNDLE, place: str | None = None) -> str:
    with settings.temporary_settings(results_signing_keys=ring):
        keys = signing.ring()
        assert keys is not None
        return keys.sign(digest.encode(), place or f"bundles/{digest}.zip", domain)


def unread(_: str) -> Any:
    raise AssertionError("a storage is asked for what is not signed")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    text=st.none() | st.text(max_size=80) | st.binary(min_size=32, max_size=32).map(lambda made: f"ours:{made.hex()}")
)
def test_with_signing_keys_no_bundle_with_a_made_up_signature_is_read(text: str | None, signs: Path) -> None:
    digest = hashlib.sha256(b"forged").hexdigest()
    said = {} if text is None else {"signature": text}
    assert "It is not run" in refused(entry_for(digest, storage="x", **said), unread)


def forgeries() -> Iterator[tuple[str, str]]:
    """Signatures of others, or by our key for something else, each for a bundle that is not ours."""
    digest, ours = (hashlib.sha256(text).hexdigest() for text in (b"forged", b"ours"))
    same_id = OTHER.replace("theirs:", "ours:")
    yield digest, signature(digest, OTHER)
    yield digest, signature(digest, same_id)
    yield digest, signature(ours, KEY)
    yield digest, signature(digest, KEY, domain=signing.KEPT)
    yield digest, signature(digest, KEY, place=f"bundles/{ours}.zip")


def test_with_signing_keys_no_signature_of_another_key_or_for_something_else_holds(home: Path) -> None:
    for digest, text in forgeries():
        with settings.temporary_settings(results_signing_keys=KEY):
            assert "It is not run" in refused(entry_for(digest, storage="x", signature=text), unread)


def test_a_copy_that_is_there_is_not_run_without_a_signature(project: Path) -> None:
    of = deployed(project)
    unbundled(entry_of(of), session.current().storages.get)
    with settings.temporary_settings(results_signing_keys=KEY):
        assert "is not signed" in refused(entry_of(of), unread)


def test_a_signed_bundle_runs_with_its_key_and_is_refused_without_it(project: Path) -> None:
    with settings.temporary_settings(results_signing_keys=KEY):
        of = deployed(project)
        shutil.rmtree(project)
        run = run_deployment(of.id, timeout=0)
        assert begun(run.id, PERDURE_RESULTS_SIGNING_KEYS=KEY).returncode == 0
        assert get_result(run.id) == "first data"
    with settings.temporary_settings(results_signing_keys=OTHER):
        assert "does not have" in refused(entry_of(of), unread)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", "../flows_of_bundle.py:greeting"),
        ("target", "/etc/flows.py:greeting"),
        ("target", "/etc/flows:greeting"),
        ("target", "C:\\flows.py:greeting"),
        ("target", "a\\..\\..\\flows.py:greeting"),
        ("directory", ".."),
        ("directory", "/etc"),
    ],
)
def test_a_flow_is_never_looked_for_outside_its_bundle(field: str, value: str, project: Path) -> None:
    entry = {**entry_of(deployed(project)), field: value}
    with pytest.raises(BundleError, match="not in its bundle"):
        unbundled(entry, session.current().storages.get)


@pytest.mark.parametrize("digest", ["../../x", "", "A" * 64, "0" * 63, None])
def test_what_is_no_digest_is_no_place_either(digest: Any, home: Path) -> None:
    entry = entry_for("x") | {"source": json.dumps({"bundle": digest})}
    assert "no digest" in refused(entry, unread)


def test_a_prune_of_orphans_leaves_bundles_alone(project: Path) -> None:
    file = file_of(source_of(deployed(project))["bundle"])
    os.utime(file, (1, 1))
    assert not [each for each in prune(orphans=True, grace=0).orphans if each.removed]
    assert file.is_file()


def test_a_deploy_mends_what_was_altered(project: Path) -> None:
    of = deployed(project)
    file_of(source_of(of)["bundle"]).write_bytes(b"altered")
    assert "was altered" in refused(entry_of(of))
    deployed(project)
    assert Path(unbundled(entry_of(of), session.current().storages.get)["directory"]).is_dir()


def test_a_bundle_that_could_not_be_kept_makes_no_version(project: Path) -> None:
    made = loaded(project).to_deployment("nightly", source="bundle")
    assert made.bundle is not None

    class Full(LocalFileSystem):
        block_type = "full-of-bundles"

        def replace(self, key: str, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        replace(made, bundle=made.bundle._replace(storage=Full())).apply()
    assert not session.current().orchestrator.deployments.all()


def pruned(*options: str) -> dict[str, Any]:
    session.close()
    ended = prepared.run("-m", "perdure", "deployment", "prune", "--grace", "0", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    shape: dict[str, Any] = json.loads(ended.stdout)
    return shape


def kept_digests() -> set[str]:
    return {each.stem for each in (settings.current().local_storage_path / "bundles").glob("*.zip")}


def two_versions(project: Path) -> tuple[str, str]:
    """The digests of the bundles of a deployment's first version and of its second one."""
    digests = []
    for word in ("first", "second"):
        (project / "jobs" / "helpers_of_bundle.py").write_text(f"word = {word!r}\n")
        digests.append(json.loads(entry_of(deployed(project))["source"])["bundle"])
    return digests[0], digests[1]


@pytest.mark.slow
def test_bundles_of_versions_stay_unless_only_so_many_versions_are_to_keep_theirs(project: Path) -> None:
    first, second = two_versions(project)
    assert pruned()["bundles"] == {}
    assert sum(pruned("--versions", "1", "--dry-run")["bundles"].values()) == 1
    assert kept_digests() == {first, second}
    assert sum(pruned("--versions", "1")["bundles"].values()) == 1
    assert kept_digests() == {second}


@pytest.mark.slow
def test_a_run_keeps_the_bundle_that_it_is_pinned_to_until_it_is_over(project: Path) -> None:
    of = deployed(project)
    run = run_deployment("nightly", timeout=0)
    first = json.loads(entry_of(of)["source"])["bundle"]
    (project / "jobs" / "helpers_of_bundle.py").write_text("word = 'second'\n")
    deployed(project)
    pruned("--versions", "1")
    assert first in kept_digests()
    with working():
        assert ended(session.current().orchestrator, run).state_type is StateType.COMPLETED
    home = settings.current().home
    assert (home / "bundles" / first).is_dir()
    assert pruned("--versions", "1")["copies"] == 1
    assert first not in kept_digests()
    assert not (home / "bundles" / first).exists()


@pytest.mark.slow
def test_bundles_that_this_database_does_not_know_are_removed_only_if_that_is_asked_for(project: Path) -> None:
    of = deployed(project)
    session.current().orchestrator.deployments.delete(of.id, 1)
    found = pruned()
    assert (found["orphans"], found["bundles"], len(kept_digests())) == (1, {}, 1)
    assert sum(pruned("--orphans")["bundles"].values()) == 1
    assert not kept_digests()


@pytest.mark.slow
def test_a_bundle_that_was_just_written_stays(project: Path) -> None:
    first, second = two_versions(project)
    session.close()
    prepared.run("-m", "perdure", "deployment", "prune", "--versions", "1", check=True)
    assert kept_digests() == {first, second}
