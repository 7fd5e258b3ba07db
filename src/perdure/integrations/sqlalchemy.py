"""Databases, by SQLAlchemy: `with SqlAlchemyConnector.load("mine") as db: db.fetch_all("SELECT 1")`.

With a driver whose calls block, plain code calls the methods and async code awaits them, in another thread. A driver
whose calls are awaited is for async code only.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, field_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._model.colour import caller_is_async
from perdure._model.errors import IntegrationError
from perdure._platform.threads import in_thread
from perdure.integrations.calling import imported
from perdure.integrations.sqlalchemy_calls import Connections, Fetch
from perdure.integrations.sqlalchemy_url import AsyncDriver, ConnectionComponents, SyncDriver, driver_name, made_engine

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = [
    "AsyncDriver",
    "ConnectionComponents",
    "DatabaseCredentials",
    "SqlAlchemyConnector",
    "SyncDriver",
    "database_execute",
    "database_query",
    "sqlalchemy_execute",
    "sqlalchemy_query",
]

Parameters = Mapping[str, object] | None

_making = threading.Lock()  # the connections of a connector


class SqlAlchemyConnector(Block):
    """A database, with a pool of connections: `connection_info` is a URL, or `ConnectionComponents`.

    As a context manager, plain or async, it closes its connections when the block is left.
    """

    block_type = "sqlalchemy-connector"

    connection_info: ConnectionComponents | SecretStr  # of a URL, which may hold a password
    connect_args: dict[str, Any] = Field(default_factory=dict)  # of the driver; what is a SecretStr is kept as one
    fetch_size: int = Field(default=1, ge=1)  # rows that `fetch_many` gives

    _open: Connections | None = PrivateAttr(None)

    @field_validator("connection_info", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        known = isinstance(value, str | dict | SecretStr | ConnectionComponents)
        return value if known else _url_text(value)  # pydantic's and SQLAlchemy's URLs

    @field_validator("connect_args", mode="before")
    @classmethod
    def _none_is_none(cls, value: object) -> object:
        return {} if value is None else value

    def fetch_one(self, operation: object, parameters: Parameters = None, **execution_options: object) -> Any:
        """The next row of a query, or None when there is none left; in async code, awaited.

        The same operation with the same parameters continues with the rows that are left, in all three methods that
        fetch. When all have been given, it is executed anew.

        Raises:
            IntegrationError: the driver is not installed, or is for async code only.
            sqlalchemy.exc.SQLAlchemyError: the database refuses.
        """
        return self._fetch(operation, parameters, execution_options, lambda result: result.fetchone())

    def fetch_many(
        self, operation: object, parameters: Parameters = None, size: int | None = None, **execution_options: object
    ) -> Any:
        """The next rows of a query, `size` or `fetch_size` at most; [] when none are left. See `fetch_one`."""
        size = size or self.fetch_size
        return self._fetch(operation, parameters, execution_options, lambda result: result.fetchmany(size))

    def fetch_all(self, operation: object, parameters: Parameters = None, **execution_options: object) -> Any:
        """All rows of a query that are left. See `fetch_one`."""
        return self._fetch(operation, parameters, execution_options, lambda result: result.fetchall(), True)

    def execute(self, operation: object, parameters: Parameters = None, **execution_options: object) -> Any:
        """Execute a statement in a transaction of its own; SQLAlchemy's result, with its `rowcount`.

        In async code, awaited.

        Raises what `fetch_one` raises.
        """
        return self._call("execute", self._prepared(operation), parameters, execution_options)

    def execute_many(
        self, operation: object, seq_of_parameters: Sequence[Mapping[str, object]], **execution_options: object
    ) -> Any:
        """Execute a statement with each of some parameters, in one transaction; in async code, awaited.

        Raises what `fetch_one` raises.
        """
        given = list(seq_of_parameters)
        return self._call("execute", self._prepared(operation), given, execution_options)

    def get_engine(self, **create_engine_kwargs: object) -> Any:
        """SQLAlchemy's `Engine`, or `AsyncEngine` for an async driver; with options, one of your own.

        Raises:
            IntegrationError: the driver is not installed.
        """
        return self._made(create_engine_kwargs) if create_engine_kwargs else self._connections().engine()

    def get_connection(self, begin: bool = True, **connect_kwargs: object) -> Any:
        """A connection for a `with` block, `async with` for an async driver; in a transaction unless `begin=False`."""
        engine = self.get_engine(**connect_kwargs)
        return engine.begin() if begin else engine.connect()

    def get_client(self, client_type: Literal["engine", "connection"], **client_kwargs: Any) -> Any:
        """`get_engine` or `get_connection`, by name."""
        if client_type not in ("engine", "connection"):
            raise ValueError(f"client_type is 'engine' or 'connection', not {client_type!r}.")
        return self.get_engine(**client_kwargs) if client_type == "engine" else self.get_connection(**client_kwargs)

    def reset_cursors(self) -> Any:
        """Forget which rows were fetched: the next fetch executes its operation anew. In async code, awaited."""
        return self._call("reset")

    def close(self) -> Any:
        """Close all connections; the next use opens new ones. In async code, awaited."""
        return self._call("close")

    def aclose(self) -> Any:
        """`close`, by the name that users of Prefect know in async code."""
        return self.close()

    reset_async_cursors = reset_cursors

    def __enter__(self) -> Self:
        if self._is_async():
            raise self._awaited_only()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connections().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        opened = self._connections()
        await (opened.aclose() if self._is_async() else in_thread(opened.close))

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_open": None}}

    def _connections(self) -> Connections:
        with _making:
            if self._open is None:
                self._open = Connections(lambda: self._made({}), self._is_async())
            return self._open

    def _fetch(
        self,
        operation: object,
        parameters: Parameters,
        options: dict[str, object],
        take: Callable[[Any], object],
        all: bool = False,
    ) -> object:
        key = (str(operation), repr(parameters))
        return self._call("fetch", Fetch(key, self._prepared(operation), parameters, options, take, all))

    def _call(self, name: str, *args: object) -> Any:
        is_async, caller = self._is_async(), caller_is_async()
        if is_async and not caller:
            raise self._awaited_only()
        method = getattr(self._connections(), f"a{name}" if is_async else name)
        return in_thread(method, *args) if caller and not is_async else method(*args)

    def _awaited_only(self) -> IntegrationError:
        return IntegrationError(
            f"The driver {self._url().drivername!r} is for async code. Use it in a coroutine flow or task, with `await`"
            " and `async with`; or take a driver of SyncDriver."
        )

    def _prepared(self, operation: object) -> object:
        return imported("sqlalchemy", "sqlalchemy").text(operation) if isinstance(operation, str) else operation

    def _url(self) -> "URL":
        info = self.connection_info
        if isinstance(info, ConnectionComponents):
            return info.create_url()
        return imported("sqlalchemy", "sqlalchemy").make_url(info.get_secret_value())  # type: ignore[no-any-return]

    def _is_async(self) -> bool:
        url = self._url()
        driver = driver_name(url) if "+" not in url.drivername else url.drivername.partition("+")[2]
        return driver in {each.value.partition("+")[2] for each in AsyncDriver}

    def _made(self, options: dict[str, object]) -> Any:
        revealed = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in self.connect_args.items()
        }
        return made_engine(self._url(), self._is_async(), revealed, options)


class DatabaseCredentials(Block):
    """A database, by the fields of its URL or as a whole: `get_engine()`. `SqlAlchemyConnector` does more."""

    block_type = "database-credentials"

    driver: SyncDriver | AsyncDriver | str | None = None
    username: str | None = None
    password: SecretStr | None = None
    database: str | None = None
    host: str | None = None
    port: int | None = None
    query: dict[str, str] = Field(default_factory=dict)
    url: SecretStr | None = None  # in place of the others
    connect_args: dict[str, Any] = Field(default_factory=dict)

    _connector: SqlAlchemyConnector | None = PrivateAttr(None)

    def connector(self) -> SqlAlchemyConnector:
        """The same database, with methods that query it."""
        if self._connector is None:
            parts = self.model_dump(exclude={"url", "connect_args"}, exclude_none=True)
            info = ConnectionComponents(**parts) if self.url is None else self.url
            self._connector = SqlAlchemyConnector(connection_info=info, connect_args=self.connect_args)
        return self._connector

    def get_engine(self) -> Any:
        """SQLAlchemy's `Engine`, or `AsyncEngine` for an async driver."""
        return self.connector().get_engine()


