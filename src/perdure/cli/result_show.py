"""`perdure result show`"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure._model.errors import PerdureError, ResultMissing
from perdure._model.records import InputRecord, ResultRecord
from perdure._results.document import PersistedResultBlob
from perdure._results.protection import protection_of, signature_of
from perdure._results.shared_keys import check_own
from perdure._results.types import PersistedResult
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli import find
from perdure.cli.groups import AsJson
from perdure.cli.output import NOTHING, facts, note, plural, section, show, show_json, size_text, state_text
from perdure.cli.result_ls import run_names
from perdure.cli.result_which import Which
from perdure.cli.runs import located_shape, result_facts, result_of

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 20  # runs of each direction of the lineage
Shape = dict[str, Any]


def show_(which: Which, as_json: AsJson = False) -> None:
    """Show a result's metadata.

    Its type, size and place, a preview and its lineage. The value is not loaded.
    """
    run = find.any_run(which)
    record = result_of(run)
    if record is None:
        raise ResultMissing(f"The run {run.name!r} is {run.state_name} and has no result. Wait until it has ended.")
    orchestrator = find.orchestrator()
    sources, uses = orchestrator.inputs_of((run.id,)), orchestrator.uses_of((run.id,))
    document = _document(record)
    if as_json:
        lineage = {
            "made_from": [{"run_id": each.source_id, "name": each.name} for each in sources],
            "went_into": [{"run_id": each.run_id, "name": each.name} for each in uses],
        }
        show_json((located_shape(record) or {}) | {"document": document} | lineage)
        return
    what = "raised by" if record.is_exception else "returned by"
    name = run_names([record]).get(run.id, run.name)
    show(facts({what: name, "run id": run.id, **result_facts(record), **_document_facts(document)}.items()))
    _show_preview(record)
    _show_lineage("Made from", [(each.source_id, each) for each in sources])
    _show_lineage("Went into", [(each.run_id, each) for each in uses])
    _show_code(run, record)


def _document(record: ResultRecord) -> Shape | None:
    """What the document itself says, without the value; and the error, if it cannot be read."""
    if record.kind != "persisted" or record.removed is not None:
        return None
    key = record.storage_key or ""
    shape: Shape = {}
    try:
        storage = PersistedResult.find_storage(record.storage_id or "")
        text = storage.read(key)
        shape = signature_of(text)._asdict()
        blob = PersistedResultBlob.from_bytes(text, lambda: storage.describe(key), key)
        check_own(record, blob, lambda: storage.describe(key))
        shape = protection_of(text, blob, key, storage)._asdict()
    except PerdureError as error:
        return {"error": str(error)} | shape
    layout = blob.payload
    payload = None
    if layout is not None:
        payload = {
            "location": storage.describe(layout.key),
            "key": layout.key,
            "size": layout.size,
            "parts": [list(part) for part in layout.parts],
            "chunks": len(layout.digests),
        }
    return {"version": blob.version, "payload": payload, "is_checked": blob.is_signed} | shape


def _document_facts(document: Shape | None) -> dict[str, "str | Text | None"]:
    from rich.text import Text

    if document is None:
        return {}
    shown: dict[str, str | Text | None] = {
        "signed": _key_text(document, "signing", "no"),
        "encrypted": _key_text(document, "encryption", None),
    }
    if "error" in document:
        return {"document": Text(document["error"], style="red")} | shown
    shown["written by"] = f"version {document['version']}"
    payload = document["payload"]
    if payload is not None:
        buffers = plural(len(payload["parts"]) - 1, "buffer") if len(payload["parts"]) > 1 else "no buffers"
        shown["payload"] = f"{size_text(payload['size'])} in {plural(payload['chunks'], 'chunk')}, {buffers}"
    return shown


def _key_text(document: Shape, kind: str, otherwise: str | None) -> "str | Text | None":
    """Which key the document needs, and whether this process has it."""
    from rich.text import Text

    id = document.get(f"{kind}_key")
    if id is None:
        return None if "error" in document else otherwise
    if document[f"has_{kind}_key"]:
        return f"with the key {id!r}, which is here"
    text = Text(f"with the key {id!r}, ")
    return text.append(f"which PERDURE_RESULTS_{kind.upper()}_KEYS does not have", style="yellow")


def _show_preview(record: ResultRecord) -> None:
    if record.preview is not None:
        from perdure.cli.preview import rendered

        show(section("Preview"), rendered(json.loads(record.preview)))


def _show_lineage(title: str, links: Sequence[tuple[str, InputRecord]]) -> None:
    """The runs at the other ends of the links, each with the parameter that a result went into."""
    if not links:
        return
    from rich.table import Table
    from rich.text import Text

    orchestrator = find.orchestrator()
    ids = list(dict.fromkeys(id for id, _ in links))
    shown = ids[:_SHOWN]
    runs: dict[str, FlowRun | TaskRun] = {
        **find.runs_by_id(shown, orchestrator.flow_runs),
        **find.runs_by_id(shown, orchestrator.task_runs),
    }
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for style in ("", "", "dim", "dim"):
        rows.add_column(no_wrap=True, style=style)
    for id, short in zip(shown, find.short_ids(shown), strict=True):
        run = runs.get(id)
        state = Text(NOTHING) if run is None else state_text(run.state_type, run.state_name)
        names = ", ".join(dict.fromkeys(link.name for at, link in links if at == id))
        rows.add_row(state, Text(NOTHING if run is None else run.name), Text(f"as {names}"), Text(short))
    show(section(title), rows)
    if len(ids) > _SHOWN:
        show(note(f"and {len(ids) - _SHOWN:,} more; --json has all"))


def _show_code(run: FlowRun | TaskRun, record: ResultRecord) -> None:
    if record.kind == "unpersisted" or record.removed is not None:
        return
    option = ", raise_on_failure=False" if record.is_exception else ""
    show(section("In Python"), "from perdure.results import get_result", f'value = get_result("{run.id}"{option})')
