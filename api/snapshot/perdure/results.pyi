__all__ = [
    "BaseResult",
    "Difference",
    "ImportSummary",
    "LiteralResult",
    "MissingResult",
    "PersistedResult",
    "PersistedResultBlob",
    "Pruned",
    "Retention",
    "Rewriting",
    "UnpersistedResult",
    "Verdict",
    "afind_result",
    "aget_result",
    "copy_result",
    "diff",
    "find_result",
    "get_result",
    "import_results",
    "preview_of",
    "prune",
    "remove_result",
    "result_from_json",
    "rewrite",
    "verify",
]

class BaseResult(FetchableResult[R]):
    async def aget(self) -> Any: ...
    @property
    def artifact_description(self) -> str: ...
    artifact_type = 'result'
    def describe(self) -> dict[str, Any]: ...
    def get(self) -> R: ...
    def get_own(self) -> R: ...
    def has_cached_object(self) -> bool: ...
    @property
    def in_memory(self) -> R | None: ...
    def json(self) -> str: ...
    def load(self) -> Any: ...
    @classmethod
    def parse_raw(cls, text: str | bytes) -> BaseResult[Any]: ...
    type = 'base'

class Difference:
    def __init__(
        self,
        is_same: bool,
        by: Literal['digest', 'value'],
        changes: tuple[Change, ...] = (),
        more: int = 0,
        chunks: Chunks | None = None,
    ) -> None: ...
    by: Literal['digest', 'value']
    changes: tuple[Change, ...] = ()
    chunks: Chunks | None = None
    is_same: bool
    more: int = 0

class ImportSummary(NamedTuple):
    examples: tuple[str, ...]
    flow_run_id: str | None
    imported: int
    known: int
    others: int
    place: str
    size: int

class LiteralResult(BaseResult[R]):
    def __init__(self, value: R) -> None: ...
    async def aget(self) -> Any: ...
    @property
    def artifact_description(self) -> str: ...
    artifact_type = 'result'
    @classmethod
    def create(cls, obj: R) -> Any: ...
    def describe(self) -> dict[str, Any]: ...
    def get(self) -> R: ...
    def has_cached_object(self) -> bool: ...
    def load(self) -> R: ...
    @property
    def python_type(self) -> str: ...
    type = 'literal'
    value: object

from perdure.errors import ResultNotKept as MissingResult