@task
async def database_execute(
    statement: object, credentials: SqlAlchemyConnector | DatabaseCredentials, params: Parameters = None
) -> None:
    """Execute a statement in a transaction of its own.

    Raises:
        IntegrationError: the driver is not installed.
        sqlalchemy.exc.SQLAlchemyError: the database refuses.
    """
    async with _connector(credentials) as connector:
        await connector.execute(statement, params)


@task
async def database_query(
    statement: object,
    credentials: SqlAlchemyConnector | DatabaseCredentials,
    params: Parameters = None,
    limit: int | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of a query, the first `limit` of them if that is given.

    Raises what `database_execute` raises.
    """
    async with _connector(credentials) as connector:
        if limit is None:
            rows = await connector.fetch_all(statement, params)
        else:
            rows = await connector.fetch_many(statement, params, size=limit)
        return [tuple(row) for row in rows]


# Their names in Prefect's collection
sqlalchemy_execute = database_execute
sqlalchemy_query = database_query


def _connector(credentials: SqlAlchemyConnector | DatabaseCredentials) -> SqlAlchemyConnector:
    """One for a single task: its connections are closed with it."""
    found = credentials if isinstance(credentials, SqlAlchemyConnector) else credentials.connector()
    return SqlAlchemyConnector(connection_info=found.connection_info, connect_args=found.connect_args)


def _url_text(url: object) -> str:
    render = getattr(url, "render_as_string", None)
    return str(url) if render is None else render(hide_password=False)
