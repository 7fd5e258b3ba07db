"""dbt: a real one with DuckDB, in an environment of its own."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bench.environments import python_with
from bench.peers import ROOT
from perdure import flow, session
from perdure.errors import CommandFailed, IntegrationError
from perdure.integrations.dbt import DbtCliProfile, DbtCoreOperation, TargetConfigs, trigger_dbt_cli_command
from perdure.records import ArtifactFilter

PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "models/sales.sql": "select 1 as id, 3 as price union all select 2, 9",
    "models/total.sql": "select sum(price) as total from {{ ref('sales') }}",
    "models/tests.yml": "models: [{name: sales, columns: [{name: id, data_tests: [unique]}]}]",
}


@pytest.fixture(scope="session")
def dbt() -> Path:
    """The folder with dbt's program."""
    try:
        return python_with("dbt", ROOT / "requirements" / "dbt.txt").parent
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"{' '.join(map(str, error.cmd))}\n{error.stdout}{error.stderr}") from None


@pytest.fixture
def project(dbt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two models and a test."""
    monkeypatch.setenv("PATH", f"{dbt}{os.pathsep}{os.environ['PATH']}")
    for name, text in PROJECT.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "shop"


def profile(folder: Path) -> DbtCliProfile:
    fields: dict[str, Any] = {"path": str(folder / "shop.duckdb")}
    return DbtCliProfile(
        name="shop", target="dev", target_configs=TargetConfigs(type="duckdb", threads=1, extras=fields)
    )


def artifacts() -> list[Any]:
    return list(session.current().orchestrator.artifacts(ArtifactFilter()))


@pytest.mark.slow
def test_a_command_gives_what_became_of_each_node(project: Path) -> None:
    @flow
    def build() -> Any:
        return trigger_dbt_cli_command("dbt build", project_dir=project, dbt_cli_profile=profile(project))

    result = build()
    assert result.success
    assert {(node.name.rpartition(".")[0], node.status) for node in result.nodes} == {
        ("model.shop", "success"),
        ("test.shop.unique_sales_id", "pass"),
    }
    assert any("Completed successfully" in line for line in result.output)
    (artifact,) = artifacts()
    assert artifact.key == "dbt-cli-command-summary"
    assert "| model.shop.total | success |" in str(artifact.data)
    assert not list(project.rglob("profiles.yml"))


@pytest.mark.slow
def test_a_failed_node_is_an_error_and_in_the_summary(project: Path) -> None:
    (project / "models" / "total.sql").write_text("select nonsense from {{ ref('sales') }}")

    @flow
    async def build() -> Any:
        return await trigger_dbt_cli_command("build", project_dir=project, dbt_cli_profile=profile(project))

    with pytest.raises(CommandFailed, match="'build' ended with exit code 1"):
        asyncio.run(build())
    (artifact,) = artifacts()
    assert "`build` failed" in str(artifact.data)
    assert str(artifact.data).index("model.shop.total | error") < str(artifact.data).index("model.shop.sales | success")


@pytest.mark.slow
def test_an_operation_runs_until_a_command_fails(project: Path) -> None:
    operation = DbtCoreOperation(
        commands=["pwd", "dbt run --select sales", "false", "echo not reached"],
        project_dir=project,
        dbt_cli_profile=profile(project),
    )
    with operation:
        process = operation.trigger()
        with pytest.raises(CommandFailed, match="exit code 1"):
            process.wait_for_completion()
        lines = process.fetch_result()
    assert lines[0] == str(project)
    assert any("PASS=1" in line for line in lines)
    assert "not reached" not in lines


def test_a_saved_profile_keeps_its_secrets() -> None:
    fields = {"type": "postgres", "schema": "public", "host": "db", "password": SecretStr("s3cret")}
    made = DbtCliProfile(name="shop", target="dev", target_configs=fields)  # type: ignore[arg-type]
    DbtCoreOperation(commands=["dbt run"], dbt_cli_profile=made).save("mine")
    loaded = DbtCoreOperation.load("mine").dbt_cli_profile
    assert loaded == made
    assert "s3cret" not in repr(loaded)
    assert loaded is not None
    assert loaded.get_profile()["shop"]["outputs"]["dev"] == {
        "type": "postgres",
        "schema": "public",
        "threads": 4,
        "host": "db",
        "password": "s3cret",
    }


def test_without_dbt_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IntegrationError, match="pip install dbt-core"):
        asyncio.run(trigger_dbt_cli_command("dbt build", dbt_cli_profile=profile(tmp_path)))
