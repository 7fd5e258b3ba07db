"""Azure's containers, in Azurite."""

import asyncio
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from perdure import flow, task
from perdure.errors import IntegrationError, ObjectMissing, StorageError
from perdure.integrations.azure import (
    AzureBlobStorageContainer,
    AzureBlobStorageCredentials,
    blob_storage_download,
    blob_storage_list,
    blob_storage_upload,
)
from tests.azurite import Azurite, azurite  # noqa: F401 - a fixture

STRING = "AccountName=ada;AccountKey=czNjcmV0;EndpointSuffix=core.windows.net"


@pytest.fixture
def container(azurite: Azurite) -> AzureBlobStorageContainer:  # noqa: F811
    name = f"c{uuid4().hex}"
    azurite.make_container(name)
    credentials = AzureBlobStorageCredentials(connection_string=SecretStr(azurite.connection_string))
    return AzureBlobStorageContainer(container_name=name, base_folder="team/", credentials=credentials, max_attempts=1)


@pytest.mark.slow
def test_files_and_folders_go_there_and_back(container: AzureBlobStorageContainer, tmp_path: Path) -> None:
    (tmp_path / "all" / "deep").mkdir(parents=True)
    (tmp_path / "all" / "a").write_bytes(b"a")
    (tmp_path / "all" / "deep" / "b").write_bytes(bytes(20_000_000))
    assert container.upload_from_folder(tmp_path / "all", "all") == "team/all"
    assert container.list_blobs() == ["team/all/a", "team/all/deep/b"]
    back = container.download_folder_to_path("all", tmp_path / "back")
    assert (back / "deep" / "b").read_bytes() == bytes(20_000_000)
    assert container.read_path("all/a") == b"a"


@pytest.mark.slow
def test_a_saved_container_holds_results(container: AzureBlobStorageContainer) -> None:
    container.save("mine")

    @task(persist_result=True, result_storage="azure-blob-storage-container/mine", cache_result_in_memory=False)
    def answer() -> int:
        return 42

    result = answer(return_state=True).data
    assert (result.get(), result.storage) == (42, container)


@pytest.mark.slow
def test_tasks_take_the_name_of_a_container(container: AzureBlobStorageContainer) -> None:
    where, who = container.container_name, container.credentials

    @flow
    async def use() -> Any:
        await blob_storage_upload(b"a", where, "logs/a", who)
        with pytest.raises(StorageError):
            await blob_storage_upload(b"b", where, "logs/a", who)
        with pytest.raises(ObjectMissing):
            await blob_storage_download(where, "logs/b", who)
        await blob_storage_upload(b"b", where, "logs/b", who, overwrite=True)
        listed = await blob_storage_list(where, who, name_starts_with="logs/")
        return await blob_storage_download(where, "logs/a", who), [(each["name"], each["size"]) for each in listed]

    assert asyncio.run(use()) == (b"a", [("logs/a", 1), ("logs/b", 1)])


def test_a_url_and_a_service_principal_are_those_of_the_storage() -> None:
    credentials = AzureBlobStorageCredentials(
        account_url="https://ada.blob.core.windows.net",
        client_id="a",
        client_secret=SecretStr("s3cret"),
        tenant_id="b",
    )
    storage = AzureBlobStorageContainer(container_name="data", credentials=credentials).storage()
    assert storage.account_name == "ada"
    assert storage.describe("x") == "https://ada.blob.core.windows.net/data/x"
    assert storage.client_secret == SecretStr("s3cret")


def test_a_saved_container_keeps_its_secret() -> None:
    credentials = AzureBlobStorageCredentials(connection_string=SecretStr(STRING))
    AzureBlobStorageContainer(container_name="data", credentials=credentials).save("mine")
    loaded = AzureBlobStorageContainer.load("mine")
    assert loaded.credentials == credentials
    assert "czNjcmV0" not in repr(loaded)


@pytest.mark.parametrize(
    "fields", [{}, {"account_url": "https://ada.blob.core.windows.net", "connection_string": SecretStr(STRING)}]
)
def test_an_account_is_named_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either account_url or connection_string"):
        AzureBlobStorageCredentials(**fields)


def test_without_azures_library_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    with pytest.raises(IntegrationError, match="pip install azure-storage-blob"):
        AzureBlobStorageCredentials(connection_string=SecretStr(STRING)).get_client()
