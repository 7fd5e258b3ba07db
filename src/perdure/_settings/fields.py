"""What can be set: each setting's type, default and meaning, and how its value is read."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from perdure._model.errors import SettingError
from perdure._model.retention import RULE as RETENTION_RULE
from perdure._model.retention import Retention
from perdure._platform import keyring
from perdure._platform.named import NamedTuple
from perdure._platform.redaction import REDACTED
from perdure._platform.storage_urls import RULE as PLACES_RULE
from perdure._platform.storage_urls import parse_places
from perdure._platform.suggest import nearest
from perdure._settings.groups import Grouped

PREFIX = "PERDURE_"
WRONG = (ValueError, TypeError, KeyError, RuntimeError)


class Secret:
    """Text that no repr shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({REDACTED!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def secret_parts(value: object) -> Iterator[str]:
    """What of a setting's value must not be seen: of keys, each; of an address, its password."""
    if isinstance(value, DatabaseUrl):
        yield from (found[1] for found in _PASSWORD_IN.finditer(value.reveal()))
    elif isinstance(value, Secret):
        yield value.reveal()
        for key in value.reveal().split(","):
            yield key.partition(":")[2].strip() or key.strip()


_PASSWORD_IN = re.compile(r"(?<=://)[^:@/?]*:([^@/?]*)(?=@)")


class DatabaseUrl(Secret):
    """Where a PostgreSQL database is; what shows it hides the password."""

    __slots__ = ()

    def __str__(self) -> str:
        return without_password(self.reveal())

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"


_PASSWORDS = re.compile(r"(?<=://)([^:@/?]*:).*(?=@)|(?<=[?&])((?:ssl)?password=)[^&]*")


def without_password(url: str) -> str:
    """A URL with asterisks for its password."""
    return _PASSWORDS.sub(lambda match: (match[1] or match[2]) + REDACTED, url)


class Kind(NamedTuple):
    """What values a setting takes.

    `parse` takes text, or a value that is of the type already; it raises one of `WRONG` for any other.
    """

    rule: str
    parse: Callable[[object], object]


def _path(value: Any) -> Path:
    if not str(value):
        raise ValueError
    # Absolute from here on, so that a later change of directory does not move anything.
    return Path(value).expanduser().absolute()


_URL = re.compile(r"[A-Za-z][\w+.-]*://")
_POSTGRESQL = ("postgresql://", "postgres://")


def _database(value: object) -> Path | DatabaseUrl:
    if isinstance(value, DatabaseUrl):
        return value
    if not _URL.match(str(value)):
        return _path(value)
    if not str(value).startswith(_POSTGRESQL):
        raise ValueError
    return DatabaseUrl(str(value))


_FLAGS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)


def _flag(value: object) -> bool:
    return _FLAGS[str(value).strip().lower()]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


_SLUG = re.compile(r"[^/\s.~\\][^/\s]*/[^/\s]+")


def _slug(value: object) -> str:
    if not _SLUG.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _secret(value: object) -> Secret:
    return value if isinstance(value, Secret) else Secret(_text(value))


def _url(value: object) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", _text(value)):
        raise ValueError
    return str(value).rstrip("/")


def _keys(value: object) -> Secret:
    secret = _secret(value)
    keyring.KeyRing.parse(secret.reveal())
    return secret


_NAME = re.compile(r"([^\W\d]\w*\.)+([^\W\d]\w*|\*)")


def _names(value: object) -> str:
    if not all(_NAME.fullmatch(name.strip()) for name in _text(value).split(",")):
        raise ValueError
    return str(value)


def _storages(value: object) -> str:
    parse_places(_text(value))
    return str(value)


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _level(value: object) -> str:
    return {level: level for level in _LEVELS}[str(value).strip().upper()]


def _whole(minimum: int) -> Kind:
    def parse(value: object) -> int:
        if not isinstance(value, int | str) or isinstance(value, bool) or int(value) < minimum:
            raise ValueError
        return int(value)

    return Kind(f"a whole number of at least {minimum}", parse)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= float(value) < math.inf:
        raise ValueError
    return float(value)


PATH = Kind("a path (a leading ~ is the home directory of a user)", _path)
SLUG = Kind("the slug of a saved storage, such as s3/dev", _slug)
DATABASE = Kind("a path, or a URL such as postgresql://user:password@host:5432/name", _database)
FLAG = Kind("one of true, false, 1, 0, yes, no, on, off", _flag)
TEXT = Kind("text that is not empty", _text)
URL = Kind("an address such as http://127.0.0.1:4747", _url)
SECRET = Kind("text that is not empty", _secret)
KEYS = Kind(keyring.RULE, _keys)
NAMES = Kind('dotted names, separated by commas, such as "myapp.models.Order, numpy.*"', _names)
STORAGES = Kind(PLACES_RULE, _storages)
LEVEL = Kind("one of " + ", ".join(_LEVELS), _level)
SECONDS = Kind("a number of seconds, at least 0", _seconds)
RETENTION = Kind(RETENTION_RULE, Retention.of)


def _one_of(*choices: str) -> Kind:
    by_name = {choice: choice for choice in choices}
    return Kind("one of " + ", ".join(choices), lambda value: by_name[str(value).strip().lower()])


def _about(kind: Kind, default: object, description: str) -> dict[str, object]:
    return {"kind": kind, "default": default, "description": description}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Grouped):
    """Every setting, with its value. Paths are absolute; times are in seconds."""

    home: Path = field(metadata=_about(PATH, "~/.perdure", "Where Perdure keeps its database, profiles and keys."))
    profile: str = field(metadata=_about(TEXT, "default", "The profile whose values apply; by default the active one."))
    database: Path | DatabaseUrl = field(
        metadata=_about(
            DATABASE, "{home}/perdure.db", "Where runs are recorded: a SQLite file, or postgresql://user@host/name."
        )
    )
    local_storage_path: Path = field(
        metadata=_about(PATH, "{home}/storage", "Where results are stored when no storage is named.")
    )
    default_result_storage_block: str | None = field(
        metadata=_about(
            SLUG,
            None,
            "The saved storage of results when none is named, such as s3/dev; None: the local storage path.",
        )
    )
    project: str | None = field(
        metadata=_about(
            TEXT,
            None,
            "The project's name in keys, which separates projects in the same home; None takes the name in "
            "pyproject.toml, else the git repository's origin, else the folder.",
        )
    )
    results_persist_by_default: bool = field(
        metadata=_about(FLAG, False, "Persist results, unless persist_result is given.")
    )
    results_default_serializer: str = field(
        metadata=_about(TEXT, "pickle", "The serializer of results when none is named.")
    )
    results_durability: str = field(
        metadata=_about(
            _one_of("process", "batch", "disk"),
            "process",
            "What a persisted result survives: the end of the process; within a second also a loss of power (batch);"
            " a loss of power as soon as its task returns (disk).",
        )
    )
    results_inline_bytes: int = field(
        metadata=_about(_whole(0), 0, "Results of at most so many bytes, as documents, are kept in SQLite; 0: none.")
    )
    results_previews: bool = field(metadata=_about(FLAG, True, "Keep a short preview of each persisted result."))
    flow_sources: bool = field(metadata=_about(FLAG, True, "Record the source of each flow's function, once."))
    results_signing_keys: Secret | None = field(
        metadata=_about(KEYS, None, "Sign results with the first of these keys; load only what one of them signed.")
    )
    results_encryption_keys: Secret | None = field(
        metadata=_about(KEYS, None, "The serializer 'encrypted' encrypts with the first of these keys, and reads all.")
    )
    results_allowed_classes: str | None = field(
        metadata=_about(NAMES, None, "Unpickle only these classes and harmless ones; None unpickles all.")
    )
    results_allowed_storages: str | None = field(
        metadata=_about(
            STORAGES,
            None,
            "Places, besides the local storage, where a server opens results, and a prune of a shared database"
            " removes them.",
        )
    )
    results_copy_payloads: bool = field(
        metadata=_about(
            FLAG,
            False,
            "Copy large results into memory and check the digests of the copy, as is always done with signing keys.",
        )
    )
    results_retention: Retention | None = field(
        metadata=_about(RETENTION, None, "How long results are kept, unless result_retention is given.")
    )
    results_prune_grace_seconds: float = field(
        metadata=_about(SECONDS, 3600.0, "How long a result stays pending deletion before prune removes it.")
    )
    async_fetch_state_result: bool = field(
        metadata=_about(FLAG, False, "State.result() in async code fetches the value.")
    )
    logging_level: str = field(
        metadata=_about(LEVEL, "INFO", "The lowest level of log lines that are shown and stored.")
    )
    logging_to_orchestrator: bool = field(metadata=_about(FLAG, True, "Store the log lines of runs with their run."))
    logging_log_prints: bool = field(
        metadata=_about(FLAG, False, "Log what flows and tasks print, unless log_prints is given.")
    )
    logging_full_tracebacks: bool = field(
        metadata=_about(FLAG, False, "Leave the engine's frames in the tracebacks of what flows and tasks raise.")
    )
    opentelemetry: bool = field(metadata=_about(FLAG, False, "Create OpenTelemetry spans of runs and requests."))
    task_runner: str = field(
        metadata=_about(_one_of("threads", "processes", "sequential", "dask", "ray"), "threads", "Where tasks run.")
    )
    task_runner_max_workers: int | None = field(
        metadata=_about(
            _whole(1), None, "How many submitted tasks run concurrently; None leaves it to the task runner."
        )
    )
    tasks_refresh_cache: bool = field(
        metadata=_about(FLAG, False, "Run tasks despite cached results, unless refresh_cache is given.")
    )
    task_default_retries: int = field(metadata=_about(_whole(0), 0, "How often a failed task is retried."))
    task_default_retry_delay_seconds: float = field(
        metadata=_about(SECONDS, 0.0, "How long to wait before a task's retry.")
    )
    flow_default_retries: int = field(metadata=_about(_whole(0), 0, "How often a failed flow is retried."))
    flow_default_retry_delay_seconds: float = field(
        metadata=_about(SECONDS, 0.0, "How long to wait before a flow's retry.")
    )
    cancel_grace_seconds: float = field(
        metadata=_about(SECONDS, 30.0, "How long the code of a cancelled flow run has to end by itself.")
    )
    secrets_key: Secret | None = field(
        metadata=_about(SECRET, None, "Encrypts the secrets of blocks; None uses the file secrets.key in the home.")
    )
    events_secret: Secret | None = field(metadata=_about(SECRET, None, "Signs events that come from outside."))
    database_timeout_seconds: float = field(
        metadata=_about(SECONDS, 60.0, "How long to wait for a database that is in use.")
    )
    lease_seconds: float = field(
        metadata=_about(
            SECONDS,
            30.0,
            "The time without a heartbeat after which a process on another machine is lost."
            " Use the same value for all processes of a database.",
        )
    )
    service_lost_seconds: float = field(
        metadata=_about(SECONDS, 10.0, "How often a server looks for runs whose process is lost; 0: never.")
    )
    service_late_seconds: float = field(
        metadata=_about(SECONDS, 60.0, "How often a server looks for flow runs that are late or stuck; 0: never.")
    )
    service_schedules_seconds: float = field(
        metadata=_about(SECONDS, 0.5, "How often a server makes the runs that schedules are due for; 0: never.")
    )
    service_events_seconds: float = field(
        metadata=_about(SECONDS, 1.0, "How often a server creates events from new states; 0: never.")
    )
    service_automations_seconds: float = field(metadata=_about(SECONDS, 1.0, "How often automations act; 0: never."))
    service_hooks_seconds: float = field(
        metadata=_about(SECONDS, 1.0, "How often a server delivers events to webhooks and notifications; 0: never.")
    )
    schedules_waiting_limit: int = field(metadata=_about(_whole(0), 1_000, "Scheduled runs of a deployment; 0: all."))
    late_after_seconds: float = field(metadata=_about(SECONDS, 900.0, "A run that has not begun by then is late."))
    stuck_after_seconds: float = field(
        metadata=_about(SECONDS, 21_600.0, "A flow run that runs without a log line or a state for this time is stuck.")
    )
    events_keep_seconds: float = field(metadata=_about(SECONDS, 604_800.0, "How long events are kept."))
    api_url: str | None = field(metadata=_about(URL, None, "The server that runs are reported to; None: the database."))
    api_token: Secret | None = field(metadata=_about(SECRET, None, "The token for a server that requires one."))
    checkpoint: str = field(
        metadata=_about(
            _one_of("server", "local"),
            "server",
            "When a persisted result counts as committed: once the server has it, or on this machine's disk.",
        )
    )
    server_patience_seconds: float = field(
        metadata=_about(
            SECONDS,
            30.0,
            "How long operations that need an answer wait for an unreachable server; reports do not wait.",
        )
    )
    report_interval_seconds: float = field(metadata=_about(SECONDS, 0.1, "How soon reported records are committed."))


