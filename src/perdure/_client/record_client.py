"""What a client does for a room that keeps records and does nothing else with them: see `_model.ports.Kept`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from perdure import _rooms
from perdure._client.requests import Asker, Pages, Steps
from perdure._http.record_models import given_model_of, model_of, record_of, shown
from perdure._model.ports import kept_of
from perdure._platform.named import NamedTuple

Made = Callable[[BaseModel], object]  # a record of its model


class KeptClient:
    """The records of a room. `do` performs requests, as a plain function or a coroutine; `each` goes through pages."""

    def __init__(
        self,
        port: type,
        asker: Asker,
        do: Callable[[Steps[object]], object],
        each: Callable[[Pages[BaseModel], Made], object],
    ) -> None:
        self._record, _ = kept_of(port)
        self._path = _rooms.name_of(port).replace("_", "-")
        self._asker = asker
        self._do = do
        self._each = each

    def list(self, **wanted: object) -> Any:
        """The records that the room's filter lets through, by the names of the API's parameters."""
        pages = Pages(self._asker, model_of(self._record), self._path, wanted)
        return self._each(pages, self._made)

    def get(self, key: str) -> object:
        """The record with a key."""
        return self._do(self._read("GET", key))

    def put(self, record: NamedTuple) -> object:
        """Keep a record under its key; it, as it is kept."""
        key, *_ = record
        fields = shown(record)
        given: dict[str, Any] = {name: fields[name] for name in list(fields)[1:]}
        body = given_model_of(self._record).model_construct(**given)  # which the server checks
        return self._do(self._read("PUT", key, body.model_dump(mode="json")))

    def delete(self, key: str) -> Any:
        """Delete a record."""
        return self._do(self._delete(key))

    def _read(self, method: str, key: str, body: object = None) -> Steps[object]:
        answer = yield from self._asker.ask(method, self._at(key), body=body)
        return self._made(model_of(self._record).model_validate_json(answer))

    def _delete(self, key: str) -> Steps[None]:
        yield from self._asker.ask("DELETE", self._at(key))

    def _at(self, key: str) -> str:
        return f"{self._path}/{quote(key, safe='')}"

    def _made(self, found: BaseModel) -> object:
        return record_of(self._record, getattr(found, self._record._fields[0]), found)
