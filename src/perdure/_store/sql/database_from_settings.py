"""From what the settings say of a database to the database."""

from pathlib import Path

from perdure._model.errors import OrchestratorError
from perdure._settings.fields import DATABASE, WRONG, DatabaseUrl, Settings, without_password
from perdure._store.sql.database import Database
from perdure._store.sql.sqlite import SQLite


def database_of(settings: Settings) -> Database:
    """The database that the settings name; nothing is opened yet.

    Raises:
        OrchestratorError: psycopg is not installed, or the URL is malformed.
    """
    return database_at(settings.database, settings)


def database_at(place: Path | DatabaseUrl | str, settings: Settings) -> Database:
    """A database by its path or URL, used as the settings say.

    Raises:
        OrchestratorError: it is neither, psycopg is not installed, or the URL is malformed.
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
    return SQLite(found, settings.database_timeout_seconds, settings.results_durability == "disk")