class Setting(NamedTuple):
    """The description of a setting."""

    name: str
    type: Any
    kind: Kind
    default: object  # text may name {home}
    description: str

    @property
    def variable(self) -> str:
        """Its name in the environment and in profiles."""
        return PREFIX + self.name.upper()

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be shown."""
        return self.kind in (SECRET, KEYS)

    def parse(self, value: object, source: str) -> object:
        """The setting's value, read from what the source gives.

        Raises:
            SettingError: the value breaks the setting's rule.
        """
        if value is None and self.default is None:
            return None
        try:
            return self.kind.parse(value)
        except WRONG:
            shown = REDACTED if self.is_secret else without_password(repr(value))
            raise SettingError(
                f"{self.variable} is {shown} (from {source}); it must be {self.kind.rule}."
                f" Change it, or unset it to use the default, {self.default}."
            ) from None

    def shown(self, value: object) -> str:
        """A value as it may be shown: a secret, or a password in it, as asterisks."""
        if self.is_secret:
            return REDACTED
        return without_password(text_of(value)) if self.kind is DATABASE else text_of(value)

    def default_in(self, home: Path | None) -> object:
        """The value that holds when nothing sets it."""
        text = self.default
        return self.kind.parse(text.replace("{home}", str(home))) if isinstance(text, str) else text


SETTINGS: Mapping[str, Setting] = {f.name: Setting(f.name, f.type, **f.metadata) for f in fields(Settings)}
"""Every setting, by the name of its field."""


def find_setting(name: str) -> Setting:
    """The setting of a name, such as "PERDURE_LOGGING_LEVEL" or "logging_level".

    Raises:
        SettingError: there is none; names the nearest.
    """
    setting = SETTINGS.get(name.lower().removeprefix(PREFIX.lower()))
    if setting is None:
        variables = [each.variable for each in SETTINGS.values()]
        hint = nearest(name, [*SETTINGS, *variables]) or f" The settings are {', '.join(sorted(variables))}."
        raise SettingError(f"There is no setting {name!r}.{hint}")
    return setting


def text_of(value: object) -> str:
    """A setting's value as the text that reads back to it; a secret is revealed."""
    if isinstance(value, Secret):
        return value.reveal()
    return str(value).lower() if isinstance(value, bool) else str(value)
