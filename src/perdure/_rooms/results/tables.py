"""The tables of results: their records, and which results went into which runs."""

from perdure._model.records import InputRecord, ResultRecord
from perdure._model.tables import Index, Table
from perdure._platform.clock import Micros

# What queries must say, to the letter, to be answered by the index of the rows of which it holds.
NOT_UNPERSISTED = "kind <> 'unpersisted'"
OWN_KEY_LENGTH = 32
# Of the keys that Perdure makes, each of one result, an index would cost a tenth of a commit: they are random.
CHOSEN_KEY = f"length(storage_key) <> {OWN_KEY_LENGTH}"
LARGE_SIZE = 4_096  # bytes
LARGE = f"size >= {LARGE_SIZE}"


class Skew:
    """When a result was made, where that is far from the time in the run's id."""

    askew: Micros | None


RESULT = Table(
    "result",
    ResultRecord,
    Index("result_by_type", ("type", "run_id")),
    Index("result_by_place", ("kind", "storage_id", "run_id"), where=NOT_UNPERSISTED),
    Index("result_by_key", ("storage_key",), where=CHOSEN_KEY),
    Index("result_by_askew", ("askew",), where="askew IS NOT NULL"),
    Index("result_by_size", ("size",), where=LARGE),
    Index("result_by_exception", ("run_id",), where="is_exception"),
    Index("result_by_doom", ("run_id",), where="doomed IS NOT NULL"),
    Index("result_by_item", ("item_of", "step", "number"), where="item_of IS NOT NULL"),
    more=Skew,
    # After all that pruning reads, which so passes over none of the previews' pages.
    last=("preview", "item_of", "number", "askew"),
)
RUN_INPUT = Table(
    "run_input",
    InputRecord,
    Index("run_input_by_source", ("source_id",)),  # the rest of the key follows by itself
    key=3,
)
INPUTS_ORDER = "run_id, name, source_id"
TABLES = (RESULT, RUN_INPUT)
