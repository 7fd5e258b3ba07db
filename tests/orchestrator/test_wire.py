"""Records as a client sends them: what is wrong with them is said."""

import json
from typing import Any

import pytest

from perdure._store import wire
from perdure.testing._sample_records import flow_run


def sent(change: Any) -> bytes:
    name, fields = json.loads(wire.encode_records([flow_run()]))[0]
    return json.dumps([[name, change(fields)]]).encode()


@pytest.mark.parametrize(
    "change",
    [lambda fields: [*fields, 1], lambda fields: [*fields, None, []], lambda fields: fields[:3], lambda _: {}, str],
    ids=["one too many", "two too many", "too few", "an object", "a text"],
)
def test_a_record_of_another_shape_is_refused_by_its_name(change: Any) -> None:
    with pytest.raises(wire.InvalidRecords, match="FlowRunRecord"):
        wire.decode_records(sent(change))


def test_a_field_of_another_type_is_named() -> None:
    with pytest.raises(wire.InvalidRecords, match=r"FlowRunRecord\.created"):
        wire.decode_records(sent(lambda fields: [*fields[:-1], "soon"]))
