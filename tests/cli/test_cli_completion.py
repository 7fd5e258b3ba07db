"""What a shell offers after Tab."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Perdure

from perdure import flow, session, settings, task
from perdure.artifacts import create_markdown_artifact
from perdure.automations import Automation, EventTrigger, RunDeployment
from perdure.filesystems import LocalFileSystem
from perdure.records import Limit
from perdure.variables import Variable
from tests.deployments.deployed import report

Tab = Callable[[str], list[str]]


@pytest.fixture
def tab(perdure: Perdure, monkeypatch: pytest.MonkeyPatch) -> Tab:
    """Presses Tab after a line, as bash does: what is offered."""

    def press(line: str) -> list[str]:
        with monkeypatch.context() as shell:
            shell.setenv("_PERDURE_COMPLETE", "complete_bash")
            shell.setenv("COMP_WORDS", line)
            shell.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
            ended = perdure()
        assert ended.stderr == ""
        return ended.stdout.split("\n")[:-1] if ended.stdout.strip() else []

    return press


@task
def load() -> int:
    create_markdown_artifact("# Rows", key="rows")
    return 1


@flow(flow_run_name="{name}")
def nightly(name: str) -> int:
    return load()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("perdure flow-run inspect mo", ["monday"]),
        ("perdure flow-run resume ", ["tuesday", "monday"]),
        ("perdure flow-run ls --flow ", ["nightly"]),
        ("perdure logs --flow-run tu", ["tuesday"]),
        ("perdure task-run inspect ", ["tuesday/load-0", "monday/load-0"]),
        ("perdure task-run inspect monday/", ["monday/load-0"]),
        ("perdure task-run ls --task l", ["load"]),
        ("perdure result show mo", ["monday", "monday/load-0"]),
        ("perdure artifact show ", ["rows"]),
        ("perdure block inspect local", ["local-file-system/dev"]),
        ("perdure result copy monday --to ", ["local-file-system/dev"]),
        ("perdure variable get ", ["batch-size"]),
        ("perdure limit inspect ", ["api"]),
        ("perdure deployment run ", ["report/nightly"]),
        ("perdure worker start --pool ", ["batch"]),
        ("perdure automation inspect ", ["again"]),
        ("perdure config set logging_l", ["logging_level=", "logging_log_prints="]),
        ("perdure config unset PERDURE_LOGGING_LE", ["PERDURE_LOGGING_LEVEL"]),
        ("perdure profile use ", ["default"]),
        ("perdure flow-run ls --state fa", ["failed"]),
    ],
)
def test_names_that_are_there_are_offered(tab: Tab, line: str, offered: list[str]) -> None:
    nightly("monday")
    nightly("tuesday")
    LocalFileSystem(basepath="results").save("dev")
    Variable.set("batch-size", 500)
    session.current().orchestrator.limits.put(Limit("api", 3, None, 0))
    report.deploy("nightly", work_pool="batch")
    trigger = EventTrigger(expect="flow-run.failed")
    Automation(name="again", trigger=trigger, actions=[RunDeployment(deployment="report/nightly")]).apply()
    session.current().orchestrator.flush()
    assert tab(line) == offered


def test_flows_of_files_are_offered_without_running_them(tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "sales.py").write_text(
        "raise SystemExit\n@flow\ndef total(): ...\n@perdure.flow(retries=1)\nasync def each(): ...\ndef other(): ...\n"
    )
    (tmp_path / "broken.py").write_text("def (")
    assert tab("perdure run ") == ["jobs/"]
    assert tab("perdure run jobs/sales.py:t") == ["jobs/sales.py:total"]
    assert tab("perdure run jobs/") == ["jobs/sales.py:total", "jobs/sales.py:each"]


@pytest.mark.parametrize("name", ["$(touch made)", "a b", "a;b", "`id`", "a\nb", "~/x", "'"])
def test_a_name_that_a_shell_would_not_take_as_it_is_is_not_offered(tab: Tab, name: str) -> None:
    nightly(name)
    nightly("plain")
    assert tab("perdure flow-run inspect ") == ["plain"]


def test_nothing_is_offered_where_nothing_can_be_read(tab: Tab, home: Path) -> None:
    home.mkdir()
    (home / "perdure.db").write_text("not a database")
    assert tab("perdure flow-run inspect ") == []


@pytest.mark.slow
def test_a_server_that_is_away_is_not_waited_for_long(tab: Tab) -> None:
    with settings.temporary_settings(api_url="http://127.0.0.1:9"):
        assert tab("perdure flow-run resume ") == []


@pytest.mark.slow
def test_bash_completes_the_name_of_a_run(home: Path) -> None:
    nightly("monday")
    session.close()
    script = """
    eval "$(perdure --show-completion bash)"
    COMP_WORDS=(perdure flow-run inspect mon) COMP_CWORD=3
    complete -p perdure | grep -q _perdure_completion && _perdure_completion perdure && echo "${COMPREPLY[@]}"
    """
    path = f"PATH={Path(sys.executable).parent}:$PATH; PERDURE_HOME={home}; export PATH PERDURE_HOME\n"
    ended = subprocess.run(["bash", "-c", path + script], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("monday\n", "")
