"""What `perdure migrate` makes of programs."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from perdure._migration.import_rewriting import rewrite
from perdure._migration.rules import Decide, Move
from perdure._migration.sources import SOURCES
from perdure.errors import MigrationError

DOCS = Path(__file__).parents[2] / "docs"


def rewritten(text: str) -> str:
    return rewrite(dedent(text), SOURCES.values()).text


def decided(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.what) for each in rewrite(dedent(text), SOURCES.values()).findings]


MOVES = {
    "from prefect import flow, task  # both": "from perdure import flow, task  # both",
    "from prefect.variables import Variable\nx = Variable.get('a').value": (
        "from perdure.variables import Variable\nx = Variable.get('a')"
    ),
    "from prefect.variables import Variable\nasync def f():\n    v = await Variable.get('a')\n    return v.value": (
        "from perdure.variables import Variable\nasync def f():\n    v = await Variable.get('a')\n    return v"
    ),
    "from prefect.variables import Variable\nv = Variable.set('a', 1)\nx = v.value, other.value": (
        "from perdure.variables import Variable\nv = Variable.set('a', 1)\nx = v.value, other.value"
    ),
    "from prefect import variables as v\nx = v.get('a')": "from perdure import variables as v\nx = v.get('a')",
    "import prefect as p; f = p.flow": "import perdure as p; f = p.flow",
    "import prefect\nx = prefect.states.Completed()": "import perdure\nx = perdure.states.Completed()",
    "from prefect import (\n    tags,  # kept\n)": "from perdure import (\n    tags,  # kept\n)",
    "from prefect.tasks import task_input_hash as q": "from perdure.tasks import task_input_hash as q",
    "from prefect.blocks.core import SecretStr": "from pydantic import SecretStr",
    "from prefect.utilities.hashing import hash_objects": "from perdure.utilities.hashing import hash_objects",
    "from airflow.decorators import dag\n@dag(dag_id='e')\ndef f(): ...": (
        "from perdure import flow\n@flow(name='e')\ndef f(): ..."
    ),
    "from dagster import job\n@job\ndef f(): ...": "from perdure import flow\n@flow\ndef f(): ...",
    "import dagster as dg\n@dg.op\ndef f(): ...": "import perdure as dg\n@dg.task\ndef f(): ...",
    "from prefect_shell import ShellOperation": "from perdure.integrations.shell import ShellOperation",
    "from prefect_shell.commands import shell_run_command as run": (
        "from perdure.integrations.shell import shell_run_command as run"
    ),
    "from prefect_aws.s3 import S3Bucket\nb = S3Bucket(bucket_name='b', minio_credentials=c)": (
        "from perdure.integrations.aws import S3Bucket\nb = S3Bucket(bucket_name='b', credentials=c)"
    ),
    "from prefect.filesystems import GitHub, LocalFileSystem": (
        "from perdure.integrations.github import GitHub\nfrom perdure.filesystems import LocalFileSystem"
    ),
    "from prefect_github.repository import GitHubRepository": (
        "from perdure.integrations.github import GitHubRepository"
    ),
    "import prefect_shell as sh\nsh.shell_run_command('ls')": (
        "import perdure.integrations.shell as sh\nsh.shell_run_command('ls')"
    ),
    "from prefect_email import EmailServerCredentials, email_send_message": (
        "from perdure.integrations.email import EmailServerCredentials, email_send_message"
    ),
    "from prefect_slack.messages import send_chat_message": "from perdure.integrations.slack import send_chat_message",
    "from prefect_gcp.cloud_storage import GcsBucket": "from perdure.integrations.gcp import GcsBucket",
    "from prefect_azure.blob_storage import blob_storage_upload": (
        "from perdure.integrations.azure import blob_storage_upload"
    ),
    "from prefect_dbt.cli.commands import DbtCoreOperation": "from perdure.integrations.dbt import DbtCoreOperation",
    "import prefect_shell\nprefect_shell.shell_run_command('ls')": (
        "import perdure.integrations.shell\nperdure.integrations.shell.shell_run_command('ls')"
    ),
    "import os\nos.environ['PREFECT_HOME']": "import os\nos.environ['PERDURE_HOME']",
}


@pytest.mark.parametrize("before", MOVES)
def test_names_move_and_the_rest_stays(before: str) -> None:
    assert rewritten(before) == MOVES[before]


def test_a_name_that_is_called_otherwise_is_renamed_where_it_is_used() -> None:
    text = """\
        from prefect.futures import PrefectFuture
        def f(x: PrefectFuture, y: "list[PrefectFuture]", PrefectFuture_=1): return x.PrefectFuture
        """
    assert rewritten(text) == dedent(
        """\
        from perdure.futures import Future
        def f(x: Future, y: "list[Future]", PrefectFuture_=1): return x.PrefectFuture
        """
    )


def test_a_name_that_is_taken_already_keeps_the_old_one() -> None:
    text = "from concurrent.futures import Future\nfrom prefect.futures import PrefectFuture\nx: PrefectFuture\n"
    assert "from perdure.futures import Future as PrefectFuture\nx: PrefectFuture" in rewritten(text)


def test_a_variable_of_the_same_name_is_left_alone() -> None:
    text = "from prefect import resume_flow_run\ndef f(resume_flow_run): return resume_flow_run(run_input=1)\n"
    assert "def f(resume_flow_run): return resume_flow_run(run_input=1)" in rewritten(text)


def test_arguments_are_renamed_left_out_or_decided() -> None:
    text = "from airflow.decorators import task\n@task(task_id='a', multiple_outputs=True, pool='p')\ndef f(): ...\n"
    assert "@task(name='a')" in rewritten(text)
    assert decided(text) == [(2, "pool=")]


def test_what_has_no_counterpart_keeps_its_import_and_is_listed() -> None:
    text = "from prefect import flow, Manifest\nimport prefect\nprefect.flow\nprefect.workers.begin()\n"
    assert rewritten(text) == dedent(
        """\
        from perdure import flow
        from prefect import Manifest
        import prefect, perdure
        perdure.flow
        prefect.workers.begin()
        """
    )
    assert decided(text) == [(1, "Manifest"), (4, "prefect.workers")]


def test_names_of_a_class_become_names_that_are_imported() -> None:
    text = "from dbos import DBOS\n@DBOS.workflow()\ndef f(): ...\nDBOS()\n"
    assert "from perdure import flow\n@flow(durable=True)" in rewritten(text)
    assert decided(text) == []


def test_what_no_integration_has_is_listed() -> None:
    text = "from prefect_shell.credentials import Password\nfrom prefect_snowflake import SnowflakeConnector\n"
    assert rewritten(text) == text
    assert decided(text) == [(1, "Password"), (2, "SnowflakeConnector")]


def test_names_of_a_servers_modules_move_to_those_of_clients() -> None:
    text = "from prefect.orion.schemas.filters import FlowFilter\nfrom prefect.server.schemas.states import StateType\n"
    made = "from perdure.client.schemas.filters import FlowFilter\nfrom perdure.states import StateType\n"
    assert rewritten(text) == made
    assert not decided(text)


@pytest.mark.parametrize("other", ["", "from prefect.nowhere import gone\n"])
def test_a_module_whose_every_use_moves_is_imported_no_more(other: str) -> None:
    made = rewritten(f"import prefect\n{other}print(prefect.runtime.flow_run.id)\n")
    assert made == f"import perdure\n{other}print(perdure.runtime.flow_run.id)\n"


def test_rewriting_twice_is_rewriting_once() -> None:
    text = (
        "import prefect\nfrom prefect import flow, Manifest\nfrom prefect.futures import PrefectFuture\n"
        "prefect.Manifest\n"
    )
    once = rewritten(text)
    assert rewritten(once) == once


def test_a_program_of_no_known_system_is_not_even_parsed() -> None:
    assert rewritten("def (") == "def ("


def test_a_program_that_cannot_be_read_is_an_error_with_its_line() -> None:
    with pytest.raises(MigrationError, match="Line 2"):
        rewrite("import prefect\ndef (:\n", SOURCES.values())


def rules() -> list[Move | Decide]:
    """All that the tables of the sources say."""
    from perdure._migration import airflow_names, dagster_names, dbos_names, joblib_names, luigi_names, prefect_names

    found: list[Move | Decide] = [*prefect_names._MOVES.values(), *prefect_names._WITHOUT.values()]
    found += [airflow_names._DAG, airflow_names._TASK]
    found += [*dagster_names._MOVES.values(), *dbos_names._MOVES.values()]
    found += [each for source in SOURCES.values() for each in source.methods.values()]
    tables = (airflow_names, dagster_names, dbos_names, joblib_names, luigi_names)
    found += [value for module in tables for value in vars(module).values()]  # type: ignore[misc]
    return [each for each in found if isinstance(each, Move | Decide)]


def test_every_name_that_something_moves_to_is_there() -> None:
    for move in [each for each in rules() if isinstance(each, Move)]:
        module, _, name = move.to.rpartition(".")
        scope: dict[str, object] = {}
        exec(f"from {module or 'builtins'} import {name}" if module else f"import {name}", scope)


def test_every_section_that_is_named_is_in_the_docs() -> None:
    decides = [each for each in rules() if isinstance(each, Decide)]
    moves = [each for each in rules() if isinstance(each, Move)]
    decides += [value for move in moves for value in move.arguments.values() if isinstance(value, Decide)]
    for section in {each.section for each in decides}:
        page, _, heading = section.partition("#")
        headings = re.findall(r"^#+ (.*)$", (DOCS / page).read_text(), re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w]+", "-", each.lower()) for each in headings}, section


PROGRAM = """
from prefect import flow, task, get_run_logger
from prefect.cache_policies import INPUTS
from prefect.states import Completed


