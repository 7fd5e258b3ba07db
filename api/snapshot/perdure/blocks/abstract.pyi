__all__ = [
    "CredentialsBlock",
    "DatabaseBlock",
    "JobBlock",
    "JobRun",
    "NotificationBlock",
    "NotificationError",
    "ObjectStorageBlock",
    "SecretBlock",
]

class CredentialsBlock(Block, _Logging):
    def get_client(self, *args: object, **kwargs: object) -> Any: ...
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

class DatabaseBlock(Block, _Logging):
    def execute(self, operation: str, parameters: object = None, **execution_kwargs: object) -> None: ...
    def execute_many(
        self,
        operation: str,
        seq_of_parameters: Sequence[object],
        **execution_kwargs: object,
    ) -> None: ...
    def fetch_all(
        self,
        operation: str,
        parameters: object = None,
        **execution_kwargs: object,
    ) -> list[tuple[object, ...]]: ...
    def fetch_many(
        self,
        operation: str,
        parameters: object = None,
        size: int | None = None,
        **execution_kwargs: object,
    ) -> list[tuple[object, ...]]: ...
    def fetch_one(
        self,
        operation: str,
        parameters: object = None,
        **execution_kwargs: object,
    ) -> tuple[object, ...] | None: ...
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

class JobBlock(Block, _Logging):
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def trigger(self) -> JobRun[Any]: ...

class JobRun(_Logging, Generic[T]):
    def fetch_result(self) -> T: ...
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def wait_for_completion(self) -> Any: ...

class NotificationBlock(Block, _Logging):
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    def raise_on_failure(self) -> Iterator[None]: ...

class NotificationError(HookError):
    def __init__(self, log: str = '') -> None: ...
    log: object

class ObjectStorageBlock(Block, _Logging):
    def download_folder_to_path(
        self,
        from_folder: str,
        to_folder: str | Path,
        **download_kwargs: object,
    ) -> Path: ...
    def download_object_to_file_object(
        self,
        from_path: str,
        to_file_object: BinaryIO,
        **download_kwargs: object,
    ) -> BinaryIO: ...
    def download_object_to_path(
        self,
        from_path: str,
        to_path: str | Path,
        **download_kwargs: object,
    ) -> Path: ...
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def upload_from_file_object(
        self,
        from_file_object: BinaryIO,
        to_path: str,
        **upload_kwargs: object,
    ) -> str: ...
    def upload_from_folder(
        self,
        from_folder: str | Path,
        to_folder: str,
        **upload_kwargs: object,
    ) -> str: ...
    def upload_from_path(self, from_path: str | Path, to_path: str, **upload_kwargs: object) -> str: ...

class SecretBlock(Block, _Logging):
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def read_secret(self) -> bytes: ...
    def write_secret(self, secret_data: bytes) -> str: ...
