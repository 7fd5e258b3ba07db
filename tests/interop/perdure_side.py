"""Persists every value with Perdure: `python perdure_side.py DIRECTORY`."""

import sys
from typing import Any

from interop_values import DOCUMENTS, VALUES

from perdure import flow, task
from perdure.filesystems import LocalFileSystem


@task(persist_result=True, result_storage_key="{parameters[document]}")
def give(document: str) -> Any:
    value = VALUES[DOCUMENTS[document][1]]
    if isinstance(value, Exception):
        raise value
    return value


@flow
def write() -> str:
    for document, (serializer, _) in DOCUMENTS.items():
        # The default serializer is not asked for, so that it is what Prefect 2 is seen to read.
        chosen = {} if serializer == "pickle" else {"result_serializer": serializer}
        state = give.with_options(**chosen)(document, return_state=True)
        if state.is_failed():  # a failure never goes under a key that a template made
            state.data.storage.write(document, state.data.storage.read(state.data.storage_key))
    return "written"


if __name__ == "__main__":
    write.with_options(result_storage=LocalFileSystem(basepath=sys.argv[1]))()
