"""Blocks: saved configurations. Secrets are write-only: no response contains them."""

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perdure._blocks.block import Block, block_class, block_types
from perdure._blocks.content import redact_fields
from perdure._http.authorisation import caller_of, needs
from perdure._http.dependencies import Known, Storages
from perdure._http.errors import answers
from perdure._http.models import moment, parsed
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import BlockError, NotFound, reasons
from perdure._model.records import BlockRecord
from perdure._rooms.tokens.records import Scope
from perdure._store.protocol import Orchestrator

router = ApiRouter(prefix="/blocks", tags=["blocks"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)
_DEEPEST = 5  # fields in fields
_SLUG = r"^[a-z0-9-]+$"
Type = Annotated[str, Path(pattern=_SLUG, max_length=200, examples=["local-file-system"])]
Name = Annotated[str, Path(pattern=_SLUG, max_length=200, examples=["dev"])]


class BlockModel(BaseModel):
    """A saved block, with asterisks for its secrets."""

    slug: str
    id: str
    type: str
    name: str
    created: datetime
    updated: datetime
    fields: dict[str, object]

    @classmethod
    def of(cls, record: BlockRecord) -> "BlockModel":
        """The model of a record that has a name."""
        return cls(
            slug=f"{record.type}/{record.name}",
            id=record.id,
            type=record.type,
            name=record.name or "",
            created=moment(record.created),
            updated=moment(record.updated),
            fields=redact_fields(parsed(record.data)),
        )


class BlockTypeModel(BaseModel):
    """A type of blocks that the server knows."""

    type: str
    title: str
    description: str
    secret_fields: Annotated[
        list[str], Field(description="The fields that responses redact; dots lead into nested fields.")
    ]
    fields_schema: Annotated[dict[str, object], Field(description="The JSON schema of its fields.")]


class BlockFields(BaseModel):
    """A block to save."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, object]


@router.get("")
def list_blocks(known: Known, type: Annotated[Plain | None, Query()] = None) -> list[BlockModel]:
    """The saved blocks, by type and name."""
    return [BlockModel.of(record) for record in known.blocks(type=type)]


@router.get("/types")
def list_block_types() -> list[BlockTypeModel]:
    """The types of blocks that the server knows."""
    return [_type_model(type, kind) for type, kind in block_types().items()]


@router.get("/{type}/{name}", responses=_ONE)
def get_block(type: Type, name: Name, known: Known) -> BlockModel:
    """One block."""
    return BlockModel.of(_found(type, name, known))


@router.put("/{type}/{name}")
@needs(Scope.WRITE)
def save_block(
    type: Type,
    name: Name,
    given: BlockFields,
    known: Known,
    request: Request,
    storages: Storages,
    overwrite: Annotated[bool, Query(description="Move the name here from another block.")] = False,
) -> BlockModel:
    """Save a block. A block that had the name before can still be found by its id."""
    try:
        block = block_class(type).model_validate(given.fields)
    except ValidationError as error:
        raise BlockError(f"It does not fit {type!r}: {reasons(error)}.") from None
    held = known.blocks(type=type, name=name)
    if held and not overwrite:
        raise BlockError(f"A block is saved as {type + '/' + name!r} already. Give overwrite=true, or another name.")
    record = block.record(name)
    if caller_of(request).scope is Scope.ADMIN:
        storages.saved_by_administrator(block)
    known.commit([*(each._replace(name=None, updated=record.created) for each in held), record])
    return BlockModel.of(record)


@router.delete("/{type}/{name}", status_code=HTTPStatus.NO_CONTENT, responses=_ONE)
@needs(Scope.WRITE)
def delete_block(type: Type, name: Name, known: Known) -> None:
    """Delete a block. Results in a deleted storage can still be read."""
    known.delete_block(_found(type, name, known).id)


def _found(type: str, name: str, known: Orchestrator) -> BlockRecord:
    found = known.blocks(type=type, name=name)
    if not found:
        raise NotFound(f"No block is saved as {type + '/' + name!r}.")
    return found[0]


def _type_model(type: str, kind: type[Block]) -> BlockTypeModel:
    schema = kind.model_json_schema()
    return BlockTypeModel(
        type=type,
        title=re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", kind.__name__),
        description=(kind.__doc__ or "").strip(),
        secret_fields=list(_secrets(schema, schema, "")),
        fields_schema=schema,
    )


def _secrets(schema: dict[str, Any], whole: dict[str, Any], path: str) -> Iterator[str]:
    """The paths of what a JSON schema calls a password."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}{name}"
        for choice in (field, *field.get("anyOf", ())):
            if choice.get("format") == "password":
                yield here
            if (named := choice.get("$ref", "").rpartition("/")[2]) and path.count(".") < _DEEPEST:
                yield from _secrets(whole["$defs"][named], whole, f"{here}.")


ROUTERS = (router,)
