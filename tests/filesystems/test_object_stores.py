"""What object stores do before they ask a service anything, and when none answers."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from perdure._storages.object_errors import is_past_end, refused
from perdure.blocks import Block, block_class
from perdure.errors import StorageError
from perdure.filesystems import GCS, S3, Azure, Storage

NOWHERE = "http://127.0.0.1:9"
KEY = (
    '{"client_email": "a@b", "private_key_id": "1", "private_key": "open-sesame", "gcs_base_url": "http://127.0.0.1:9"}'
)

S3_AWAY = S3(
    bucket_path="b/team", access_key_id="a", secret_access_key="open-sesame", endpoint_url=NOWHERE, max_attempts=1
)
GCS_AWAY = GCS(bucket_path="b/team", anonymous=True, endpoint_url=NOWHERE, max_attempts=1)
AZURE_AWAY = Azure(
    container_path="b/team", account_name="ada", account_key="b3Blbi1zZXNhbWU=", endpoint_url=NOWHERE, max_attempts=1
)
AZURE_BY_TOKEN = Azure(
    container_path="b/team",
    account_name="ada",
    sas_token="sv=2024&sig=open-sesame",
    endpoint_url=NOWHERE,
    max_attempts=1,
)
AZURE_BY_STRING = Azure(
    container_path="b/team",
    connection_string=f"AccountName=ada;AccountKey=b3Blbi1zZXNhbWU=;BlobEndpoint={NOWHERE}/ada;",
    max_attempts=1,
)


@pytest.mark.parametrize("storage", [S3_AWAY, GCS_AWAY, AZURE_AWAY, AZURE_BY_TOKEN, AZURE_BY_STRING])
def test_a_service_that_is_away_is_named_and_no_secret_is_shown(storage: Storage) -> None:
    with pytest.raises(StorageError) as caught:
        storage.write("a", b"x")
    said = str(caught.value)
    assert NOWHERE in said
    assert "b/team/a" in said
    assert "it cannot be reached. Correct endpoint_url, or look at the network." in said
    for text in (said, repr(storage)):
        assert "sesame" not in text
        assert "b3Blbi" not in text


@pytest.mark.parametrize(
    ("storage", "place"),
    [
        (S3(bucket_path="bucket"), "s3://bucket/a/b"),
        (S3(bucket_path="bucket/team/", endpoint_url=NOWHERE), "s3://bucket/team/a/b"),
        (GCS(bucket_path="bucket/team"), "gs://bucket/team/a/b"),
        (Azure(container_path="c/team", account_name="ada"), "https://ada.blob.core.windows.net/c/team/a/b"),
        (AZURE_BY_STRING, f"{NOWHERE}/ada/b/team/a/b"),
        (
            Azure(container_path="c", connection_string="AccountName=ada;EndpointSuffix=core.chinacloudapi.cn"),
            "https://ada.blob.core.chinacloudapi.cn/c/a/b",
        ),
    ],
)
def test_a_person_learns_where_an_object_is(storage: Storage, place: str) -> None:
    assert storage.describe("a/b") == place


@pytest.mark.parametrize(
    ("storage", "slug"), [(S3_AWAY, "s3/dev"), (GCS_AWAY, "gcs/dev"), (AZURE_BY_STRING, "azure/dev")]
)
def test_it_is_had_again_by_its_slug(storage: Storage, slug: str) -> None:
    assert storage.save("dev") == slug
    assert Block.load(slug) == storage


@pytest.mark.parametrize("type", ["s3", "gcs", "azure", "remote-file-system"])
def test_a_type_is_known_by_its_slug(type: str) -> None:
    assert issubclass(block_class(type), Storage)


@pytest.mark.slow
def test_a_slug_is_enough_where_the_class_was_not_imported() -> None:
    program = "from perdure.blocks import block_class; print(block_class('s3').__name__)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "S3\n"


@pytest.mark.slow
def test_nothing_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, perdure.filesystems\n"
        "print([name for name in ('obstore', 'fsspec', 'perdure._storages.clouds') if name in sys.modules])\n"
        "from perdure.filesystems import S3, RemoteFileSystem\n"
        "S3(bucket_path='b'), RemoteFileSystem(basepath='memory://b')\n"
        "print([name for name in ('obstore', 'fsspec') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "[]\n[]\n"


@pytest.mark.parametrize("path", ["", "/", "b//c", "b/../c", "s3:\\b", "b/.tmp-x"])
def test_a_malformed_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"a path such as 'results/team' is a name and perhaps a prefix"):
        S3(bucket_path=path)


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host", "https://", "https://ada:sesame@host", "https://host?sig=sesame"]
)
def test_a_malformed_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="an endpoint is a URL such as") as caught:
        S3(bucket_path="b", endpoint_url=url)
    assert "sesame" not in str(caught.value)


def test_half_of_the_keys_is_refused() -> None:
    with pytest.raises(ValidationError, match="belong together; give both or neither") as caught:
        S3(bucket_path="b", secret_access_key="open-sesame")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        (GCS(bucket_path="b", service_account_key="open-sesame"), "malformed. Correct service_account_key or"),
        (GCS(bucket_path="b", service_account_path="/not/there"), "malformed. Correct service_account_key or"),
        (Azure(container_path="c"), "the storage account is not named. Give account_name."),
        (Azure(container_path="c", account_name="a", account_key="open-sesame"), "malformed. Correct account_key, sas"),
        (Azure(container_path="c", account_name="a", sas_token="open-sesame"), "malformed. Correct account_key, sas"),
    ],
)
def test_malformed_credentials_are_named_but_not_shown(storage: Storage, said: str) -> None:
    with pytest.raises(StorageError) as caught:
        storage.read("a")
    assert said in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_an_error_that_nobody_foresaw_is_reported_without_its_request() -> None:
    error = RuntimeError("Cannot GET https://host/b?sig=open-sesame for {reasons}\n\nDebug source: open-sesame")
    assert str(refused("read", "s3://b/a", S3.words, error)) == (
        "Cannot read s3://b/a: Cannot GET https://host/b for (reasons). Mend that, or choose another storage."
    )


def test_a_refused_bulk_delete_is_reported_as_a_missing_right() -> None:
    error = RuntimeError(
        "Error performing bulk delete request: non-2xx status code: 403 Forbidden: <x>\n\nDebug source:"
    )
    assert "permission is denied (403 Forbidden). Grant" in str(refused("delete", "s3://b/a", Azure.words, error))


@pytest.mark.parametrize(
    "text", ["non-2xx status code: 416 Range", "Wanted range starting at 9, but object was only 9"]
)
def test_a_range_past_the_end_is_distinguished(text: str) -> None:
    assert is_past_end(RuntimeError(text))
    assert not is_past_end(RuntimeError("non-2xx status code: 404 Not Found"))
