"""Writing results anew: signed and encrypted with the keys that are first now, so that old keys can go.

Each document is replaced at once, by one that holds the same value. If its digest changes, the database forgets the old
one first, and gets the new one last: a kill in between leaves a result that can be read, and that the next
one to rewrite it sets right.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from perdure._model.errors import (
    BlockError,
    ResultError,
    ResultOverwritten,
    ResultUntrusted,
    SerializationError,
    StorageError,
    UnknownSerializer,
)
from perdure._model.records import ResultRecord
from perdure._platform.named import NamedTuple
from perdure._results import signing
from perdure._results.document import resealed
from perdure._results.lookup import kept_records, known_runs, persisted_record
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import Layout, PayloadWriter, dumped, payload_key
from perdure._results.protection import protection_of
from perdure._results.removal import Place, sharing
from perdure._results.store import description_of, replace_document
from perdure._results.transfer import Original, original_of
from perdure._rooms.results.records import ResultFilter

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._serializers.base import Serializer

Step = Literal["serialized", "encrypted", "signed"]
_AT_ONCE = 500  # results of which it is asked at once who shares their documents


class Rewriting(NamedTuple):
    """What became of a result."""

    record: ResultRecord
    steps: tuple[Step, ...]  # what was done, or would be; none if it was as it should be
    reason: str | None = None  # why it could not be done


def rewrite(
    run_ids: Sequence[str | UUID] = (),
    *,
    wanted: ResultFilter | None = None,
    serializer: "str | Serializer | None" = None,
    sign_unsigned: bool = False,
    dry_run: bool = False,
) -> Iterator[Rewriting]:
    """Sign and encrypt the persisted results of these runs, or those that are `wanted`, or all, with the first keys.

    What is signed and encrypted with them already is left alone. Results that are not encrypted stay so. With a
    `serializer`, values that another one wrote are loaded, which runs the code of pickles, and written by that one;
    else nothing is loaded. `sign_unsigned` signs what is not signed, too: only do it while you know who wrote it all.

    Each result is given as it is done. One that cannot be rewritten is as it was, and its `reason` says why. A result
    whose document another run has overwritten is left out: it goes by that run.

    Raises:
        RunMissing, ResultNotKept, ResultMissing: there is no such run, or its result is in no storage any more.
        UnknownSerializer: no serializer has the name.
    """
    from perdure._serializers.base import resolve

    known = known_runs()
    chosen = None if serializer is None else resolve(serializer, "pickle")
    waiting = map(persisted_record, run_ids) if run_ids else kept_records(known, wanted)
    done: set[Place] = set()
    while page := list(islice(waiting, _AT_ONCE)):
        shared = sharing(known, page)  # by others
        for record in page:
            shared.setdefault((record.storage_id, record.storage_key), []).append(record.run_id)
        for record in page:
            place = record.storage_id, record.storage_key
            if place in done:
                continue
            done.add(place)
            try:
                steps = _rewritten(record, shared[place], chosen, sign_unsigned, dry_run)
            except ResultOverwritten:
                done.discard(place)
            except (ResultError, StorageError, BlockError, SerializationError, UnknownSerializer) as error:
                yield Rewriting(record, (), str(error))
            else:
                yield Rewriting(record, steps)


def _rewritten(
    record: ResultRecord, run_ids: Sequence[str], chosen: "Serializer | None", sign_unsigned: bool, dry_run: bool
) -> tuple[Step, ...]:
    """Do what there is to be done to a document, which is the result of all these runs."""
    original = original_of(record, sign_unsigned)
    target = chosen.for_exceptions() if chosen is not None and record.is_exception else chosen
    steps = _steps(original, target)
    if dry_run:
        return steps
    if steps[:1] in (("serialized",), ("encrypted",)):
        _replace(original, run_ids, target if steps[0] == "serialized" else None)
    elif steps:
        document = resealed(original.document, original.key)
        original.storage.write(original.key, document)
        original.storage.sync((original.key,))
        _note(original, run_ids, size=_whole_size(original, len(document)))
    elif record.digest is None:  # whoever rewrote it last was killed on the way
        size = _whole_size(original, len(original.document))
        _note(
            original, run_ids, size=size, digest=original.blob.digest, serializer=json.dumps(original.blob.serializer)
        )
    return steps


def _steps(original: Original, target: "Serializer | None") -> tuple[Step, ...]:
    """What there is to be done.

    Raises:
        ResultUntrusted: the document would lose its signature.
        SerializationError: there is no key to encrypt with.
    """
    blob, ring = original.blob, signing.ring()
    protection = protection_of(original.document, blob, original.key, original.storage)
    steps: list[Step] = []
    if target is not None and json.dumps(blob.serializer) != description_of(target):
        target.check()
        steps.append("serialized")
    elif _is_encrypted(blob.serializer) and protection.encryption_key != _first_encryption_key():
        steps.append("encrypted")
    if ring is None:
        if steps and protection.signing_key is not None:
            raise ResultUntrusted(
                f"{original.where()} is signed with the key {protection.signing_key!r}, and would lose its signature."
                " Set PERDURE_RESULTS_SIGNING_KEYS."
            )
    elif steps or protection.signing_key != ring.first_id:
        steps.append("signed")
    return tuple(steps)


def _is_encrypted(description: object) -> bool:
    return isinstance(description, dict) and (
        description.get("type") == "encrypted" or _is_encrypted(description.get("serializer"))
    )


def _first_encryption_key() -> str:
    from perdure._serializers.encrypted import EncryptedSerializer

    return EncryptedSerializer().first_id


def _replace(original: Original, run_ids: Sequence[str], target: "Serializer | None") -> None:
    """Write the value by the target, or as it was but encrypted anew, in place of the document."""
    storage, key, blob = original.storage, original.key, original.blob
    serializer, description, written = _written(original, target)
    fields: dict[str, Any] = {"serializer": description}
    if serializer.hides:  # what may be shown of the value is secret from now on
        fields["preview"] = None
    _note(original, run_ids, digest=None)
    fields["size"], fields["digest"] = replace_document(storage, key, written, serializer, description, blob.type)
    _note(original, run_ids, **fields)


def _written(original: Original, target: "Serializer | None") -> "tuple[Serializer, str, tuple[bytes, Layout | None]]":
    """The serializer with its description, and what it wrote: data for the document, or a payload beside it."""
    from perdure._serializers.base import Serializer

    storage, key, blob = original.storage, original.key, original.blob
    serializer = Serializer.from_description(blob.serializer) if target is None else target
    with PayloadWriter(storage, lambda: payload_key(key, serializer.ending)) as payload:
        if target is not None:
            data = dumped(target, blob.load(original.where, storage), payload, key)
            return target, description_of(target), (data or b"", payload.finish() if data is None else None)
        description = json.dumps(blob.serializer)
        if blob.payload is None:
            return serializer, description, (serializer.renewed(blob.data), None)
        serializer.renew(StoredPayload(storage, blob.payload, original.where, distrusted=True), payload)
        return serializer, description, (b"", payload.finish())


def _note(original: Original, run_ids: Sequence[str], **fields: Any) -> None:
    """Have the database know the fields of all results that are this document."""
    known = known_runs()
    record = original.record
    for start in range(0, len(run_ids), _AT_ONCE):
        found = known.results(ResultFilter(run_ids=tuple(run_ids[start : start + _AT_ONCE]), doomed=False))
        same = [
            each
            for each in found
            if (each.storage_id, each.storage_key) == (record.storage_id, record.storage_key)
            and each.digest in (None, original.blob.digest)
        ]
        known.commit([each._replace(**fields) for each in same])


def _whole_size(original: Original, document: int) -> int:
    return document + (0 if original.blob.payload is None else original.blob.payload.size)
