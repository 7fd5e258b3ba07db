__all__ = [
    "GitHub",
    "GitHubCredentials",
    "GitHubRepository",
]

class GitHub(Block):
    access_token: SecretStr | None = None
    def as_git(self) -> GitRepository: ...
    block_type = 'github'
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path: ...
    include_git_objects: bool = False
    reference: Ref = None
    @property
    def refs(self) -> tuple[str, ...]: ...
    repository: RepositoryUrl

class GitHubCredentials(Block):
    api_url: str = 'https://api.github.com'
    block_type = 'github-credentials'
    def get_client(self) -> httpx.Client: ...
    def graphql(self, query: str, variables: Mapping[str, object] | None = None) -> Any: ...
    def request(
        self,
        method: str,
        path: str,
        json: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Any: ...
    token: SecretStr | None = None

class GitHubRepository(Block):
    def as_git(self) -> GitRepository: ...
    block_type = 'github-repository'
    credentials: GitHubCredentials = Field(default_factory=GitHubCredentials)
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path: ...
    include_git_objects: bool = False
    reference: Ref = None
    @property
    def refs(self) -> tuple[str, ...]: ...
    repository_url: RepositoryUrl
