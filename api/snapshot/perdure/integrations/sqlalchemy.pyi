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

class AsyncDriver(StrEnum):
    MYSQL_AIOMYSQL = 'mysql+aiomysql'
    MYSQL_ASYNCMY = 'mysql+asyncmy'
    POSTGRESQL_ASYNCPG = 'postgresql+asyncpg'
    POSTGRESQL_PSYCOPG = 'postgresql+psycopg_async'
    SQLITE_AIOSQLITE = 'sqlite+aiosqlite'

class ConnectionComponents(BaseModel):
    def create_url(self) -> URL: ...
    database: str
    driver: SyncDriver | AsyncDriver | str
    host: str | None = None
    model_config: object
    password: SecretStr | None = None
    port: int | None = None
    query: dict[str, str] = Field(default_factory=dict)
    username: str | None = None

class DatabaseCredentials(Block):
    block_type = 'database-credentials'
    connect_args: dict[str, Any] = Field(default_factory=dict)
    def connector(self) -> SqlAlchemyConnector: ...
    database: str | None = None
    driver: SyncDriver | AsyncDriver | str | None = None
    def get_engine(self) -> Any: ...
    host: str | None = None
    password: SecretStr | None = None
    port: int | None = None
    query: dict[str, str] = Field(default_factory=dict)
    url: SecretStr | None = None
    username: str | None = None

class SqlAlchemyConnector(Block):
    def aclose(self) -> Any: ...
    block_type = 'sqlalchemy-connector'
    def close(self) -> Any: ...
    connect_args: dict[str, Any] = Field(default_factory=dict)
    connection_info: ConnectionComponents | SecretStr
    def execute(
        self,
        operation: object,
        parameters: Parameters = None,
        **execution_options: object,
    ) -> Any: ...
    def execute_many(
        self,
        operation: object,
        seq_of_parameters: Sequence[Mapping[str, object]],
        **execution_options: object,
    ) -> Any: ...
    def fetch_all(
        self,
        operation: object,
        parameters: Parameters = None,
        **execution_options: object,
    ) -> Any: ...
    def fetch_many(
        self,
        operation: object,
        parameters: Parameters = None,
        size: int | None = None,
        **execution_options: object,
    ) -> Any: ...
    def fetch_one(
        self,
        operation: object,
        parameters: Parameters = None,
        **execution_options: object,
    ) -> Any: ...
    fetch_size: int = Field(default=1, ge=1)
    def get_client(self, client_type: Literal['engine', 'connection'], **client_kwargs: Any) -> Any: ...
    def get_connection(self, begin: bool = True, **connect_kwargs: object) -> Any: ...
    def get_engine(self, **create_engine_kwargs: object) -> Any: ...
    reset_async_cursors = reset_cursors
    def reset_cursors(self) -> Any: ...

class SyncDriver(StrEnum):
    MSSQL_PYMSSQL = 'mssql+pymssql'
    MSSQL_PYODBC = 'mssql+pyodbc'
    MYSQL_MYSQLCONNECTOR = 'mysql+mysqlconnector'
    MYSQL_MYSQLDB = 'mysql+mysqldb'
    MYSQL_PYMYSQL = 'mysql+pymysql'
    MYSQL_PYODBC = 'mysql+pyodbc'
    ORACLE_CX_ORACLE = 'oracle+cx_oracle'
    ORACLE_ORACLEDB = 'oracle+oracledb'
    POSTGRESQL_PG8000 = 'postgresql+pg8000'
    POSTGRESQL_PSYCOPG = 'postgresql+psycopg'
    POSTGRESQL_PSYCOPG2 = 'postgresql+psycopg2'
    SQLITE_PYSQLITE = 'sqlite+pysqlite'

async def database_execute(
    statement: object,
    credentials: SqlAlchemyConnector | DatabaseCredentials,
    params: Parameters = None,
) -> None: ...

async def database_query(
    statement: object,
    credentials: SqlAlchemyConnector | DatabaseCredentials,
    params: Parameters = None,
    limit: int | None = None,
) -> list[tuple[Any, ...]]: ...

sqlalchemy_execute: object

sqlalchemy_query: object
