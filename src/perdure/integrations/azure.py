"""Azure: credentials and containers of Blob Storage, by obstore; clients of Azure's library where it is installed."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._platform.threads import in_thread
from perdure._storages.clouds import Azure
from perdure._storages.object_store import checked_path
from perdure.integrations.buckets import AnyPath, Bucket
from perdure.integrations.calling import awaited_in_async_code, imported

__all__ = [
    "AzureBlobStorageContainer",
    "AzureBlobStorageCredentials",
    "blob_storage_download",
    "blob_storage_list",
    "blob_storage_upload",
]


class AzureBlobStorageCredentials(Block):
    """A connection string; or the URL of an account, and perhaps a service principal.

    With a URL alone, the credentials are those of the environment or the machine.
    """

    block_type = "azure-blob-storage-credentials"

    account_url: str | None = None  # "https://ada.blob.core.windows.net"
    connection_string: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    tenant_id: str | None = None

    @model_validator(mode="after")
    def _one_is_given(self) -> "AzureBlobStorageCredentials":
        if (self.account_url is None) == (self.connection_string is None):
            raise ValueError("give either account_url or connection_string")
        return self

    def get_client(self) -> Any:
        """A `BlobServiceClient` of azure-storage-blob.

        Raises:
            IntegrationError: that library is not installed.
        """
        client = imported("azure.storage.blob", "azure-storage-blob").BlobServiceClient
        if self.connection_string is not None:
            return client.from_connection_string(self.connection_string.get_secret_value())
        identity = imported("azure.identity", "azure-identity")
        if self.client_secret is None:
            return client(self.account_url, credential=identity.DefaultAzureCredential())
        secret = self.client_secret.get_secret_value()
        return client(
            self.account_url, credential=identity.ClientSecretCredential(self.tenant_id, self.client_id, secret)
        )

    def _fields(self) -> dict[str, Any]:
        if self.connection_string is not None:
            return {"connection_string": self.connection_string}
        assert self.account_url is not None
        return {
            "account_name": (urlsplit(self.account_url).hostname or "").partition(".")[0] or None,
            "endpoint_url": self.account_url,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "tenant_id": self.tenant_id,
        }


class AzureBlobStorageContainer(Bucket):
    """A container of Azure Blob Storage; a storage, which can hold results."""

    block_type = "azure-blob-storage-container"
    words: ClassVar[dict[str, str]] = {
        "bucket": "container",
        "path": "container_name",
        "credentials": "credentials",
        "endpoint": "credentials",
    }

    container_name: str
    credentials: AzureBlobStorageCredentials
    base_folder: str = ""

    @field_validator("container_name", "base_folder", mode="before")
    @classmethod
    def _is_path(cls, value: object) -> object:
        return "" if value is None or not str(value).strip("/") else checked_path(str(value))

    def storage(self) -> Azure:
        """The same place as `perdure.filesystems.Azure`."""
        return Azure(
            container_path="/".join(each for each in (self.container_name, self.base_folder) if each),
            timeout_seconds=self.timeout_seconds,
            max_attempts=self.max_attempts,
            **self.credentials._fields(),
        )

    @awaited_in_async_code
    def list_blobs(self) -> list[str]:
        """The names in the container of all that lies in the folder; in async code, awaited.

        Raises:
            StorageError: the container refuses.
        """
        return [each.key for each in self._entries("")]

    def _folder(self) -> str:
        return self.base_folder


@task
async def blob_storage_upload(
    data: bytes,
    container: str,
    blob: str,
    blob_storage_credentials: AzureBlobStorageCredentials,
    overwrite: bool = False,
) -> str:
    """Write a blob; its name.

    Raises:
        StorageError: the container refuses; or there is such a blob, and `overwrite` is not given.
    """
    import obstore

    target = _container(container, blob_storage_credentials)
    with target._refusals("write", blob):
        await obstore.put_async(
            target._store(), blob, data, mode="overwrite" if overwrite else "create", use_multipart=False
        )
    return blob


@task
async def blob_storage_download(
    container: str, blob: str, blob_storage_credentials: AzureBlobStorageCredentials
) -> bytes:
    """A blob's bytes.

    Raises:
        ObjectMissing: there is no such blob.
        StorageError: the container refuses.
    """
    return await _container(container, blob_storage_credentials).aread(blob)


@task
async def blob_storage_list(
    container: str, blob_storage_credentials: AzureBlobStorageCredentials, name_starts_with: str | None = None
) -> list[dict[str, Any]]:
    """All blobs of a container, or those whose names begin so, as dicts with `name`, `size` and `last_modified`.

    Raises:
        StorageError: the container refuses.
    """
    return await in_thread(_listed, _container(container, blob_storage_credentials), name_starts_with or "")


def _listed(container: AzureBlobStorageContainer, prefix: AnyPath) -> list[dict[str, Any]]:
    return [
        {"name": each.key, "size": each.size, "last_modified": datetime.fromtimestamp((each.modified or 0) / 1e6, UTC)}
        for each in container.entries(str(prefix))
    ]


def _container(name: str, credentials: AzureBlobStorageCredentials) -> AzureBlobStorageContainer:
    return AzureBlobStorageContainer(container_name=name, credentials=credentials)