@task(retries=1, cache_policy=INPUTS, persist_result=True)
def double(x):
    return 2 * x


@flow(log_prints=True)
def main():
    get_run_logger().info("start")
    state = Completed(message="done")
    return double.submit(21).result() if state.is_completed() else None


if __name__ == "__main__":
    print(main())
"""


@pytest.mark.slow
def test_a_rewritten_program_runs(tmp_path: Path, home: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "perdure", "migrate", str(tmp_path), "--write"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 file changed, 0 places to decide." in shown.stderr
    assert "prefect" not in program.read_text()
    ran = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert ran.stdout == "42\n"


@pytest.mark.slow
def test_without_write_nothing_is_changed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "perdure", "migrate", str(program)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "+from perdure import flow, task, get_run_logger" in shown.stdout
    assert program.read_text() == PROGRAM
    ast.parse(rewritten(PROGRAM))


def test_a_module_of_prefect_that_has_no_counterpart_is_left_to_the_reader() -> None:
    text = """\
        from prefect.events import DeploymentEventTrigger
        from prefect.client.orchestration import get_client
        """
    assert [line for line, _ in decided(text)] == [1]
    assert "from perdure.client.orchestration import get_client" in rewritten(text)


def test_names_whose_paths_are_the_same_are_left_to_nobody() -> None:
    text = """\
        from prefect.events import emit_event
        from prefect.flow_runs import pause_flow_run, resume_flow_run
        from prefect.logging.loggers import get_run_logger
        from prefect.client.schemas.objects import State, StateType
        from prefect.settings import PREFECT_API_URL, temporary_settings
        """
    assert decided(text) == []
    assert "prefect" not in rewritten(text)


def test_names_of_deployments_are_left_to_nobody() -> None:
    text = """\
        import prefect
        from prefect import deploy, flow, serve
        from prefect.client.schemas.actions import DeploymentScheduleCreate
        from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
        from prefect.client.schemas.objects import ConcurrencyLimitConfig, MinimalDeploymentSchedule
        from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
        from prefect.deployments import Deployment, run_deployment
        from prefect.deployments.flow_runs import run_deployment as start
        from prefect.orion.schemas.schedules import IntervalSchedule
        from prefect.runner.storage import GitRepository
        from prefect.schedules import Cron, Interval
        from prefect.server.schemas.schedules import CronSchedule as OldCron

        prefect.deployments.run_deployment("a/b")
        flow.from_source(".", entrypoint="flows.py:f").deploy("nightly", work_pool_name="p")
        serve(f.to_deployment("x"), g.to_deployment("y"))
        """
    assert decided(text) == []
    assert "prefect" not in rewritten(text)


@pytest.mark.parametrize(
    "text",
    [
        "from prefect.infrastructure import DockerContainer",
        "from prefect.deployments.runner import DeploymentImage",
        "from prefect.docker import DockerImage",
        "from prefect.deployments.steps import run_shell_script",
        "from prefect.runner import Runner",
    ],
)
def test_what_deployments_have_not_here_is_left_to_a_person(text: str) -> None:
    assert [line for line, _ in decided(text)] == [1]
    assert rewritten(text) == text
