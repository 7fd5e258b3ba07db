"""AWS: credentials, buckets of S3 and of what speaks its protocol, secrets.

Buckets are reached by obstore. Clients of other services are boto3's, where the program has installed it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._platform.threads import in_thread
from perdure._storages.clouds import S3
from perdure._storages.object_store import checked_path
from perdure.integrations.buckets import AnyPath, Bucket
from perdure.integrations.calling import awaited_in_async_code, imported

__all__ = [
    "AwsClientParameters",
    "AwsCredentials",
    "AwsSecret",
    "MinIOCredentials",
    "S3Bucket",
    "read_secret",
    "s3_download",
    "s3_list_objects",
    "s3_upload",
]


class AwsClientParameters(BaseModel):
    """How services are reached. A bucket takes `endpoint_url` and `verify`; clients of boto3 take all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_version: str | None = None
    use_ssl: bool = True
    verify: bool | str = True  # certificates of services; or the path of those that are trusted
    verify_cert_path: str | None = None
    endpoint_url: str | None = None
    config: dict[str, Any] | None = None  # of `botocore.config.Config`

    def get_params_override(self) -> dict[str, Any]:
        """The arguments of `boto3.session.Session.client` that differ from its defaults."""
        given: dict[str, Any] = {"api_version": self.api_version, "endpoint_url": self.endpoint_url}
        if not self.use_ssl:
            given["use_ssl"] = False
        if self.verify is not True or self.verify_cert_path is not None:
            given["verify"] = self.verify_cert_path or self.verify
        if self.config is not None:
            given["config"] = imported("botocore.config", "'perdure[aws]'").Config(**self.config)
        return {name: value for name, value in given.items() if value is not None}


class _Credentials(Block):
    """What AWS and MinIO have in common."""

    region_name: str | None = None
    aws_client_parameters: AwsClientParameters = Field(default_factory=AwsClientParameters)

    def _session_arguments(self) -> dict[str, Any]:
        raise NotImplementedError

    def _bucket_arguments(self) -> dict[str, Any]:
        raise NotImplementedError

    def get_boto3_session(self) -> Any:
        """A session of boto3 with these credentials.

        Raises:
            IntegrationError: boto3 is not installed.
        """
        given = {"region_name": self.region_name, **self._session_arguments()}
        return imported("boto3", "'perdure[aws]'").session.Session(
            **{name: each for name, each in given.items() if each}
        )

    def get_client(self, client_type: str) -> Any:
        """A client of boto3 for a service, such as "s3" or "secretsmanager".

        Raises:
            IntegrationError: boto3 is not installed.
        """
        return self.get_boto3_session().client(str(client_type), **self.aws_client_parameters.get_params_override())

    def get_s3_client(self) -> Any:
        """A client of boto3 for S3."""
        return self.get_client("s3")


class AwsCredentials(_Credentials):
    """An access key or a profile of AWS; with neither, what the environment or the machine has."""

    block_type = "aws-credentials"

    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    profile_name: str | None = None

    def get_secrets_manager_client(self) -> Any:
        """A client of boto3 for Secrets Manager."""
        return self.get_client("secretsmanager")

    def _session_arguments(self) -> dict[str, Any]:
        return {
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": _revealed(self.aws_secret_access_key),
            "aws_session_token": _revealed(self.aws_session_token),
            "profile_name": self.profile_name,
        }

    def _bucket_arguments(self) -> dict[str, Any]:
        return {
            "access_key_id": self.aws_access_key_id,
            "secret_access_key": self.aws_secret_access_key,
            "session_token": self.aws_session_token,
            "profile": self.profile_name,
        }


class MinIOCredentials(_Credentials):
    """The user and password of a MinIO server; its address is `aws_client_parameters.endpoint_url`."""

    block_type = "minio-credentials"

    minio_root_user: str
    minio_root_password: SecretStr

    def _session_arguments(self) -> dict[str, Any]:
        return {
            "aws_access_key_id": self.minio_root_user,
            "aws_secret_access_key": self.minio_root_password.get_secret_value(),
        }

    def _bucket_arguments(self) -> dict[str, Any]:
        return {"access_key_id": self.minio_root_user, "secret_access_key": self.minio_root_password}


