"""The S3 server that the tests use, for the benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.s3_server import running


@contextmanager
def running_s3(folder: Path) -> Iterator[dict[str, str]]:
    """How the scripts reach a server that keeps its objects in the folder, as environment variables."""
    (folder / "s3").mkdir()
    with running(folder / "s3") as server:
        yield {
            "BENCH_S3_URL": server.endpoint_url,
            "BENCH_S3_KEY": server.access_key_id,
            "BENCH_S3_SECRET": server.secret_access_key,
        }
