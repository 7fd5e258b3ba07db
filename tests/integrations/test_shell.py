"""Commands of the shell, as real processes."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from perdure import cancel_flow_run, flow, runtime, session, task
from perdure.errors import CommandFailed, IntegrationError
from perdure.integrations.shell import ShellOperation, shell_run_command


def until_gone(pid: int) -> bool:
    """Whether a process is gone within some seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def pid_in(path: Path) -> int:
    """What a command wrote as soon as it ran."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().endswith("\n"):
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


def test_a_command_gives_the_last_line_or_all() -> None:
    @flow
    def both() -> tuple[object, object]:
        return shell_run_command("echo a; echo b"), shell_run_command("echo a; echo b", return_all=True)

    assert both() == ("b", ["a", "b"])


def test_in_a_coroutine_flow_it_is_awaited() -> None:
    @flow
    async def both() -> tuple[object, object]:
        return await shell_run_command("echo a"), await ShellOperation(commands=["echo b"]).run()

    assert asyncio.run(both()) == ("a", ["b"])


def test_a_command_has_its_environment_directory_and_helper(tmp_path: Path) -> None:
    @flow
    def ask() -> object:
        return shell_run_command(
            "echo $CITY $BY; pwd", {"CITY": "Oslo"}, helper_command="BY=train", return_all=True, cwd=tmp_path
        )

    assert ask() == ["Oslo train", str(tmp_path)]


def test_an_operation_runs_its_commands_in_one_shell(tmp_path: Path) -> None:
    operation = ShellOperation(
        commands=["read x < /dev/stdin; CITY=Oslo", "echo $CITY $TOKEN"],
        env={"TOKEN": SecretStr("s3cret")},
        working_dir=tmp_path,
    )
    assert operation.run() == ["Oslo s3cret"]
    assert "s3cret" not in repr(operation)


def test_a_failed_command_is_an_error_with_the_end_of_standard_error() -> None:
    operation = ShellOperation(commands=["seq 1 100 >&2; exit 3"])
    with pytest.raises(CommandFailed, match=r"exit code 3:\n81\n") as caught:
        operation.run()
    assert caught.value.exit_code == 3
    assert caught.value.args[0].endswith("\n100")


def test_a_signal_is_named() -> None:
    with pytest.raises(CommandFailed, match=r"'kill -9 \$\$' ended with signal 9\."):
        ShellOperation(commands=["kill -9 $$"]).run()


@pytest.mark.parametrize(("shell", "directory"), [("no-such-shell", None), (None, Path("no-such-place"))])
def test_what_cannot_be_started_is_named(shell: str | None, directory: Path | None) -> None:
    with pytest.raises(IntegrationError, match="no-such"):
        ShellOperation(commands=["true"], shell=shell, working_dir=directory).run()


def test_another_shell_has_its_own_options() -> None:
    with pytest.raises(CommandFailed, match="exit code 1"):
        ShellOperation(commands=["false", "echo not reached"], shell="sh -e").run()


def test_commands_may_be_of_any_length() -> None:
    assert ShellOperation(commands=[f"echo {'x' * 300_000}"]).run() == ["x" * 300_000]


def test_lines_are_logged_with_the_run() -> None:
    @task
    def noisy() -> None:
        ShellOperation(commands=["echo to the log; echo and this >&2"]).run()

    @flow
    def run() -> None:
        noisy()
        ShellOperation(commands=["echo in the flow"]).run()
        ShellOperation(commands=["echo nowhere"], stream_output=False).run()

    run()
    lines = {each.message for each in session.current().orchestrator.logs()}
    assert {"to the log", "and this", "in the flow"} <= lines
    assert "nowhere" not in lines


def test_a_started_operation_is_waited_for(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with ShellOperation(commands=[f"until [ -e {go} ]; do sleep 0.01; done; echo done"]) as operation:
        process = operation.trigger()
        assert process.return_code is None
        go.touch()
        process.wait_for_completion()
        assert (process.return_code, process.fetch_result()) == (0, ["done"])


def test_leaving_the_block_ends_all_that_was_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with ShellOperation(commands=[f"sh -c 'echo $$ > {file}; sleep 60' & wait"]) as operation:
        operation.trigger()
        pid = pid_in(file)
    assert until_gone(pid)


def test_what_a_command_leaves_in_the_background_is_left_alone() -> None:
    (pid,) = ShellOperation(commands=["sleep 60 & echo $!"]).run()
    os.kill(int(pid), 9)  # it is there


def test_a_task_whose_time_is_up_ends_its_command(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    @flow
    def late() -> object:
        command = f"sh -c 'echo $$ > {file}; sleep 60'; true"
        return shell_run_command.with_options(timeout_seconds=0.5)(command, return_state=True)

    late(return_state=True)
    assert until_gone(pid_in(file))


def test_a_plain_flow_whose_time_is_up_ends_its_command(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    @flow(timeout_seconds=0.5)
    def late() -> object:
        return ShellOperation(commands=[f"sh -c 'echo $$ > {file}; sleep 60'; true"]).run()

    assert late(return_state=True).name == "TimedOut"
    assert until_gone(pid_in(file))


@pytest.mark.slow
def test_a_cancelled_flow_ends_its_command(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    ids: list[object] = []

    @task
    def long() -> object:
        return ShellOperation(commands=[f"sh -c 'trap : TERM; echo $$ > {file}; sleep 60'; true"]).run()

    @flow
    def cancelled() -> object:
        ids.append(runtime.flow_run.id)
        return long.submit().result()

    future = cancelled.submit()
    pid = pid_in(file)
    cancel_flow_run(str(ids[0]))
    assert until_gone(pid)
    future.wait()
    assert future.state.name == "Cancelled"


def test_a_saved_operation_runs() -> None:
    ShellOperation(commands=["echo $TOKEN"], env={"TOKEN": SecretStr("s3cret")}).save("mine")
    assert ShellOperation.load("mine").run() == ["s3cret"]
