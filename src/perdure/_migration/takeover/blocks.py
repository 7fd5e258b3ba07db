"""Blocks: decrypted with Prefect's key, and encrypted with ours."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr, ValidationError

from perdure._blocks.approved import approve
from perdure._blocks.block import Block, block_types
from perdure._blocks.content import stored_json
from perdure._migration.takeover.context import Context
from perdure._migration.takeover.keys import Keys
from perdure._migration.takeover.source import from_json, listed, micros
from perdure._model.errors import BlockError, SettingError
from perdure._model.records import BlockRecord
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

_DEEPEST = 10  # blocks within blocks
_WRONG = (ValidationError, BlockError, SettingError, ValueError, TypeError)


class _Found(NamedTuple):
    """A block as the source has it."""

    id: str
    type: str
    name: str | None
    fields: dict[str, Any] | None  # decrypted, blocks within it in their places; None if no key fits
    created: Micros
    updated: Micros


class _Kept(BaseModel):
    """The fields of a block whose type is not known here, or does not take them."""

    model_config = ConfigDict(extra="allow")


def take_blocks(context: Context) -> None:
    """Take all blocks, those without a name too: results lie in them."""
    tally, target = context.tallies["blocks"], context.target
    found = _blocks(context)
    records: list[BlockRecord] = []
    for block in found:
        tally.source += 1
        if block.fields is None:
            tally.kept += 1
            continue
        there = target.block(block.id)
        if there is not None and there.updated >= block.updated:
            tally.known += 1
            continue
        tally.new += there is None
        tally.updated += there is not None
        records.append(_record(context, block, block.fields))
    context.commit(records)
    if not context.dry_run:
        tally.found += sum(target.block(block.id) is not None for block in found if block.fields is not None)


def _blocks(context: Context) -> Sequence[_Found]:
    columns = listed(context.source, "block_document", "d", ("is_anonymous",))
    query = (
        f"SELECT d.id, t.slug, d.name, d.data, d.created, d.updated, s.fields, {columns} FROM block_document d"
        " JOIN block_type t ON t.id = d.block_type_id LEFT JOIN block_schema s ON s.id = d.block_schema_id"
        " ORDER BY d.created, d.id"
    )
    rows = {row[0]: row for row in context.source.select(query)}
    keys = Keys(context.source) if rows else None
    plain = {id: None if keys is None else keys.decrypted(from_json(row[3])) for id, row in rows.items()}
    secret = {id: (from_json(row[6]) or {}).get("secret_fields") or () for id, row in rows.items()}
    for id, fields in plain.items():
        if fields is not None:
            plain[id] = _veiled(fields, [path.split(".") for path in secret[id]])
    found: list[_Found] = []
    for id, slug, name, data, created, updated, _, anonymous in rows.values():
        fields = plain[id]
        if fields is None:
            why = "it was encrypted with another key: set PREFECT_API_ENCRYPTION_KEY, and take over again"
            context.kept.add("block_document", {"id": id, "type": slug, "name": name, "data": data}, why)
        else:
            fields = _whole(fields, plain, _DEEPEST)
        found.append(_Found(id, slug, None if anonymous else name, fields, micros(created), micros(updated)))
    return found


def _whole(value: object, others: Mapping[str, dict[str, object] | None], depth: int) -> Any:
    """Fields with the blocks that they refer to in the places of the references."""
    if isinstance(value, list):
        return [_whole(each, others, depth) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, dict) and isinstance(reference.get("block_document_id"), str) and depth:
        inner = others.get(reference["block_document_id"])
        return value if inner is None else _whole(inner, others, depth - 1)
    return {name: _whole(each, others, depth) for name, each in value.items()}


def _veiled(value: object, paths: Sequence[Sequence[str]]) -> Any:
    """Fields with their secrets as such: those at the paths, of which a part `*` is any name."""
    if any(not path for path in paths):
        return _secret(value)
    if isinstance(value, list):
        return [_veiled(each, _below(paths, str(place))) for place, each in enumerate(value)]
    if isinstance(value, dict):
        return {name: _veiled(each, _below(paths, name)) for name, each in value.items()}
    return value


def _below(paths: Iterable[Sequence[str]], name: str) -> list[Sequence[str]]:
    return [path[1:] for path in paths if path and path[0] in (name, "*")]


def _secret(value: object) -> object:
    if isinstance(value, dict):
        return {name: _secret(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_secret(each) for each in value]
    return SecretStr(value) if isinstance(value, str) else value


def _record(context: Context, block: _Found, fields: dict[str, object]) -> BlockRecord:
    name = _free_name(context, block)
    made = _made(context, block, fields)
    content = stored_json(made.settled() if isinstance(made, Block) else made, f"{block.type}/{block.id}")
    if isinstance(made, Block) and not context.dry_run:
        _approve(made)
    return BlockRecord(block.id, block.type, name, content, block.created, block.updated)


def _free_name(context: Context, block: _Found) -> str | None:
    """The block's name; another one where that is taken here."""
    if block.name is None:
        return None
    name = block.name
    while any(each.id != block.id for each in context.target.blocks(type=block.type, name=name)):
        name = f"{name}-prefect"
    if name != block.name:
        cells = {"id": block.id, "type": block.type, "name": block.name, "name_here": name}
        context.kept.add("block_document", cells, "another block has its name here")
    return name


def _made(context: Context, block: _Found, fields: dict[str, object]) -> BaseModel:
    """The block as its type makes it here; as it is where there is no such type, or the fields do not fit."""
    kind = block_types().get(block.type)
    cells = {"id": block.id, "type": block.type, "name": block.name}
    if kind is None:
        context.kept.add("block_document", cells, "its type is not known here; the block is there, with all its fields")
        return _Kept(**fields)
    names = getattr(kind, "former_names", {})
    known = {each for name, field in kind.model_fields.items() for each in (name, field.alias)}
    renamed = ((name if name in known else names.get(name, name), value) for name, value in fields.items())
    given = {name: value for name, value in renamed if name is not None and value is not None}
    fitting = {name: value for name, value in given.items() if name in known}
    try:
        made = kind.model_validate(fitting, by_alias=True, by_name=True)
    except _WRONG:
        context.kept.add(
            "block_document", cells, "its type does not take its fields here; the block is there with them"
        )
        return _Kept(**fields)
    left = {name: value for name, value in given.items() if name not in known and not _has_secret(value)}
    if left:
        context.kept.add("block_document", {**cells, "fields": left}, "its type has no such fields here")
    return made


def _has_secret(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_secret, value.values()))
    return any(map(_has_secret, value)) if isinstance(value, list) else isinstance(value, SecretStr | SecretBytes)


def _approve(block: Block) -> None:
    """Results may lie in it: that its user takes it over is as if they had saved it."""
    from perdure._storages.storage import Storage

    if isinstance(block, Storage):
        approve(block.settled())
