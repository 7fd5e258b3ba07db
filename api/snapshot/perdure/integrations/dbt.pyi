__all__ = [
    "DbtCliProfile",
    "DbtCoreOperation",
    "DbtNode",
    "DbtResult",
    "TargetConfigs",
    "trigger_dbt_cli_command",
]

class DbtCliProfile(Block):
    block_type = 'dbt-cli-profile'
    def get_profile(self) -> dict[str, Any]: ...
    global_configs: dict[str, Any] = Field(default_factory=dict)
    name: str
    target: str
    target_configs: TargetConfigs

class DbtCoreOperation(ShellOperation):
    block_type = 'dbt-core-operation'
    dbt_cli_profile: DbtCliProfile | None = None
    overwrite_profiles: bool = False
    profiles_dir: Path | None = None
    project_dir: Path | None = None

class DbtNode(NamedTuple):
    message: str | None
    name: str
    seconds: float
    status: str

class DbtResult(NamedTuple):
    nodes: list[DbtNode]
    output: list[str]
    success: bool

class TargetConfigs(BaseModel):
    extras: dict[str, Any] = Field(default_factory=dict)
    def get_configs(self) -> dict[str, object]: ...
    model_config: object
    schema_: str | None = Field(default=None, alias='schema')
    threads: int = 4
    type: str

async def trigger_dbt_cli_command(
    command: str,
    profiles_dir: str | Path | None = None,
    project_dir: str | Path | None = None,
    overwrite_profiles: bool = False,
    dbt_cli_profile: DbtCliProfile | None = None,
    create_summary_artifact: bool = True,
    summary_artifact_key: str = 'dbt-cli-command-summary',
    extra_command_args: Sequence[str] = (),
    stream_output: bool = True,
) -> DbtResult: ...
