"""Tensors of torch in pickles. Not among the tests that `make test` runs, since torch is larger than all the rest:

python -m pytest tests/extra/torch_tensors.py

in an environment that has torch as well.
"""

from typing import Any

import pytest
import torch

from perdure._serializers.tensors import tensor_from_memory
from perdure.errors import ResultUnreadable
from perdure.serializers import PickleSerializer
from perdure.testing.serializer_conformance import MemoryPayload

SERIALIZER = PickleSerializer()
SIZE = 100_000
TYPES = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64),
    *(torch.bool, torch.uint8, torch.int16, torch.int64, torch.uint16),
)


def dumped(value: Any) -> MemoryPayload:
    payload = MemoryPayload()
    assert SERIALIZER.dump(value, payload) is None
    return payload


def written(payload: MemoryPayload) -> int:
    """Bytes."""
    return len(payload.stream) + sum(each.nbytes for each in payload.kept)


def assert_same(loaded: Any, value: Any) -> None:
    assert type(loaded) is type(value)
    assert (loaded.dtype, loaded.shape, loaded.stride()) == (value.dtype, value.shape, value.stride())
    assert loaded.requires_grad == value.requires_grad
    assert loaded.__dict__ == value.__dict__
    assert torch.equal(loaded.to(torch.complex128), value.to(torch.complex128))


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_the_memory_of_a_tensor_goes_beside_the_stream(dtype: torch.dtype) -> None:
    value = (torch.arange(SIZE) % 3).to(dtype).reshape(2, -1)
    payload = dumped(value)
    assert len(payload.stream) < 200
    assert payload.kept[0].nbytes == value.nbytes
    assert_same(SERIALIZER.load(payload), value)


def test_the_memory_itself_is_given_and_not_a_copy() -> None:
    value = torch.zeros(SIZE)
    payload = dumped(value)
    value[0] = 1
    assert bytes(payload.kept[0][:4]) != bytes(4)


def test_a_slice_is_written_without_what_it_is_a_slice_of() -> None:
    value = torch.arange(100 * SIZE)[5 : SIZE + 5]
    payload = dumped(value)
    assert written(payload) < value.nbytes + 200
    assert_same(SERIALIZER.load(payload), value)


def _with_attribute() -> torch.Tensor:
    value = torch.ones(SIZE)
    value.unit = "m"  # type: ignore[attr-defined]
    return value


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(SIZE, requires_grad=True),
        torch.nn.Parameter(torch.ones(SIZE)),
        torch.nn.Parameter(torch.ones(SIZE), requires_grad=False),
        torch.nn.Buffer(torch.ones(SIZE)),
        torch.ones(SIZE, requires_grad=True) * 2,
        torch.arange(SIZE).reshape(100, -1).t(),
        torch.arange(SIZE)[::2],
        torch.ones(1).expand(SIZE),
        torch.ones(SIZE, dtype=torch.complex64).conj(),
        torch.ones(SIZE, dtype=torch.complex64).conj().imag,
        torch.ones(4, 30, 30, 30).to(memory_format=torch.channels_last),
        torch.ones(0),
        torch.tensor(1.5),
        _with_attribute(),
    ],
    ids=range(14),
)
def test_all_other_tensors_come_back_as_they_were(value: torch.Tensor) -> None:
    payload = MemoryPayload()
    text = SERIALIZER.dump(value, payload)
    assert_same(SERIALIZER.load(payload) if text is None else SERIALIZER.loads(text), value)


def test_sparse_tensors_come_back() -> None:
    value = torch.eye(10_000).to_sparse()
    assert torch.equal(SERIALIZER.load(dumped(value)).to_dense(), value.to_dense())


def test_a_tensor_that_is_there_twice_stays_one() -> None:
    value = torch.ones(SIZE)
    payload = dumped([value, value])
    one, other = SERIALIZER.load(payload)
    assert one is other
    assert len(payload.kept) == 1


def test_a_model_comes_back_and_learns_on() -> None:
    model = torch.nn.Linear(400, 400)
    payload = dumped(model)
    assert payload.kept[0].nbytes == model.weight.nbytes
    loaded = SERIALIZER.load(payload)
    loaded(torch.ones(400)).sum().backward()
    assert torch.equal(loaded.weight, model.weight)
    assert loaded.weight.grad is not None


def test_a_tensor_in_a_pickle_without_buffers_comes_back() -> None:
    payload = MemoryPayload(takes_buffers=False)
    value = torch.arange(SIZE)
    assert SERIALIZER.dump(value, payload) is None
    assert_same(SERIALIZER.load(payload), value)


def test_only_types_of_tensors_are_taken_from_a_pickle() -> None:
    payload = dumped(torch.ones(SIZE))
    payload.stream = payload.stream.replace(b"float32", b"Tensor_"[:7])
    with pytest.raises(ResultUnreadable):
        SERIALIZER.load(payload)
    with pytest.raises(Exception, match="no type of a tensor"):
        tensor_from_memory(bytearray(8), "load", (2,), False)
