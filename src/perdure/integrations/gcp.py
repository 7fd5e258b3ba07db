"""Google Cloud: credentials, buckets of Cloud Storage, secrets, queries of BigQuery.

Buckets are reached by obstore. For all else, Google's own libraries are taken where the program has installed them.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._model.errors import IntegrationError
from perdure._platform.threads import in_thread
from perdure._storages.clouds import GCS
from perdure._storages.object_store import checked_path
from perdure.integrations.buckets import AnyPath, Bucket
from perdure.integrations.calling import awaited_in_async_code, imported
from perdure.integrations.tables import DataFrameSerializationFormat, written

__all__ = [
    "DataFrameSerializationFormat",
    "GcpCredentials",
    "GcpSecret",
    "GcsBucket",
    "bigquery_query",
    "cloud_storage_download_blob_as_bytes",
    "cloud_storage_upload_blob_from_string",
    "read_secret",
]

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_EXTRA = "'perdure[gcp]'"
_SECONDS = 30.0  # until a call counts as failed


class GcpCredentials(Block):
    """A service account's key, as a file or as what is in it; without either, what the environment or machine has."""

    block_type = "gcp-credentials"

    service_account_file: Path | None = None
    service_account_info: SecretStr | None = None  # JSON; a dict is taken, too
    project: str | None = None  # by default the key's

    @field_validator("service_account_info", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _one_is_given(self) -> "GcpCredentials":
        if self.service_account_file is not None and self.service_account_info is not None:
            raise ValueError("service_account_file and service_account_info exclude each other; give one of them")
        return self

    def get_credentials_from_service_account(self) -> Any:
        """Credentials as Google's libraries take them.

        Raises:
            IntegrationError: google-auth is not installed.
        """
        if self.service_account_file is None and self.service_account_info is None:
            return imported("google.auth", _EXTRA).default(scopes=_SCOPES)[0]
        kind = imported("google.oauth2.service_account", _EXTRA).Credentials
        return kind.from_service_account_info(self._info(), scopes=_SCOPES)

    @awaited_in_async_code
    def get_access_token(self) -> str:
        """A token for requests to Google's services; in async code, awaited.

        Raises:
            IntegrationError: google-auth is not installed, or Google refuses.
        """
        return self._token()

    def get_bigquery_client(self, project: str | None = None, location: str | None = None) -> Any:
        """A client of google-cloud-bigquery.

        Raises:
            IntegrationError: that library is not installed.
        """
        module = imported("google.cloud.bigquery", "google-cloud-bigquery")
        return module.Client(**self._client_arguments(project), location=location)

    def get_cloud_storage_client(self, project: str | None = None) -> Any:
        """A client of google-cloud-storage.

        Raises:
            IntegrationError: that library is not installed.
        """
        module = imported("google.cloud.storage", "google-cloud-storage")
        return module.Client(**self._client_arguments(project))

    def get_secret_manager_client(self) -> Any:
        """A client of google-cloud-secret-manager.

        Raises:
            IntegrationError: that library is not installed.
        """
        module = imported("google.cloud.secretmanager", "google-cloud-secret-manager")
        return module.SecretManagerServiceClient(credentials=self.get_credentials_from_service_account())

    def _client_arguments(self, project: str | None) -> dict[str, Any]:
        return {"project": self._project(project), "credentials": self.get_credentials_from_service_account()}

    def _project(self, project: str | None = None) -> str | None:
        return project or self.project or self._info().get("project_id")

    def _info(self) -> dict[str, Any]:
        if self.service_account_info is not None:
            return json.loads(self.service_account_info.get_secret_value())  # type: ignore[no-any-return]
        if self.service_account_file is not None:
            return json.loads(self.service_account_file.expanduser().read_text())  # type: ignore[no-any-return]
        return {}

    def _token(self) -> str:
        credentials = self.get_credentials_from_service_account()
        errors = imported("google.auth.exceptions", _EXTRA)
        try:
            credentials.refresh(imported("google.auth.transport.requests", _EXTRA).Request())
        except errors.GoogleAuthError as error:
            raise IntegrationError(f"Google gives no token: {error}. Correct the service account's key.") from None
        return str(credentials.token)


class GcsBucket(Bucket):
    """A bucket of Google Cloud Storage; a storage, which can hold results."""

    block_type = "gcs-bucket"
    words: ClassVar[dict[str, str]] = {"bucket": "bucket", "path": "bucket", "credentials": "gcp_credentials"}

    bucket: str
    gcp_credentials: GcpCredentials = Field(default_factory=GcpCredentials)
    bucket_folder: str = ""
    endpoint_url: str | None = None  # of a service that is not Google's
    anonymous: bool = False  # for public buckets

    @field_validator("bucket", "bucket_folder")
    @classmethod
    def _is_path(cls, value: str) -> str:
        return checked_path(value) if value.strip("/") else ""

    def storage(self) -> GCS:
        """The same place as `perdure.filesystems.GCS`."""
        given = self.gcp_credentials
        return GCS(
            bucket_path="/".join(each for each in (self.bucket, self.bucket_folder) if each),
            service_account_key=given.service_account_info,
            service_account_path=given.service_account_file,
            endpoint_url=self.endpoint_url,
            anonymous=self.anonymous,
            timeout_seconds=self.timeout_seconds,
            max_attempts=self.max_attempts,
        )

    @awaited_in_async_code
    def list_blobs(self, folder: AnyPath = "") -> list[dict[str, Any]]:
        """What lies below a folder, as dicts with `name` (in the bucket), `size` and `updated`; in async code, awaited.

        Raises:
            StorageError: the bucket refuses.
        """
        return [
            {"name": each.key, "size": each.size, "updated": datetime.fromtimestamp((each.modified or 0) / 1e6, UTC)}
            for each in self._entries(folder)
        ]

    @awaited_in_async_code
    def list_folders(self, folder: AnyPath = "") -> list[str]:
        """All folders that have something in them, below a folder; in async code, awaited.

        Raises:
            StorageError: the bucket refuses.
        """
        return sorted({PurePosixPath(each.key).parent.as_posix() for each in self._entries(folder)} - {"."})

    @awaited_in_async_code
    def upload_from_dataframe(self, df: object, to_path: AnyPath, serialization_format: str = "csv_gzip") -> str:
        """Upload a data frame of pandas; the path in the bucket, which has the format's suffix.

        Formats are csv, csv_gzip, parquet, parquet_snappy and parquet_gzip. In async code, awaited.

        Raises:
            StorageError: the bucket refuses.
            ValueError: the format is another one.
        """
        content, path = written(df, str(serialization_format), PurePosixPath(to_path))
        key = path.as_posix()
        self.write(key, content)
        return self._whole(key)

    @awaited_in_async_code
    def get_directory(self, from_path: str | PurePath | None = None, local_path: str | Path | None = None) -> list[str]:
        """Copy all whose name begins with a path into a local directory, this one by default, under whole names.

        So `get_directory("data/2024", "here")` makes `here/data/2024/...`. The files; in async code, awaited.

        Raises:
            StorageError: the bucket refuses.
        """
        target = Path("." if local_path is None else local_path)
        begins = PurePosixPath(from_path or "").as_posix().strip("/")
        keys = [each.key for each in self.entries("" if begins == "." else begins)]
        return [str(self._downloaded(key, target / self._whole(key))) for key in keys]

    def _folder(self) -> str:
        return self.bucket_folder


class GcpSecret(Block):
    """A secret of Secret Manager."""

    block_type = "gcpsecret"

    gcp_credentials: GcpCredentials = Field(default_factory=GcpCredentials)
    secret_name: str
    secret_version: str = "latest"
    api_url: str = "https://secretmanager.googleapis.com"

    @awaited_in_async_code
    def read_secret(self) -> bytes:
        """The secret's bytes; in async code, awaited.

        Raises:
            IntegrationError: google-auth is not installed, or Google refuses.
        """
        return self._read(None)

    def _read(self, project: str | None) -> bytes:
        import httpx

        name = f"projects/{self.gcp_credentials._project(project)}/secrets/{self.secret_name}"
        headers = {"Authorization": f"Bearer {self.gcp_credentials._token()}"}
        url = f"{self.api_url}/v1/{name}/versions/{self.secret_version}:access"
        try:
            answer = httpx.get(url, headers=headers, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise IntegrationError(f"Secret Manager was not reached: {type(error).__name__}.") from None
        if answer.is_error:
            raise IntegrationError(
                f"Secret Manager answered {answer.status_code} for {name}. Correct the name or its permissions."
            )
        return base64.b64decode(answer.json()["payload"]["data"])


@task
async def read_secret(
    secret_name: str, gcp_credentials: GcpCredentials, version_id: str = "latest", project: str | None = None
) -> str:
    """A secret of Secret Manager, as text.

    Raises what `GcpSecret.read_secret` raises.
    """
    secret = GcpSecret(gcp_credentials=gcp_credentials, secret_name=secret_name, secret_version=version_id)
    return (await in_thread(secret._read, project)).decode()


@task
async def bigquery_query(
    query: str,
    gcp_credentials: GcpCredentials,
    query_params: Sequence[tuple[str, str, object]] | None = None,
    to_dataframe: bool = False,
    job_config: Mapping[str, object] | None = None,
    project: str | None = None,
    location: str = "US",
) -> Any:
    """The rows of a query, by google-cloud-bigquery, or a data frame of pandas.

    `query_params` are names, types of BigQuery and values: `[("low", "INT64", 3)]` for `@low`.

    Raises:
        IntegrationError: google-cloud-bigquery is not installed.
        google.api_core.exceptions.GoogleAPIError: BigQuery refuses.
    """
    module = imported("google.cloud.bigquery", "google-cloud-bigquery")
    client = gcp_credentials.get_bigquery_client(project, location)
    parameters = [module.ScalarQueryParameter(*each) for each in query_params or ()]
    config = module.QueryJobConfig(query_parameters=parameters, **(job_config or {}))
    rows = await in_thread(lambda: client.query(query, job_config=config).result())
    return await in_thread(rows.to_dataframe if to_dataframe else lambda: [tuple(row) for row in rows])


@task
async def cloud_storage_upload_blob_from_string(
    data: str | bytes, bucket: str, blob: str, gcp_credentials: GcpCredentials
) -> str:
    """Write an object; its name.

    Raises:
        StorageError: the bucket refuses.
    """
    content = data.encode() if isinstance(data, str) else data
    await GcsBucket(bucket=bucket, gcp_credentials=gcp_credentials).awrite(blob, content)
    return blob


@task
async def cloud_storage_download_blob_as_bytes(bucket: str, blob: str, gcp_credentials: GcpCredentials) -> bytes:
    """An object's bytes.

    Raises:
        ObjectMissing: there is no such object.
        StorageError: the bucket refuses.
    """
    return await GcsBucket(bucket=bucket, gcp_credentials=gcp_credentials).aread(blob)
