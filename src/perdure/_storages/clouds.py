"""The object stores of the clouds, and whatever speaks their protocols."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, SecretStr, model_validator

from perdure._platform.storage_urls import plain_place
from perdure._storages.aws_profiles import aws_profile
from perdure._storages.object_store import ObjectStore, checked_endpoint, checked_path

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Credential, S3Store

BucketPath = Annotated[str, AfterValidator(checked_path)]
Endpoint = Annotated[str | None, AfterValidator(checked_endpoint)]


# obstore's `skip_signature` is for reading only.
_ACCOUNT = re.compile(r"[a-z0-9-]{1,64}")
_KEY_FIELDS = {
    *("type", "project_id", "private_key_id", "private_key", "client_email", "client_id", "auth_uri", "token_uri"),
    *("auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain"),
}
_NOBODY = '{"disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}'


class S3(ObjectStore):
    """Objects in Amazon S3, or in a service with its protocol.

    Without keys, the credentials are those of the environment: `AWS_ACCESS_KEY_ID` and its like, a profile of the
    AWS command line, the role of the machine or container.
    """

    block_type: ClassVar[str] = "s3"
    words: ClassVar[dict[str, str]] = {
        "bucket": "bucket",
        "path": "bucket_path",
        "credentials": "access_key_id and secret_access_key",
    }
    former_names: ClassVar[dict[str, str | None]] = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "region_name": "region",
    }

    bucket_path: BucketPath  # "bucket" or "bucket/some/prefix"
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    profile: str | None = None  # of the AWS command line
    region: str | None = None
    endpoint_url: Endpoint = None  # of a service that is not Amazon's
    virtual_hosted_style: bool = False  # the bucket's name in the host's, not in the path
    anonymous: bool = False  # for public buckets

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together; give both or neither")
        return self

    def _connect(self, **options: Any) -> "S3Store":
        from obstore.store import S3Store

        bucket, prefix = _split(self.bucket_path)
        service = self._service()
        if service and self.virtual_hosted_style:
            service = service.replace("://", f"://{bucket}.", 1)
        profile = None if self.anonymous or self.access_key_id else aws_profile(self.profile)
        config = {
            "region": self.region or (profile and profile.region),
            "endpoint": service,
            "virtual_hosted_style_request": self.virtual_hosted_style,
            "skip_signature": self.anonymous or None,
            "disable_bulk_delete": True,  # an error of a single DELETE has a code of its own
        }
        credentials = self._credentials() if profile is None else profile.credentials
        return S3Store(bucket, prefix=prefix, config=_given(config), credential_provider=credentials, **options)

    def _credentials(self) -> "Callable[[], S3Credential] | None":
        # As a whole, so that a token of the environment, which belongs to other keys, does not get among them.
        if self.access_key_id is None or self.secret_access_key is None:
            return None
        credentials: S3Credential = {
            "access_key_id": self.access_key_id.get_secret_value(),
            "secret_access_key": self.secret_access_key.get_secret_value(),
            "token": _revealed(self.session_token),
            "expires_at": None,
        }
        return lambda: credentials

    def place(self) -> str | None:
        if self.profile is not None:  # of the machine's user
            return None
        return plain_place(f"{self.endpoint_url or 's3:/'}/{self.bucket_path}")

    def _url(self) -> str:
        return f"s3://{self.bucket_path}"

    def _is_sorted(self) -> bool:
        return not self.bucket_path.partition("/")[0].endswith("--x-s3")  # a directory bucket

    def _service(self) -> str | None:
        return self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


class GCS(ObjectStore):
    """Objects in Google Cloud Storage.

    Without a key, the credentials are those of the environment: `GOOGLE_APPLICATION_CREDENTIALS`, those of the
    gcloud command line, the service account of the machine.
    """

    block_type: ClassVar[str] = "gcs"
    words: ClassVar[dict[str, str]] = {
        "bucket": "bucket",
        "path": "bucket_path",
        "credentials": "service_account_key or service_account_path",
    }
    former_names: ClassVar[dict[str, str | None]] = {"service_account_info": "service_account_key", "project": None}

    bucket_path: BucketPath  # "bucket" or "bucket/some/prefix"
    service_account_key: SecretStr | None = None  # the content of a key file, which is JSON
    service_account_path: Path | None = None  # a key file
    endpoint_url: Endpoint = None  # of a service that is not Google's
    anonymous: bool = False  # for public buckets

    def _connect(self, **options: Any) -> "GCSStore":
        from obstore.store import GCSStore

        config = {
            "service_account_key": _NOBODY if self.anonymous else _revealed(self.service_account_key),
            "service_account": None if self.service_account_path is None else str(self.service_account_path),
            "base_url": self._service(),
            "skip_signature": self.anonymous or None,
        }
        bucket, prefix = _split(self.bucket_path)
        return GCSStore(bucket, prefix=prefix, config=_given(config), **options)

    def place(self) -> str | None:
        if self.service_account_path is not None or not _is_plain_key(_revealed(self.service_account_key)):
            return None
        return plain_place(f"{self.endpoint_url or 'gs:/'}/{self.bucket_path}")

    def _url(self) -> str:
        return f"gs://{self.bucket_path}"

    def _service(self) -> str | None:
        return self.endpoint_url or os.environ.get("GOOGLE_BASE_URL")


class Azure(ObjectStore):
    """Objects in Azure Blob Storage.

    Without a key or token, the credentials are those of the environment: `AZURE_STORAGE_ACCOUNT_KEY` and its like,
    a workload's or the machine's identity.
    """

    block_type: ClassVar[str] = "azure"
    words: ClassVar[dict[str, str]] = {
        "bucket": "container",
        "path": "container_path",
        "credentials": "account_key, sas_token, connection_string, or client_id, client_secret and tenant_id",
    }
    former_names: ClassVar[dict[str, str | None]] = {
        "bucket_path": "container_path",
        "azure_storage_connection_string": "connection_string",
        "azure_storage_account_name": "account_name",
        "azure_storage_account_key": "account_key",
        "azure_storage_tenant_id": "tenant_id",
        "azure_storage_client_id": "client_id",
        "azure_storage_client_secret": "client_secret",
        "azure_storage_anon": "anonymous",
    }

    container_path: BucketPath  # "container" or "container/some/prefix"
    account_name: str | None = None
    account_key: SecretStr | None = None
    sas_token: SecretStr | None = None
    connection_string: SecretStr | None = None  # as the portal shows it; what is given besides goes before it
    client_id: str | None = None
    client_secret: SecretStr | None = None
    tenant_id: str | None = None
    endpoint_url: Endpoint = None
    anonymous: bool = False  # for public containers

    def _connect(self, **options: Any) -> "AzureStore":
        from obstore.store import AzureStore

        connection = self._connection()
        config = {
            "account_name": self._account(),
            "account_key": _revealed(self.account_key) or connection.get("AccountKey"),
            "sas_key": _revealed(self.sas_token) or connection.get("SharedAccessSignature"),
            "client_id": self.client_id,
            "client_secret": _revealed(self.client_secret),
            "tenant_id": self.tenant_id,
            "endpoint": self._service(),
            "skip_signature": self.anonymous or None,
        }
        container, prefix = _split(self.container_path)
        return AzureStore(container, prefix=prefix, config=_given(config), **options)

    def place(self) -> str | None:
        account = self.account_name or self._connection().get("AccountName")
        if account is not None and not _ACCOUNT.fullmatch(account):
            return None
        return plain_place(self._url())

    def _url(self) -> str:
        service, account = self._service(), self._account()
        if service is None and account is None:
            return f"az://{self.container_path}"
        return f"{service or f'https://{account}.blob.core.windows.net'}/{self.container_path}"

    def _service(self) -> str | None:
        if self.endpoint_url is not None:
            return self.endpoint_url
        connection = self._connection()
        if "BlobEndpoint" in connection:
            return connection["BlobEndpoint"].rstrip("/")
        if "EndpointSuffix" in connection:
            return f"{connection.get('DefaultEndpointsProtocol', 'https')}://{self._account()}.blob.{connection['EndpointSuffix']}"
        return os.environ.get("AZURE_STORAGE_ENDPOINT") or os.environ.get("AZURE_ENDPOINT")

    def _account(self) -> str | None:
        return (
            self.account_name or self._connection().get("AccountName") or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
        )

    def _connection(self) -> dict[str, str]:
        fields = (_revealed(self.connection_string) or "").split(";")
        return {
            name.strip(): value.strip() for name, equals, value in (each.partition("=") for each in fields) if equals
        }


def _is_plain_key(key: str | None) -> bool:
    """Whether a key of Google's has no more than what such keys have: they may name other services to ask."""
    if key is None:
        return True
    try:
        fields = json.loads(key)
    except ValueError:
        return False
    return isinstance(fields, dict) and fields.keys() <= _KEY_FIELDS


def _split(path: str) -> tuple[str, str | None]:
    """The bucket and the prefix."""
    bucket, _, prefix = path.partition("/")
    return bucket, prefix or None


def _given(config: dict[str, Any]) -> Any:
    return {name: value for name, value in config.items() if value is not None}


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
