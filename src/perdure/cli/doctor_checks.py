"""What `perdure doctor` looks at: each check yields findings, and changes nothing that outlasts it."""

import os
import platform
import shlex
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from perdure._model.errors import PerdureError
from perdure._model.state_types import StateType
from perdure._platform.clock import system_clock
from perdure._platform.files import make_private
from perdure._platform.named import NamedTuple
from perdure._platform.suggest import nearest
from perdure._platform.version import VERSION
from perdure._rooms.runs.records import RunFilter
from perdure._settings import settings
from perdure._settings.fields import PREFIX, SETTINGS, Settings
from perdure._settings.settings import RUNTIME_PREFIX
from perdure.cli.output import duration_text, plural, size_text

if TYPE_CHECKING:
    from perdure._rooms.deployments.port import Deployments

_LITTLE_SPACE = 1 << 30  # bytes of a disk that are so few that flows may soon fail
_MUCH_TO_READ = 256 << 20  # bytes of a database that are not all read here
_SKEW = 2.0  # seconds between two clocks, beyond which times of runs are misleading
_PILED_UP = 10  # runs of schedules of one deployment that wait at once
_PROBE = b"perdure doctor"


class Level(StrEnum):
    """How a finding is: a problem keeps flows from running, or from being kept."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """What was found of a subject, and, unless all is well, what to do."""

    level: Level
    subject: str
    text: str
    remedy: str | None = None


Check = Callable[[Settings], Iterator[Finding]]


def examine() -> Iterator[Finding]:
    """All findings; a check that cannot be made is a problem itself."""
    try:
        chosen = settings.current()
    except PerdureError as error:
        yield Finding(Level.PROBLEM, "settings", str(error))
        return
    places = (_server,) if chosen.api_url is not None else (_database,)
    checks: Sequence[tuple[str, Check]] = [
        *((check.__name__[1:], check) for check in (_versions, _settings, _home, *places, _storage, _serializer)),
        *((check.__name__[1:], check) for check in (_clock, _runs, _workers, _signatures, _limits)),
    ]
    skipped: set[str] = set()  # the reason has been given
    for subject, check in checks:
        if subject in skipped:
            continue
        has_problem = False
        try:
            for finding in check(chosen):
                yield finding
                has_problem |= finding.level is Level.PROBLEM
        except (PerdureError, OSError) as error:
            yield Finding(Level.PROBLEM, subject, str(error))
            has_problem = True
        if has_problem:
            skipped |= _in_home(chosen) if subject == "home" else _FOLLOWING.get(subject, set())


_FOLLOWING = {each: {"runs", "workers", "signatures", "limits"} for each in ("server", "database")}


def _in_home(chosen: Settings) -> set[str]:
    """The checks that write below the home."""
    found = {"clock", "runs", "workers", "signatures", "limits"}
    if isinstance(chosen.database, Path) and chosen.database.is_relative_to(chosen.home):
        found.add("database")
    if chosen.default_result_storage_block is None and chosen.local_storage_path.is_relative_to(chosen.home):
        found.add("storage")
    return found


def _versions(_: Settings) -> Iterator[Finding]:
    versions = f"Perdure {VERSION}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield Finding(Level.OK, "versions", f"{versions}, in {sys.prefix}")


def _settings(chosen: Settings) -> Iterator[Finding]:
    given = {name: source for name, source in settings.sources().items() if source != "default"}
    said = ", ".join(f"{SETTINGS[name].variable} by the {source}" for name, source in sorted(given.items()))
    yield Finding(Level.OK, "settings", f"the profile {chosen.profile!r}; {said or 'all are the defaults'}")
    known = {each.variable for each in SETTINGS.values()}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable not in known and not variable.startswith(RUNTIME_PREFIX):
            remedy = nearest(variable, list(known)).strip() or "`perdure config view` lists all settings."
            yield Finding(Level.WARNING, "settings", f"{variable} is no setting, and does nothing", remedy)
    if chosen.api_url is not None and "database" in given:
        yield Finding(
            Level.WARNING,
            "settings",
            "PERDURE_DATABASE is set, and not used: runs are reported to PERDURE_API_URL",
            "Unset one of them.",
        )


def _home(chosen: Settings) -> Iterator[Finding]:
    home = chosen.home
    probe = home / f".doctor-{uuid4().hex}"
    try:
        make_private(home)
        probe.write_bytes(_PROBE)
        probe.unlink()
    except OSError as error:
        yield Finding(
            Level.PROBLEM,
            "home",
            f"{home} is not writable: {error.strerror}",
            "Make it so, or set another PERDURE_HOME.",
        )
        return
    free = shutil.disk_usage(home).free
    yield Finding(Level.OK, "home", f"{home}, {size_text(free)} free")
    if free < _LITTLE_SPACE:
        remedy = "`perdure result prune` and `perdure database prune` remove what is no longer needed."
        yield Finding(Level.WARNING, "home", f"only {size_text(free)} are left on its disk", remedy)
    if sys.platform != "win32" and stat.S_IMODE(home.stat().st_mode) & 0o077:
        yield Finding(Level.WARNING, "home", "other users of this machine may read it", f"chmod -R go= {home}")


def _database(chosen: Settings) -> Iterator[Finding]:
    from perdure._store.sql.database_from_settings import database_of
    from perdure._store.sql.database_place import network_file_system
    from perdure._store.sql.schema import HEAD
    from perdure._store.sql.sqlite import SQLite

    database = database_of(chosen)
    if isinstance(database, SQLite):
        kind = network_file_system(database.path)
        if kind is not None:
            remedy = "Set PERDURE_DATABASE to a file on a local disk or to postgresql://…, or run a server."
            yield Finding(Level.WARNING, "database", f"it is on {kind}, where SQLite may lose what is written", remedy)
    before = database.revision()
    began = time.perf_counter()
    with closing(database.connect()) as connection, database.errors():
        took = int((time.perf_counter() - began) * 1e6)
        size, _ = database.sizes(connection)
        about = f"{database.version(connection)} at {database.place}, {size_text(size)}"
        damage = database.damage(connection) if isinstance(database, SQLite) and size <= _MUCH_TO_READ else ()
    if damage:
        remedy = "Restore it from a backup, or save what can be read with `perdure database copy`."
        yield Finding(Level.PROBLEM, "database", f"{about} is damaged: {damage[0]}", remedy)
    else:
        changed = f", upgraded from the migration {before} to {HEAD}" if before not in (None, HEAD) else ""
        yield Finding(Level.OK, "database", f"{about}{changed}; opened in {duration_text(took)}")
    if isinstance(database, SQLite) and size > _MUCH_TO_READ:
        yield Finding(Level.OK, "database", "it is large, so it was not read as a whole: `perdure database check` does")


def _server(chosen: Settings) -> Iterator[Finding]:
    import httpx

    from perdure._session import session

    assert chosen.api_url is not None
    url = chosen.api_url.rstrip("/").removesuffix("/api")
    began = time.perf_counter()
    try:
        answer = httpx.get(f"{url}/api/version", timeout=5)
        served = answer.json()["version"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        yield Finding(
            Level.PROBLEM,
            "server",
            f"{url} does not answer as a server of Perdure's does ({error or type(error).__name__})",
            "Start it with `perdure server start`, or mend PERDURE_API_URL. Flows run meanwhile, and report later.",
        )
    else:
        took = int((time.perf_counter() - began) * 1e6)
        session.current().orchestrator.flow_runs(RunFilter(limit=1))  # refused without the right token
        yield Finding(Level.OK, "server", f"{url}, Perdure {served}, answers in {duration_text(took)}")
        if served != VERSION:
            remedy = "Upgrade the older one: servers first."
            yield Finding(Level.WARNING, "server", f"it runs Perdure {served}, and this is {VERSION}", remedy)
        yield from _skew("server", _date_of(answer.headers.get("date")))
    waiting = _waiting_reports(chosen)
    if waiting:
        remedy = "They are delivered by the next flow run or command once the server answers."
        yield Finding(Level.WARNING, "server", f"{size_text(waiting)} of reports wait to be delivered", remedy)


def _date_of(text: str | None) -> datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None


def _waiting_reports(chosen: Settings) -> int:
    from perdure._store.remote.orchestrator import folder_of
    from perdure._store.remote.spool import SUFFIX

    assert chosen.api_url is not None
    return sum(path.stat().st_size for path in folder_of(chosen.home, chosen.api_url).glob(f"*{SUFFIX}"))


def _storage(chosen: Settings) -> Iterator[Finding]:
    from perdure._storages.local import LocalFileSystem
    from perdure._storages.storage import Storage

    block = chosen.default_result_storage_block
    storage = LocalFileSystem(basepath=str(chosen.local_storage_path)) if block is None else Storage.load(block)
    key = f"doctor-{uuid4().hex}"
    began = time.perf_counter()
    storage.write(key, _PROBE)
    try:
        found = storage.read(key)
    finally:
        storage.delete(key)
    took = int((time.perf_counter() - began) * 1e6)
    where = str(chosen.local_storage_path) if block is None else f"the block {block!r}"
    if found != _PROBE:
        remedy = "Use another storage: results would be refused when they are read."
        yield Finding(Level.PROBLEM, "storage", f"{where} gives other bytes than it was given", remedy)
    else:
        done = f"wrote, read and deleted an object in {duration_text(took)}"
        yield Finding(Level.OK, "storage", f"{where}: {done}")


def _serializer(chosen: Settings) -> Iterator[Finding]:
    from perdure._serializers.base import resolve

    serializer = resolve(None, chosen.results_default_serializer)
    serializer.check()
    if serializer.loads(serializer.dumps([1, "ä"])) != [1, "ä"]:
        remedy = "Set PERDURE_RESULTS_DEFAULT_SERIALIZER to another."
        yield Finding(Level.PROBLEM, "serializer", f"{chosen.results_default_serializer} changes values", remedy)
    else:
        yield Finding(Level.OK, "serializer", chosen.results_default_serializer)


def _clock(chosen: Settings) -> Iterator[Finding]:
    probe = chosen.home / f".doctor-{uuid4().hex}"
    probe.touch()
    try:
        of_files = datetime.fromtimestamp(probe.stat().st_mtime, UTC)
    finally:
        probe.unlink(missing_ok=True)
    skewed = list(_skew("the disk of the home", of_files))
    yield from skewed or [Finding(Level.OK, "clock", f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}")]


def _skew(of: str, other: datetime | None) -> Iterator[Finding]:
    if other is None:
        return
    seconds = (datetime.now(UTC) - other).total_seconds()
    if not -_SKEW <= seconds <= _SKEW + 1:  # a Date header has no fractions of a second
        text = f"this machine's is {abs(seconds):,.0f} s {'after' if seconds > 0 else 'before'} that of {of}"
        yield Finding(Level.WARNING, "clock", text, "Set both by NTP: schedules, leases and durations depend on it.")


def _runs(_: Settings) -> Iterator[Finding]:
    from perdure._engine.recovery.lost_runs import lost_among
    from perdure._session import session

    known = session.current()
    began = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
    runs = known.orchestrator.flow_runs(RunFilter(states=began, limit=1_000))
    lost = lost_among(runs, known)
    if lost:
        which = next(run for run in runs if run.id in lost)
        text = f"{plural(len(lost), 'flow run')} began in a process that is gone, such as {which.name or which.id}"
        yield Finding(Level.WARNING, "runs", text, "`perdure flow-run resume --crashed` resumes them.")
    else:
        yield Finding(Level.OK, "runs", f"{plural(len(runs), 'flow run')} running, none of them lost")


_SERVE_AGAIN = "Start the program that serves it: `perdure service install FILE` keeps it running."


def _workers(chosen: Settings) -> Iterator[Finding]:
    from perdure._rooms.deployments.port import QueueFilter
    from perdure._rooms.deployments.serving import has_program, is_served
    from perdure._session import session

    known, now = session.current().orchestrator.deployments, system_clock()
    late = known.queued(
        QueueFilter(phases=("waiting",), before=now - int(chosen.late_after_seconds * 1e6), limit=1_000)
    )
    alive = {each.work_pool for each in known.workers(None) if now - each.seen <= 2 * chosen.lease_seconds * 1e6}
    for pool in sorted({each.work_pool for each in late} - alive):
        count = sum(each.work_pool == pool for each in late)
        text = f"{plural(count, 'run')} in the work pool {pool!r} should have begun by now, and no worker is there"
        remedy = f"`perdure worker start --pool {pool}` starts one."
        yield Finding(Level.WARNING, "workers", text, _SERVE_AGAIN if is_served(pool) else remedy)
    workers = known.workers(None)
    for of in known.all():
        is_down = has_program(of, workers, now, chosen.lease_seconds) is False
        if is_down and of.paused is None and known.schedules(of.id):
            text = f"nothing serves {of.flow_name}/{of.name}, and so its schedules make no runs"
            yield Finding(Level.WARNING, "workers", text, _SERVE_AGAIN)
    yield from _piling_up(known, now, chosen)
    if alive or not late:
        there = f"a worker is there for {', '.join(sorted(alive))}" if alive else "none is there, and none is needed"
        yield Finding(Level.OK, "workers", there)


def _piling_up(known: "Deployments", now: int, chosen: Settings) -> Iterator[Finding]:
    """Deployments whose ticks come faster than their runs end."""
    deployments = {of.id: of for of in known.all()}
    for each in known.waiting(sorted({of.work_pool for of in deployments.values()})):
        is_late = now - each.first > chosen.late_after_seconds * 1e6
        if each.runs >= _PILED_UP and is_late and each.deployment_id in deployments:
            of = deployments[each.deployment_id]
            since = duration_text(max(0, now - each.first))
            text = f"{each.runs} runs of schedules of {of.flow_name}/{of.name} wait, the first for {since}"
            remedy = 'Let it run less often, or more at once; overlap="queue_one" or "skip" leaves ticks out.'
            yield Finding(Level.WARNING, "workers", text, remedy)


def _signatures(_: Settings) -> Iterator[Finding]:
    """What is deployed, and would be refused by whoever has the signing keys of these settings."""
    from perdure._results import signing
    from perdure._rooms.deployments import signatures
    from perdure._rooms.deployments.definition import definition_of_text
    from perdure._session import session

    if signing.ring() is None:
        return
    known = session.current().orchestrator.deployments
    deployments = {of.id: of for of in known.all()}
    checks = [
        partial(signatures.check_definition, definition_of_text(of.definition), of.flow_name, of.name)
        for of in deployments.values()
    ]
    checks += [
        partial(signatures.check_schedule_signature, each.definition, of.flow_name, of.name)
        for each in known.schedules(None)
        if (of := deployments.get(each.deployment_id)) is not None
    ]
    checks += [partial(signatures.check_template_signature, pool) for pool in known.pools()]
    for check in checks:
        try:
            check()
        except PerdureError as error:
            yield Finding(Level.WARNING, "signatures", str(error))


def _limits(_: Settings) -> Iterator[Finding]:
    from perdure.cli.limit_missing import missing_limits

    missing = missing_limits()
    for name in missing:
        remedy = f"`perdure limit create {shlex.quote(name)} 5` makes it; or correct the name in the program."
        yield Finding(Level.WARNING, "limits", f"runs asked for the limit {name!r}, which is not there", remedy)
    if not missing:
        yield Finding(Level.OK, "limits", "all limits that runs asked for are there")
