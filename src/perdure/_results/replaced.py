"""Keys of users that look like Perdure's own: a document there may be another run's, and right."""

from perdure._model.errors import ResultCorrupt
from perdure._platform import providers
from perdure._rooms.results.records import ResultFilter


def check_replaced(storage_id: str, key: str, digest: str, found: str | None, location: str) -> None:
    """Let a document pass that has another digest than the result, if the database knows of a result that replaced it.

    Raises:
        ResultCorrupt: it does not.
    """
    filter = ResultFilter(storage_ids=(storage_id,), storage_keys=(key,))
    known = providers.orchestrator()
    if known is None or all(record.digest != found for record in known.results(filter)):
        raise ResultCorrupt(
            f"{location} holds another result: its digest is {found}, and that of this one is {digest}. Run the task"
            " again, or restore the file."
        )
