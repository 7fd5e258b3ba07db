"""What Prefect 2 does, all in one process, since it takes seconds to start:

    python prefect_side.py FROM TO FLOW

It reads the documents in the directory FROM and prints what became of each as JSON, writes documents of the same names
into TO, and runs a flow with its results in FLOW. It never imports Perdure.
"""

import json
import sys
import warnings
from pathlib import Path

from interop_values import DOCUMENTS, VALUES, OutOfStockError, same
from patience import wait_for_prefect
from prefect import flow, task
from prefect.filesystems import LocalFileSystem
from prefect.results import PersistedResultBlob
from prefect.serializers import Serializer


def outcome(document: Path, name: str) -> str:
    """The empty text if Prefect's own classes give the value that was written; else what they gave."""
    try:
        blob = PersistedResultBlob.parse_raw(document.read_bytes())
        value = blob.serializer.loads(blob.data)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if same(value, VALUES[name]) else f"gave {value!r}"


def write(place: Path) -> None:
    for document, (serializer_type, name) in DOCUMENTS.items():
        serializer = Serializer(type=serializer_type)
        blob = PersistedResultBlob(serializer=serializer, data=serializer.dumps(VALUES[name]))
        (place / document).write_bytes(blob.to_bytes())


@task(result_storage_key="rows/{parameters[day]}")
def extract(day: int) -> dict:
    return {"day": day, "rows": [1, 2, 3]}


@task(result_storage_key="totals.json", result_serializer="json")
def total(rows: list) -> int:
    return sum(each["day"] for each in rows)


@task(result_storage_key="failure")
def fail() -> None:
    raise OutOfStockError("tea")


def run(place: Path) -> None:
    options = {"persist_result": True}

    @flow(result_storage=LocalFileSystem(basepath=str(place)), **options)
    def pipeline() -> list:
        fail.with_options(**options)(return_state=True)
        rows = [extract.with_options(**options)(day) for day in (1, 2)]
        return [total.with_options(**options, result_serializer="compressed/json")(rows)]

    assert pipeline() == [3]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    wait_for_prefect()
    source, target, results = map(Path, sys.argv[1:])
    outcomes = {document: outcome(source / document, name) for document, (_, name) in DOCUMENTS.items()}
    write(target)
    run(results)
    print(json.dumps(outcomes))