class S3Bucket(Bucket):
    """A bucket of Amazon S3, or of a service with its protocol such as MinIO; a storage, which can hold results."""

    block_type = "s3-bucket"
    words: ClassVar[dict[str, str]] = {
        "bucket": "bucket",
        "path": "bucket_name",
        "credentials": "credentials",
        "endpoint": "credentials.aws_client_parameters.endpoint_url",
    }

    bucket_name: str
    credentials: AwsCredentials | MinIOCredentials = Field(default_factory=AwsCredentials)
    bucket_folder: str = ""

    @field_validator("bucket_name", "bucket_folder")
    @classmethod
    def _is_path(cls, value: str) -> str:
        return checked_path(value) if value.strip("/") else ""

    def storage(self) -> S3:
        """The same place as `perdure.filesystems.S3`."""
        given = self.credentials
        return S3(
            bucket_path=self._whole_of_bucket(),
            region=given.region_name,
            endpoint_url=given.aws_client_parameters.endpoint_url,
            timeout_seconds=self.timeout_seconds,
            max_attempts=self.max_attempts,
            **given._bucket_arguments(),
        )

    @awaited_in_async_code
    def list_objects(self, folder: AnyPath = "", max_items: int | None = None) -> list[dict[str, Any]]:
        """What lies below a folder, as dicts with `Key` (in the bucket), `Size` and `LastModified`.

        In async code, awaited.

        Raises:
            StorageError: the bucket refuses.
        """
        found: list[dict[str, Any]] = []
        for entry in self._entries(folder):
            if len(found) == max_items:
                break
            modified = datetime.fromtimestamp((entry.modified or 0) / 1_000_000, UTC)
            found.append({"Key": entry.key, "Size": entry.size, "LastModified": modified})
        return found

    def place(self) -> str | None:
        # Without a look at certificates, another service may stand for the one that is named.
        return super().place() if self.credentials.aws_client_parameters.verify is True else None

    def _whole_of_bucket(self) -> str:
        return "/".join(each for each in (self.bucket_name, self.bucket_folder) if each)

    def _folder(self) -> str:
        return self.bucket_folder

    def _connect(self, **options: Any) -> Any:
        if self.credentials.aws_client_parameters.verify is False:
            options["client_options"] = {**options.get("client_options", {}), "allow_invalid_certificates": True}
        return super()._connect(**options)


class AwsSecret(Block):
    """A secret of Secrets Manager, read by boto3."""

    block_type = "aws-secret"

    aws_credentials: AwsCredentials = Field(default_factory=AwsCredentials)
    secret_name: str

    @awaited_in_async_code
    def read_secret(self, version_id: str | None = None, version_stage: str | None = None) -> bytes:
        """The secret's bytes; in async code, awaited.

        Raises:
            IntegrationError: boto3 is not installed.
            botocore.exceptions.ClientError: the service refuses.
        """
        found = _secret(self.aws_credentials, self.secret_name, version_id, version_stage)
        return found.encode() if isinstance(found, str) else found


@task
async def read_secret(
    secret_name: str,
    aws_credentials: AwsCredentials,
    version_id: str | None = None,
    version_stage: str | None = None,
) -> str | bytes:
    """A secret of Secrets Manager, read by boto3.

    Raises what `AwsSecret.read_secret` raises.
    """
    return await in_thread(_secret, aws_credentials, secret_name, version_id, version_stage)


@task
async def s3_download(bucket: str, key: str, aws_credentials: AwsCredentials | MinIOCredentials) -> bytes:
    """An object's bytes.

    Raises:
        ObjectMissing: there is no such object.
        StorageError: the bucket refuses.
    """
    return await S3Bucket(bucket_name=bucket, credentials=aws_credentials).aread(key)


@task
async def s3_upload(
    data: bytes, bucket: str, aws_credentials: AwsCredentials | MinIOCredentials, key: str | None = None
) -> str:
    """Write an object, under a name of its own if no key is given; its key.

    Raises:
        StorageError: the bucket refuses.
    """
    chosen = key or uuid4().hex
    await S3Bucket(bucket_name=bucket, credentials=aws_credentials).awrite(chosen, data)
    return chosen


@task
async def s3_list_objects(
    bucket: str,
    aws_credentials: AwsCredentials | MinIOCredentials,
    prefix: str = "",
    max_items: int | None = None,
) -> list[Mapping[str, Any]]:
    """What lies below a folder of a bucket, as `S3Bucket.list_objects` gives it.

    Raises:
        StorageError: the bucket refuses.
    """
    return await S3Bucket(bucket_name=bucket, credentials=aws_credentials).list_objects(prefix, max_items)  # type: ignore[no-any-return]


def _secret(credentials: AwsCredentials, name: str, version_id: str | None, version_stage: str | None) -> str | bytes:
    given = {"VersionId": version_id, "VersionStage": version_stage}
    client = credentials.get_secrets_manager_client()
    found = client.get_secret_value(SecretId=name, **{key: each for key, each in given.items() if each})
    return found["SecretString"] if "SecretString" in found else found["SecretBinary"]  # type: ignore[no-any-return]


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
