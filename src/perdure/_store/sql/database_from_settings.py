"""From what the settings say of a database to the database."""

import re
from pathlib import Path

from perdure._model.errors import OrchestratorError
from perdure._settings.fields import DATABASE, WRONG, DatabaseUrl, Settings, without_password
from perdure._store.sql.database import Database
from perdure._store.sql.sqlite import SQLite

_WORD = re.compile(r"\w+")  # what may be the name of a database elsewhere, or of a service, as well as of a file


def database_of(settings: Settings) -> Database:
    """The database that the settings name; nothing is opened yet.

    Raises:
        OrchestratorError: psycopg is not installed, or the URL is malformed.
    """
    return database_at(settings.database, settings)


def database_at(place: Path | DatabaseUrl | str, settings: Settings) -> Database:
    """A database by its path or URL, used as the settings say. A file that is not there is made by its first use.

    Raises:
        OrchestratorError: it is neither, or a mere word that no file is called; psycopg is not installed; or the URL
            is malformed.
    """
    try:
        found = DATABASE.parse(place)
    except WRONG:
        shown = without_password(str(place))
        raise OrchestratorError(f"{shown!r} is not a known kind of database. Give {DATABASE.rule}.") from None
    if isinstance(found, DatabaseUrl):
        from perdure._store.sql.postgresql import PostgreSQL

        return PostgreSQL(found.reveal(), settings.database_timeout_seconds)
    assert isinstance(found, Path)
    if isinstance(place, str) and _WORD.fullmatch(place) and not found.exists():
        raise OrchestratorError(
            f"There is no database {place!r}, and it is no URL. Give {DATABASE.rule}; ./{place} is a new file here."
        )
    return SQLite(found, settings.database_timeout_seconds, settings.results_durability == "disk")


def known_database_at(place: str, settings: Settings) -> Database:
    """A database of which something is asked: a file that is not there is not made.

    Raises:
        OrchestratorError: there is no such file, or it is no database, as of `database_at`.
    """
    found = database_at(place, settings)
    if isinstance(found, SQLite) and not found.path.exists():
        raise OrchestratorError(f"There is no database {found.path}. Give the path of its file, or postgresql://….")
    return found
