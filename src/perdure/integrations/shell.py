"""Commands of the shell: their lines go to the run's log, and they end with the run that started them."""

import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import Field, PrivateAttr, SecretStr

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._run.started_programs import Command, Process
from perdure.integrations.calling import awaited_in_async_code, run_log

__all__ = ["ShellOperation", "ShellProcess", "shell_run_command"]

_WINDOWS = os.name == "nt"
_SHELL = "powershell" if _WINDOWS else "bash"
_EXTENSIONS = {"powershell": ".ps1", "powershell.exe": ".ps1", "pwsh": ".ps1", "cmd": ".bat", "cmd.exe": ".bat"}


@task
async def shell_run_command(
    command: str,
    env: Mapping[str, str] | None = None,
    helper_command: str | None = None,
    shell: str | None = None,
    extension: str | None = None,
    return_all: bool = False,
    stream_level: int = logging.INFO,
    cwd: str | Path | None = None,
) -> list[str] | str:
    """Run a command in a shell, bash by default; the last line of its standard output, or all of them.

    `env` is added to the environment; `helper_command` runs before, in the same shell. The lines are logged with
    `stream_level`. When the task is cancelled, or its time is up, the command and all that it has started end.

    Raises:
        CommandFailed: it ended with another exit code than 0.
        IntegrationError: it cannot be started.
    """
    commands = [command] if helper_command is None else [helper_command, command]
    process = _start(commands, env or {}, cwd, shell, extension, stream_level)
    await process.await_end()
    lines = process.output
    return lines if return_all else (lines[-1] if lines else "")


class ShellProcess:
    """Commands that were started: `wait_for_completion()`, then `fetch_result()`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The number of the shell's process."""
        return self._process.pid

    @property
    def return_code(self) -> int | None:
        """The exit code, or a signal's number below zero; None while it runs."""
        return self._process.return_code

    def wait_for_completion(self) -> Any:
        """Return when the commands have ended; in async code, awaited.

        Raises:
            CommandFailed: by another exit code than 0.
        """
        return _wait(self._process)

    @awaited_in_async_code
    def fetch_result(self) -> list[str]:
        """The lines of standard output so far; in async code, awaited."""
        return self._process.output

    def end(self) -> None:
        """Have the commands end, and all that they have started; does not wait for that."""
        self._process.end()


class ShellOperation(Block):
    """Commands that run one after the other in one shell: `ShellOperation(commands=["make data"]).run()`.

    As a context manager, it ends what it has started when the block is left.
    """

    block_type = "shell-operation"

    commands: list[str] = Field(min_length=1)
    stream_output: bool = True  # to the log of the run
    env: dict[str, str | SecretStr] = Field(default_factory=dict)  # besides the environment of this process
    working_dir: Path | None = None  # this process's own by default
    shell: str | None = None  # bash, and on Windows powershell, by default
    extension: str | None = None  # of the script's file; by default what the shell takes

    _started: list[Process] = PrivateAttr(default_factory=list)

    def run(self) -> Any:
        """Run the commands, and return the lines of their standard output; in async code, awaited.

        Raises:
            CommandFailed: the last of them ended with another exit code than 0; has the end of standard error.
            IntegrationError: the shell cannot be started.
        """
        process = self._start()
        made = _wait(process)
        return process.output if made is None else _output(made, process)

    @awaited_in_async_code
    def trigger(self) -> ShellProcess:
        """Start the commands, and return without waiting for them; in async code, awaited.

        Raises:
            IntegrationError: the shell cannot be started.
        """
        process = self._start()
        self._started.append(process)
        return ShellProcess(process)

    @awaited_in_async_code
    def close(self) -> None:
        """Have all that `trigger` started end, if it has not; in async code, awaited."""
        self._end_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_all()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_all()

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_started": []}}

    def _start(self) -> Process:
        return self._start_with(lambda: None)

    def _start_with(self, after: Callable[[], None]) -> Process:
        """Start the commands; `after` is called when they have ended."""
        env = {name: value if isinstance(value, str) else value.get_secret_value() for name, value in self.env.items()}
        level = logging.INFO if self.stream_output else None
        return _start(self.commands, env, self.working_dir, self.shell, self.extension, level, after)

    def _end_all(self) -> None:
        while self._started:
            self._started.pop().end()


def _start(
    commands: Sequence[str],
    env: Mapping[str, str],
    directory: str | Path | None,
    shell: str | None,
    extension: str | None,
    level: int | None,
    after: Callable[[], None] = lambda: None,
) -> Process:
    program = shell or _SHELL
    script = _script(commands, extension or _EXTENSIONS.get(Path(program).name.lower(), ".sh"))
    command = Command(
        [*program.split(), script],
        env,
        None if directory is None else Path(directory).expanduser(),
        level,
        f"The command {_first_line(commands)!r}",
    )

    def clean() -> None:
        _remove(script)
        after()

    return Process(command, run_log("integrations.shell").log, clean)


def _script(commands: Sequence[str], extension: str) -> str:
    """A file with the commands, so that they may be of any length, and read standard input."""
    with tempfile.NamedTemporaryFile(
        "w", suffix=extension, prefix="perdure-", delete=False, encoding="utf-8", newline="\n"
    ) as file:
        file.write("\n".join(commands))
        if extension == ".ps1":  # else PowerShell's own exit code is 0 or 1
            file.write("\nexit $LASTEXITCODE")
    return file.name


def _first_line(commands: Sequence[str]) -> str:
    line = commands[-1].strip().partition("\n")[0]
    return line if len(line) <= 60 else f"{line[:59]}…"


def _remove(script: str) -> None:
    with suppress(OSError):
        Path(script).unlink()


def _wait(process: Process) -> Any:
    """Wait for the end, or in async code a coroutine that does."""
    from perdure._model.colour import caller_is_async

    return process.await_end() if caller_is_async() else process.wait()


async def _output(ended: Awaitable[object], process: Process) -> list[str]:
    await ended
    return process.output
