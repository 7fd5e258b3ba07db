"""What counts of a flow or task that is itself a value: its function, with its code, and its plain options."""

import dataclasses

from perdure._engine.identity.contents.content import Content, Describe, attributes
from perdure._engine.identity.names import name_of
from perdure._model.options import RunOptions

_PLAIN = (bool, int, float, str, bytes, type(None), tuple, frozenset)


def describer_of(kind: type) -> Describe | None:
    """What says of flows and tasks what counts of them."""
    return _definition if name_of(kind).rpartition(".")[0] in ("perdure.flows", "perdure.tasks") else None


def _definition(value: object) -> Content | None:
    options = getattr(value, "options", None)
    if not isinstance(options, RunOptions):
        return None
    fields = (each.name for each in dataclasses.fields(options) if each.metadata.get("in_digest", True))
    given = {name: getattr(options, name) for name in fields} | {"name": options.own_name}
    parts = {
        "function": options.function,
        "options": attributes({name: item for name, item in given.items() if isinstance(item, _PLAIN)}),
        "of": getattr(value, "_instance", None),
    }
    return Content(f"definition {name_of(type(value))}", parts, keeps_former=False)
