"""`fresh_home`: an empty home for a while."""

from pathlib import Path

from perdure import flow, session, task
from perdure.records import RunFilter
from perdure.testing.home import fresh_home


@task(persist_result=True)
def one() -> int:
    return 1


@flow
def calls() -> int:
    return one()


def recorded() -> int:
    return len(session.current().orchestrator.flow_runs(RunFilter()))


def test_runs_inside_are_recorded_there_and_runs_outside_elsewhere(home: Path) -> None:
    calls()
    with fresh_home() as other:
        assert recorded() == 0
        calls()
        calls()
        assert recorded() == 2
        assert list((other / "storage").iterdir())
    assert not other.exists()
    assert recorded() == 1
    assert (home / "perdure.db").exists()


def test_a_home_at_a_path_is_kept(tmp_path: Path) -> None:
    with fresh_home(tmp_path / "kept"):
        calls()
    with fresh_home(tmp_path / "kept"):
        assert recorded() == 1
