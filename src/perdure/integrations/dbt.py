"""dbt: its commands, with their lines in the run's log and a summary of what they did as an artifact.

dbt is a program here, not a library: it is found on the PATH or beside Python, in whatever version.
"""

import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._model.errors import CommandFailed, IntegrationError
from perdure._platform.named import NamedTuple
from perdure._rooms.artifacts.creation import create_markdown_artifact
from perdure._run.started_programs import Command, Process
from perdure.integrations.calling import run_log
from perdure.integrations.shell import ShellOperation

__all__ = ["DbtCliProfile", "DbtCoreOperation", "DbtNode", "DbtResult", "TargetConfigs", "trigger_dbt_cli_command"]

_PLAIN = {"DBT_USE_COLORS": "False"}  # what goes to a log has no colours
_SHOWN = 200  # nodes in a summary


class TargetConfigs(BaseModel):
    """Where dbt builds: the kind of database, the schema, and what else its adapter takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    type: str
    schema_: str | None = Field(default=None, alias="schema")
    threads: int = 4
    extras: dict[str, Any] = Field(default_factory=dict)  # a password is a SecretStr

    @model_validator(mode="before")
    @classmethod
    def _others_are_extras(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        own = {"type", "schema", "schema_", "threads", "extras"}
        others = {name: each for name, each in value.items() if name not in own}
        return {name: value[name] for name in own & value.keys()} | {"extras": {**value.get("extras", {}), **others}}

    def get_configs(self) -> dict[str, object]:
        """The output of a profile, secrets revealed."""
        schema = {} if self.schema_ is None else {"schema": self.schema_}
        return {"type": self.type, **schema, "threads": self.threads, **_revealed(self.extras)}


class DbtCliProfile(Block):
    """A profile of dbt, in place of a `profiles.yml` that lies on the machine."""

    block_type = "dbt-cli-profile"

    name: str
    target: str
    target_configs: TargetConfigs  # or a dict of what the profile says
    global_configs: dict[str, Any] = Field(default_factory=dict)

    def get_profile(self) -> dict[str, Any]:
        """What `profiles.yml` says, secrets revealed."""
        profile = {self.name: {"target": self.target, "outputs": {self.target: self.target_configs.get_configs()}}}
        return {"config": self.global_configs, **profile} if self.global_configs else profile


class DbtCoreOperation(ShellOperation):
    """Commands of dbt, which run one after the other: `DbtCoreOperation(commands=["dbt build"]).run()`.

    The first command that fails ends all.
    """

    block_type = "dbt-core-operation"

    profiles_dir: Path | None = None
    project_dir: Path | None = None
    dbt_cli_profile: DbtCliProfile | None = None  # in place of what is in profiles_dir
    overwrite_profiles: bool = False  # nothing needs it: a profile is written elsewhere, for the time of the commands

    def _start(self) -> Process:
        folder = _written(self.dbt_cli_profile)
        options = _options(self.project_dir, folder or self.profiles_dir)
        commands = [f"{each} {shlex.join(options)}" if _is_dbt(each) else each for each in self.commands]
        lines = ShellOperation(
            commands=["set -e", *commands] if self.shell is None and os.name != "nt" else commands,
            stream_output=self.stream_output,
            env={**_PLAIN, "PATH": _path(), **self.env},
            working_dir=self.working_dir or self.project_dir,
            shell=self.shell,
            extension=self.extension,
        )
        return lines._start_with(_removal_of(folder))


class DbtNode(NamedTuple):
    """What became of a model, test, seed or snapshot."""

    name: str  # "model.shop.sales"
    status: str  # "success", "pass", "error", "fail", "skipped", ...
    seconds: float
    message: str | None


class DbtResult(NamedTuple):
    """What a command of dbt did."""

    success: bool
    output: list[str]
    nodes: list[DbtNode]


@task
async def trigger_dbt_cli_command(
    command: str,
    profiles_dir: str | Path | None = None,
    project_dir: str | Path | None = None,
    overwrite_profiles: bool = False,  # noqa: ARG001 - a profile is written elsewhere
    dbt_cli_profile: DbtCliProfile | None = None,
    create_summary_artifact: bool = True,
    summary_artifact_key: str = "dbt-cli-command-summary",
    extra_command_args: Sequence[str] = (),
    stream_output: bool = True,
) -> DbtResult:
    """Run a command of dbt, such as "dbt build", and make an artifact of what it did.

    Raises:
        CommandFailed: dbt ended with another exit code than 0; the artifact says which nodes failed.
        IntegrationError: dbt is not installed.
    """
    folder = _written(dbt_cli_profile)
    project = Path(project_dir or ".").expanduser().absolute()
    options = _options(project_dir and project, folder or profiles_dir)
    words = shlex.split(command.strip().removeprefix("dbt"))
    level = 20 if stream_output else None
    results = Path(os.environ.get("DBT_TARGET_PATH") or project / "target") / "run_results.json"
    before = _changed(results)
    arguments = [_program(folder), *words, *options, *extra_command_args]
    called = Command(arguments, _PLAIN, project, level, f"The command {command!r}")
    process = Process(called, run_log("integrations.dbt").log, _removal_of(folder))
    failure: CommandFailed | None = None
    try:
        await process.await_end()
    except CommandFailed as error:
        failure = error
    nodes = _nodes(results) if _changed(results) != before else []
    if create_summary_artifact:
        create_markdown_artifact(_summary(command, failure is None, nodes, process.output), key=summary_artifact_key)
    if failure is not None:
        raise failure
    return DbtResult(True, process.output, nodes)


def _nodes(results: Path) -> list[DbtNode]:
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    return [DbtNode(each["unique_id"], each["status"], each["execution_time"], each.get("message")) for each in found]


def _summary(command: str, success: bool, nodes: Sequence[DbtNode], output: Sequence[str]) -> str:
    """What happened, for people: the nodes that went wrong come first."""
    lines = [f"# `{command}` {'succeeded' if success else 'failed'}", ""]
    if nodes:
        wrong = ("error", "fail", "runtime error", "partial success", "warn", "skipped")
        rank = {status: index for index, status in enumerate(wrong)}
        lines += ["| node | status | seconds | message |", "|---|---|--:|---|"]
        for each in sorted(nodes, key=lambda node: rank.get(node.status, len(rank)))[:_SHOWN]:
            message = " ".join((each.message or "").replace("|", "\\|").split())
            lines.append(f"| {each.name} | {each.status} | {each.seconds:.2f} | {message} |")
        if len(nodes) > _SHOWN:
            lines.append(f"\nand {len(nodes) - _SHOWN:,} more")
    else:
        lines += ["```", *output[-20:], "```"]
    return "\n".join(lines)


def _changed(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _is_dbt(command: str) -> bool:
    return command.split()[:1] == ["dbt"]


def _options(project_dir: str | Path | None, profiles_dir: str | Path | None) -> list[str]:
    given = {"--project-dir": project_dir, "--profiles-dir": profiles_dir}
    return [part for name, value in given.items() if value for part in (name, str(Path(value).expanduser().absolute()))]


def _path() -> str:
    """The PATH, with the programs that are installed beside Python at its end."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _program(profile: Path | None) -> str:
    found = shutil.which("dbt", path=_path())
    if found is None:
        _removal_of(profile)()
        raise IntegrationError("dbt is not installed. Run `pip install dbt-core` and its adapter, or correct the PATH.")
    return found


def _written(profile: DbtCliProfile | None) -> Path | None:
    """A directory of its own for a profile, which only this user reads. JSON is YAML, too."""
    if profile is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="perdure-dbt-"))
    (folder / "profiles.yml").write_text(json.dumps(profile.get_profile()), encoding="utf-8")
    return folder


def _removal_of(folder: Path | None) -> Callable[[], None]:
    return (lambda: None) if folder is None else lambda: shutil.rmtree(folder, ignore_errors=True)


def _revealed(value: object) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _revealed(each) for key, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list | tuple) else value
