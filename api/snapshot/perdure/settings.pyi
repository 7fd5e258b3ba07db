__all__ = [
    "NamedSetting",
    "Profiles",
    "SETTINGS",
    "Secret",
    "Setting",
    "Settings",
    "Source",
    "as_environment",
    "current",
    "find_setting",
    "get_current_settings",
    "profiles",
    "reload",
    "sources",
    "temporary_settings",
    "text_of",
]

class NamedSetting:
    def __init__(self, setting: Setting, current: Callable[[], Settings]) -> None: ...
    @property
    def field(self) -> str: ...
    @property
    def name(self) -> str: ...
    setting: object
    def value(self) -> Any: ...
    def value_from(self, settings: Settings) -> Any: ...

class Profiles:
    def __init__(self, home: Path) -> None: ...
    def active(self) -> str: ...
    def create(self, name: str) -> None: ...
    def delete(self, name: str) -> None: ...
    def inspect(self, name: str, *, show_secrets: bool = False) -> dict[str, str]: ...
    def names(self) -> list[str]: ...
    path: object
    def rename(self, old: str, new: str) -> None: ...
    def set(self, name: str, values: Mapping[str, str]) -> None: ...
    def unset(self, name: str, keys: list[str]) -> None: ...
    def use(self, name: str) -> None: ...
    def values(self, name: str | None = None) -> tuple[str, dict[str, object]]: ...

SETTINGS: Mapping[str, Setting]

class Secret:
    def __init__(self, text: str) -> None: ...
    def reveal(self) -> str: ...

class Setting(NamedTuple):
    default: object
    def default_in(self, home: Path | None) -> object: ...
    description: str
    @property
    def is_secret(self) -> bool: ...
    kind: Kind
    name: str
    def parse(self, value: object, source: str) -> object: ...
    def shown(self, value: object) -> str: ...
    type: Any
    @property
    def variable(self) -> str: ...

class Settings(Grouped):
    def __init__(
        self,
        *,
        home: Path,
        profile: str,
        database: Path | DatabaseUrl,
        local_storage_path: Path,
        default_result_storage_block: str | None,
        project: str | None,
        results_persist_by_default: bool,
        results_default_serializer: str,
        results_durability: str,
        results_inline_bytes: int,
        results_previews: bool,
        flow_sources: bool,
        results_signing_keys: Secret | None,
        results_encryption_keys: Secret | None,
        results_allowed_classes: str | None,
        results_allowed_storages: str | None,
        results_copy_payloads: bool,
        results_retention: Retention | None,
        results_prune_grace_seconds: float,
        async_fetch_state_result: bool,
        logging_level: str,
        logging_to_orchestrator: bool,
        logging_log_prints: bool,
        logging_full_tracebacks: bool,
        opentelemetry: bool,
        task_runner: str,
        task_runner_max_workers: int | None,
        tasks_refresh_cache: bool,
        task_default_retries: int,
        task_default_retry_delay_seconds: float,
        flow_default_retries: int,
        flow_default_retry_delay_seconds: float,
        cancel_grace_seconds: float,
        secrets_key: Secret | None,
        events_secret: Secret | None,
        database_timeout_seconds: float,
        lease_seconds: float,
        service_lost_seconds: float,
        service_late_seconds: float,
        service_schedules_seconds: float,
        service_events_seconds: float,
        service_automations_seconds: float,
        service_hooks_seconds: float,
        schedules_waiting_limit: int,
        late_after_seconds: float,
        stuck_after_seconds: float,
        events_keep_seconds: float,
        api_url: str | None,
        api_token: Secret | None,
        checkpoint: str,
        server_patience_seconds: float,
        report_interval_seconds: float,
    ) -> None: ...
    api_token: Secret | None
    api_url: str | None
    async_fetch_state_result: bool
    cancel_grace_seconds: float
    checkpoint: str
    database: Path | DatabaseUrl
    database_timeout_seconds: float
    default_result_storage_block: str | None
    events_keep_seconds: float
    events_secret: Secret | None
    flow_default_retries: int
    flow_default_retry_delay_seconds: float
    flow_sources: bool
    home: Path
    late_after_seconds: float
    lease_seconds: float
    local_storage_path: Path
    logging_full_tracebacks: bool
    logging_level: str
    logging_log_prints: bool
    logging_to_orchestrator: bool
    opentelemetry: bool
    profile: str
    project: str | None
    report_interval_seconds: float
    results_allowed_classes: str | None
    results_allowed_storages: str | None
    results_copy_payloads: bool
    results_default_serializer: str
    results_durability: str
    results_encryption_keys: Secret | None
    results_inline_bytes: int
    results_persist_by_default: bool
    results_previews: bool
    results_prune_grace_seconds: float
    results_retention: Retention | None
    results_signing_keys: Secret | None
    schedules_waiting_limit: int
    secrets_key: Secret | None
    server_patience_seconds: float
    service_automations_seconds: float
    service_events_seconds: float
    service_hooks_seconds: float
    service_late_seconds: float
    service_lost_seconds: float
    service_schedules_seconds: float
    stuck_after_seconds: float
    task_default_retries: int
    task_default_retry_delay_seconds: float
    task_runner: str
    task_runner_max_workers: int | None
    tasks_refresh_cache: bool

Source: object

def as_environment(*, reveal: bool = True) -> dict[str, str]: ...

def current() -> Settings: ...

def find_setting(name: str) -> Setting: ...

from perdure.settings import current as get_current_settings

def profiles() -> Profiles: ...

def reload() -> Settings: ...

def sources() -> dict[str, Source]: ...

def temporary_settings(
    updates: Mapping[Any, object] | None = None,
    *,
    set_defaults: Mapping[Any, object] | None = None,
    restore_defaults: Iterable[object] = (),
    **overrides: object,
) -> Iterator[Settings]: ...

def text_of(value: object) -> str: ...