class PersistedResult(BaseResult[R]):
    def __init__(
        self,
        *,
        storage_id: str,
        storage_key: str,
        serializer: str,
        python_type: str | None = None,
        size: int | None = None,
        digest: str | None = None,
        expires: int | None = None,
        storage: object = None,
        keep: bool = True,
        preview: str | None = None,
        document: bytes | None = None,
        run_id: str | None = None,
    ) -> None: ...
    async def aget(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R: ...
    @property
    def artifact_description(self) -> str: ...
    artifact_type = 'result'
    @classmethod
    def create(
        cls,
        obj: R,
        storage_block: object,
        storage_block_id: str | uuid.UUID,
        storage_key_fn: Callable[[], str],
        serializer: object,
        cache_object: bool = True,
    ) -> Any: ...
    def describe(self) -> dict[str, object]: ...
    digest: object
    document: object
    expires: object
    find_storage: Callable[[str], Any]
    def get(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R: ...
    def get_own(self) -> R: ...
    def has_cached_object(self) -> bool: ...
    @property
    def in_memory(self) -> R | None: ...
    def load(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R: ...
    @property
    def location(self) -> str: ...
    def open(self) -> BinaryIO: ...
    @property
    def payload_location(self) -> str | None: ...
    python_type: object
    def read(self) -> PersistedResultBlob: ...
    def remember(self, value: R) -> None: ...
    run_id: object
    serializer: object
    @property
    def serializer_type(self) -> str: ...
    size: object
    @property
    def storage(self) -> Any: ...
    @property
    def storage_block_id(self) -> str: ...
    storage_id: object
    storage_key: object
    def take_preview(self) -> str | None: ...
    type = 'reference'
    write: Callable[..., PersistedResult[Any]]

class PersistedResultBlob(NamedTuple):
    data: bytes
    digest: str | None = None
    @classmethod
    def from_bytes(
        cls,
        document: bytes,
        where: Where = _nowhere,
        key: str | None = None,
    ) -> PersistedResultBlob: ...
    is_signed: bool = False
    def json(self) -> str: ...
    def load(self, where: Where = _nowhere, storage: Storage | None = None) -> Any: ...
    def load_part(
        self,
        where: Where,
        storage: Storage,
        columns: Sequence[str] | None,
        rows: slice | None,
    ) -> Any: ...
    def open(self, where: Where, storage: Storage) -> BinaryIO: ...
    @classmethod
    def parse_obj(cls, document: Mapping[str, object]) -> PersistedResultBlob: ...
    @classmethod
    def parse_raw(cls, document: bytes | str) -> PersistedResultBlob: ...
    payload: Layout | None = None
    def pieces(self, where: Where, storage: Storage) -> Iterator[bytes]: ...
    serializer: Any
    size: int | None = None
    def to_bytes(self) -> bytes: ...
    type: str | None = None
    def verify(self, where: Where, storage: Storage) -> None: ...
    version: str = VERSION

class Pruned:
    def __init__(
        self,
        dry_run: bool,
        grace_seconds: float,
        freed: list[Freed] = list(),
        waiting: list[Freed] = list(),
        orphans: list[Orphans] = list(),
        failures: dict[str, str] = dict(),
        skipped: list[Skipped] = list(),
    ) -> None: ...
    @property
    def count(self) -> int: ...
    dry_run: bool
    failures: dict[str, str] = field(default_factory=dict)
    freed: list[Freed] = field(default_factory=list)
    grace_seconds: float
    orphans: list[Orphans] = field(default_factory=list)
    @property
    def size(self) -> int: ...
    skipped: list[Skipped] = field(default_factory=list)
    waiting: list[Freed] = field(default_factory=list)

class Retention:
    def __init__(
        self,
        age: timedelta | None = None,
        runs: int | None = None,
        size: int | None = None,
    ) -> None: ...
    age: timedelta | None = None
    def limits(self) -> dict[str, float | int]: ...
    @classmethod
    def of(cls, value: object) -> Retention: ...
    runs: int | None = None
    size: int | None = None

class Rewriting(NamedTuple):
    reason: str | None = None
    record: ResultRecord
    steps: tuple[Step, ...]

class UnpersistedResult(BaseResult[R]):
    def __init__(self, value: R = MISSING, python_type: str | None = None) -> None: ...
    async def aget(self) -> Any: ...
    @property
    def artifact_description(self) -> str: ...
    artifact_type = 'result'
    @classmethod
    def create(cls, obj: R, cache_object: bool = True) -> Any: ...
    def describe(self) -> dict[str, object]: ...
    def get(self) -> R: ...
    def has_cached_object(self) -> bool: ...
    @property
    def in_memory(self) -> R | None: ...
    def load(self) -> R: ...
    python_type: object
    type = 'unpersisted'

class Verdict(NamedTuple):
    finding: Finding
    reason: str | None = None
    record: ResultRecord

async def afind_result(run: RunLike) -> BaseResult[Any]: ...

async def aget_result(
    run: RunLike,
    raise_on_failure: bool = True,
    *,
    columns: Sequence[str] | None = None,
    rows: slice | None = None,
) -> Any: ...

def copy_result(
    run_id: str | UUID,
    to: Storage | str | Path,
    key: str | None = None,
    move: bool = False,
) -> Transfer: ...

def diff(before: str | UUID, after: str | UUID, by_digest: bool = False) -> Difference: ...

def find_result(run: RunLike) -> BaseResult[Any]: ...

def get_result(
    run: RunLike,
    raise_on_failure: bool = True,
    *,
    columns: Sequence[str] | None = None,
    rows: slice | None = None,
) -> Any: ...

def import_results(
    storage: Storage | Path | str,
    *,
    flow: str = 'prefect-import',
    dry_run: bool = False,
) -> ImportSummary: ...

def preview_of(value: object) -> str | None: ...

def prune(
    *,
    dry_run: bool = False,
    grace: timedelta | float | None = None,
    orphans: bool = False,
) -> Pruned: ...

def remove_result(run_id: str | UUID, force: bool = False) -> Removal: ...

def result_from_json(text: str | bytes) -> BaseResult[Any]: ...

def rewrite(
    run_ids: Sequence[str | UUID] = (),
    *,
    wanted: ResultFilter | None = None,
    serializer: str | Serializer | None = None,
    sign_unsigned: bool = False,
    dry_run: bool = False,
) -> Iterator[Rewriting]: ...

def verify(
    run_ids: Sequence[str | UUID] = (),
    quick: bool = False,
    wanted: ResultFilter | None = None,
    storages: FindStorage | None = None,
) -> Iterator[Verdict]: ...
