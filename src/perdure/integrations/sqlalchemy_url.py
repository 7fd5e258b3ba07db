"""Where a database is: its driver, its address, and who is let in."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from perdure._model.errors import IntegrationError
from perdure.integrations.calling import imported

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["AsyncDriver", "ConnectionComponents", "SyncDriver", "driver_name", "made_engine"]


class SyncDriver(StrEnum):
    """Drivers whose calls block, as SQLAlchemy names them."""

    POSTGRESQL_PSYCOPG = "postgresql+psycopg"
    POSTGRESQL_PSYCOPG2 = "postgresql+psycopg2"
    POSTGRESQL_PG8000 = "postgresql+pg8000"
    MYSQL_MYSQLDB = "mysql+mysqldb"
    MYSQL_PYMYSQL = "mysql+pymysql"
    MYSQL_MYSQLCONNECTOR = "mysql+mysqlconnector"
    MYSQL_PYODBC = "mysql+pyodbc"
    SQLITE_PYSQLITE = "sqlite+pysqlite"
    ORACLE_CX_ORACLE = "oracle+cx_oracle"
    ORACLE_ORACLEDB = "oracle+oracledb"
    MSSQL_PYODBC = "mssql+pyodbc"
    MSSQL_PYMSSQL = "mssql+pymssql"


class AsyncDriver(StrEnum):
    """Drivers whose calls are awaited, as SQLAlchemy names them."""

    POSTGRESQL_ASYNCPG = "postgresql+asyncpg"
    POSTGRESQL_PSYCOPG = "postgresql+psycopg_async"
    SQLITE_AIOSQLITE = "sqlite+aiosqlite"
    MYSQL_ASYNCMY = "mysql+asyncmy"
    MYSQL_AIOMYSQL = "mysql+aiomysql"


class ConnectionComponents(BaseModel):
    """The parts of a database's URL."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    driver: SyncDriver | AsyncDriver | str  # another one's name as SQLAlchemy writes it
    database: str
    username: str | None = None
    password: SecretStr | None = None
    host: str | None = None
    port: int | None = None
    query: dict[str, str] = Field(default_factory=dict)

    def create_url(self) -> "URL":
        """The URL, as SQLAlchemy takes it."""
        return imported("sqlalchemy", "sqlalchemy").URL.create(  # type: ignore[no-any-return]
            str(self.driver),
            self.username,
            None if self.password is None else self.password.get_secret_value(),
            self.host,
            self.port,
            self.database,
            self.query,
        )


def driver_name(url: "URL") -> str:
    """The driver of a URL, the default one of its database if it names none."""
    try:
        return url.get_dialect().driver
    except Exception as error:
        raise IntegrationError(f"SQLAlchemy has no driver {url.drivername!r}: {error}") from None


def made_engine(url: "URL", is_async: bool, connect_args: dict[str, object], options: dict[str, object]) -> Any:
    """An engine, or an async one. Its errors do not show the parameters of statements.

    Raises:
        IntegrationError: the driver, or what SQLAlchemy needs for async ones, is not installed.
    """
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        # One connection for all threads: each would have a database of its own.
        options = {"poolclass": imported("sqlalchemy.pool", "sqlalchemy").StaticPool, **options}
        connect_args = {"check_same_thread": False, **connect_args}
    if connect_args:
        options = {"connect_args": connect_args, **options}
    module = imported("sqlalchemy.ext.asyncio" if is_async else "sqlalchemy", "sqlalchemy")
    make = module.create_async_engine if is_async else module.create_engine
    try:
        return make(url, **{"hide_parameters": True, **options})
    except ModuleNotFoundError as error:
        raise IntegrationError(
            f"The driver {url.drivername!r} needs {error.name}, which is not installed. Run `pip install {error.name}`."
        ) from None
