"""Digests of torch's values: all that can be seen of them counts. Not among the tests that `make test` runs:

python -m pytest tests/extra/torch_digests.py

in an environment that has torch as well.
"""

import os
import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch

from perdure._engine.identity.hashing import digest_of_values as digest

TYPES = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64),
    *(torch.bool, torch.uint8, torch.int16, torch.int64, torch.uint16),
)


def linear(seed: int, bias: bool = True) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Linear(3, 2, bias=bias)


def with_attribute(unit: str) -> torch.Tensor:
    value = torch.ones(3)
    value.unit = unit  # type: ignore[attr-defined]
    return value


def with_gradient(of: float) -> torch.Tensor:
    value = torch.ones(3, requires_grad=True)
    (value * of).sum().backward()
    return value


def trained(steps: int) -> Any:
    model = linear(0)
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(steps):
        model(torch.ones(3)).sum().backward()
        optimizer.step()
    return optimizer.state_dict()


def layouts() -> list[torch.Tensor]:
    dense = torch.eye(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are said to be new
        return [dense, dense.to_sparse(), dense.to_sparse_csr(), dense.to_sparse_csc(), dense.to_sparse_bsr((1, 1))]


DIFFERENT = {
    **{f"values of {dtype}": [(torch.arange(4) % 2 + shift).to(dtype) for shift in (0, 1)] for dtype in TYPES[:6]},
    "types": [torch.zeros(4).to(dtype) for dtype in TYPES],
    "shapes": [torch.zeros(4), torch.zeros(2, 2), torch.zeros(4, 1), torch.zeros(0), torch.tensor(0.0)],
    "requires_grad": [torch.ones(2), torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))],
    "gradients": [with_gradient(1), with_gradient(2), torch.ones(3, requires_grad=True)],
    "attributes": [with_attribute("m"), with_attribute("km"), torch.ones(3)],
    "layouts": layouts(),
    "sparse values": [torch.eye(3).to_sparse(), (torch.eye(3) * 2).to_sparse(), torch.eye(3)[[1, 0, 2]].to_sparse()],
    "models": [linear(0), linear(1), linear(0, bias=False), linear(0).eval()],
    "optimizers": [trained(1), trained(2)],
    "types of torch": list(TYPES),
    "sizes": [torch.Size([1, 2]), torch.Size([2, 1]), (1, 2)],
    "devices": [torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda", 1)],
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_tensors_that_differ_have_different_digests(name: str) -> None:
    values = DIFFERENT[name]

    assert len({digest(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.arange(12).reshape(3, 4).t(), torch.arange(12).reshape(3, 4).t().contiguous()),
        (torch.arange(100)[5:9], torch.arange(5, 9)),
        (torch.arange(8)[::2], torch.tensor([0, 2, 4, 6])),
        (torch.ones(1).expand(4), torch.ones(4)),
        (torch.tensor([1 + 2j]).conj(), torch.tensor([1 - 2j])),
        (linear(3), linear(3)),
        (trained(2), trained(2)),
    ],
    ids=range(7),
)
def test_how_a_tensor_lies_in_memory_does_not_count(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


def test_digests_are_the_same_in_another_process() -> None:
    code = (
        "from tests.extra.torch_digests import DIFFERENT, digest\n"
        "print([digest(each) for values in DIFFERENT.values() for each in values])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert other.stdout.strip() == str([digest(each) for values in DIFFERENT.values() for each in values])


def test_a_large_tensor_is_digested_by_all_of_its_bytes() -> None:
    large = torch.zeros(1_000_000)
    changed = large.clone()
    changed[-1] = 1

    assert digest(large) == digest(torch.zeros(1_000_000)) != digest(changed)
