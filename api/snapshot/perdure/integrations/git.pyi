__all__ = [
    "GitRepository",
    "Ref",
    "RepositoryUrl",
    "Wanted",
    "copy_into",
]

class GitRepository(Block):
    def __init__(self, url: str | None = None, **fields: Any) -> None: ...
    block_type = 'git-repository'
    branch: Ref = None
    commit_sha: str | None = None
    credentials: GitHubCredentials | SecretStr | dict[str, SecretStr] | None = None
    @property
    def destination(self) -> Path: ...
    directories: tuple[str, ...] = ()
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path: ...
    include_submodules: bool = False
    name: str | None = None
    def pull_code(self) -> Path: ...
    tag: Ref = None
    url: RepositoryUrl

Ref: object

RepositoryUrl: object

class Wanted(NamedTuple):
    commit: str | None = None
    directories: Sequence[str] = ()
    refs: Sequence[str] = ('HEAD',)
    submodules: bool = False
    token: SecretStr | None = None
    url: str
    user: str | None = None

def copy_into(
    wanted: Wanted,
    from_path: str | None,
    local_path: str | Path | None,
    with_objects: bool = False,
) -> Path: ...
