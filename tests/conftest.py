"""Every test has a home of its own: no test sees another's database, storage, profiles or settings."""

import gc
import logging
import os
import shutil
import ssl
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings as hypothesis_settings

from perdure import settings
from perdure._platform import redaction
from perdure._platform.files import make_private
from perdure._settings.settings import _overrides
from perdure._store.sql.sqlite import SQLite
from tests.at_the_end import AT_THE_END
from tests.postgresql_server import postgresql  # noqa: F401 - a fixture
from tests.s3_server import s3_prefix, s3_server  # noqa: F401 - fixtures

# How long an example takes is the machine's affair. The examples are the same in each run, so that what fails was
# changed; `make hunt` looks for new ones.
hypothesis_settings.register_profile("same", deadline=None, derandomize=True)
hypothesis_settings.register_profile("hunt", deadline=None, print_blob=True)
hypothesis_settings.load_profile("hunt" if "HUNT" in os.environ else "same")

# How long a server takes to answer is the machine's affair, too: httpx waits for 5 s unless its caller says otherwise.
for what in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, what, 60.0)


@cache
def _trust(*given: object) -> ssl.SSLContext:
    return create_ssl_context(verify=True)


def _trusting(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    """httpx's, which for each client reads all certificates that the machine trusts: here once."""
    if verify is True and cert is None and trust_env:
        return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return create_ssl_context(verify, cert, trust_env)


create_ssl_context = httpx._transports.default.create_ssl_context
httpx._transports.default.create_ssl_context = _trusting

gc.disable()  # until all tests are known: what is made until then stays


LONG = ("ui/test_page_in_chromium.py", "durability/", "orchestrator/test_million.py", "resume/test_crashes.py")


@pytest.hookimpl(tryfirst=True)  # markers choose tests after this
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no process is left with it when the others have ended."""
    for item in items:
        if "postgresql" in item.path.name or "postgresql" in getattr(item, "fixturenames", ()):
            item.add_marker("postgresql")
    tests = Path(__file__).parent
    items.sort(key=lambda item: not item.path.relative_to(tests).as_posix().startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """What was logged may be no text: a process of xdist cannot send that, and would end with all that are left."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_sessionfinish() -> None:
    """Nothing that the tests of this process shared outlives it."""
    AT_THE_END.close()


def pytest_collection_finish() -> None:
    """Leave the thousands of tests, and the modules, to no collection: else each would look at all of them.

    What is garbage by now stays, too: to look for it would take longer than a hundred tests.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """pytest's, which has Perdure's lines as well: whether they reach the root logger hangs on what ran before."""
    ours = logging.getLogger("perdure")
    ours.addHandler(caplog.handler)
    yield caplog
    ours.removeHandler(caplog.handler)


@pytest.fixture(scope="session", autouse=True)
def _copied_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The database of a test's home is a copy of an empty one: to make its tables takes four times as long.

    So is that of a `fresh_home`. Databases elsewhere, and those of the processes that tests start, are made as they
    are made for users.
    """
    empty = tmp_path_factory.mktemp("empty") / "perdure.db"
    making = threading.Lock()
    make_ready = SQLite._make_ready

    def copy_and_make_ready(self: SQLite) -> None:
        of_home = Path(os.environ.get("PERDURE_HOME", "")) / "perdure.db"
        if self.path in (of_home, _overrides.get("database")) and not self.path.exists():
            with making:  # a copy of one half made would be damaged
                if not empty.exists():
                    SQLite(empty, 60).connect().close()
            copy = empty.with_name(f"{threading.get_ident()}.db")
            shutil.copy(empty, copy)
            with suppress(OSError):  # then it is made as for users, or fails as for them
                make_private(self.path.parent)
                self.path.hardlink_to(copy)  # not in the place of one that another process has just made
            copy.unlink()
        make_ready(self)

    SQLite._make_ready = copy_and_make_ready  # type: ignore[method-assign]
    yield
    SQLite._make_ready = make_ready  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh, not yet existing, `PERDURE_HOME`, and none of the caller's settings."""
    for name in [name for name in os.environ if name.startswith("PERDURE_")]:
        monkeypatch.delenv(name)
    home, directory = tmp_path / "home", Path.cwd()
    monkeypatch.setenv("PERDURE_HOME", str(home))
    redaction._known.clear()  # of another test's settings
    settings.reload()
    yield home
    os.chdir(directory)  # whatever program of a test's was found somewhere else
    # Most tests need no session, and need not pay for importing it.
    if session := sys.modules.get("perdure._session.session"):
        session.close()
