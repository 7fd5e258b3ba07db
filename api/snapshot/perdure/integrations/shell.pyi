__all__ = [
    "ShellOperation",
    "ShellProcess",
    "shell_run_command",
]

class ShellOperation(Block):
    block_type = 'shell-operation'
    def close(self) -> None: ...
    commands: list[str] = Field(min_length=1)
    env: dict[str, str | SecretStr] = Field(default_factory=dict)
    extension: str | None = None
    def run(self) -> Any: ...
    shell: str | None = None
    stream_output: bool = True
    def trigger(self) -> ShellProcess: ...
    working_dir: Path | None = None

class ShellProcess:
    def __init__(self, process: Process) -> None: ...
    def end(self) -> None: ...
    def fetch_result(self) -> list[str]: ...
    @property
    def pid(self) -> int: ...
    @property
    def return_code(self) -> int | None: ...
    def wait_for_completion(self) -> Any: ...

async def shell_run_command(
    command: str,
    env: Mapping[str, str] | None = None,
    helper_command: str | None = None,
    shell: str | None = None,
    extension: str | None = None,
    return_all: bool = False,
    stream_level: int = logging.INFO,
    cwd: str | Path | None = None,
) -> list[str] | str: ...
