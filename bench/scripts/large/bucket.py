"""The bucket of the S3 server that the benchmark has started."""

import os

from obstore.store import S3Store

from perdure.filesystems import S3

_URL, _KEY, _SECRET = (os.environ[f"BENCH_S3_{name}"] for name in ("URL", "KEY", "SECRET"))


def store() -> S3Store:
    options = {"allow_http": True}
    return S3Store(
        "results",
        endpoint=_URL,
        access_key_id=_KEY,
        secret_access_key=_SECRET,
        region="us-east-1",
        client_options=options,
    )


def block() -> S3:
    return S3(
        bucket_path="results/ours",
        endpoint_url=_URL,
        access_key_id=_KEY,
        secret_access_key=_SECRET,
        region="us-east-1",
    )
